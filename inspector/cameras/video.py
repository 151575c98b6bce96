"""A video file, frame by frame."""

import time
from pathlib import Path
from typing import Any

import cv2
from numpy.typing import NDArray

from inspector.cameras.pacing import Pace
from inspector.errors import CameraError
from inspector.inspection import Camera, EndOfFrames, Frame, utc_now
from inspector.pictures import to_rgb


class VideoFile(Camera):
    """Every frame of a video file in order, read by the caller's thread."""

    def __init__(self, path: str, station: str, pace: Pace, *, loops: bool) -> None:
        self._path = path
        self._station = station
        self._pace = pace
        self._loops = loops
        self._taken = 0
        self._capture = self._opened()

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera``. The end is reached too where a damaged file cannot be read on."""
        if not self._pace.wait(time.monotonic() + timeout_s):
            return None
        # Before decoding, so that decoding counts as latency.
        taken_s, wall_time = time.monotonic(), utc_now()
        pixels = to_rgb(self._next())
        self._pace.step(taken_s)
        self._taken += 1
        return Frame(pixels, taken_s, wall_time, self._taken - 1, self._station)

    def close(self) -> None:
        """See ``Camera``."""
        self._capture.release()

    def _next(self) -> NDArray[Any]:
        is_whole, pixels = self._capture.read()
        if not is_whole and self._taken and not self._loops:
            raise EndOfFrames(f"{self._path} was played once")
        if not is_whole and self._taken:
            # Opened again, since some containers do not seek to their start.
            self.close()
            self._capture = self._opened()
            is_whole, pixels = self._capture.read()
        if not is_whole:
            raise self._error("holds no frame that can be read")
        return pixels

    def _opened(self) -> cv2.VideoCapture:
        if not Path(self._path).is_file():
            raise self._error("does not exist")
        capture = cv2.VideoCapture(self._path, cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise self._error("is no video that FFmpeg can read")
        return capture

    def _error(self, what: str) -> CameraError:
        return CameraError(f"station {self._station}: video file {self._path} {what}. Correct the camera's `source`.")
