"""OpenCV's capture as a device."""

from collections.abc import Mapping
from typing import Any, Protocol

import cv2
from numpy.typing import NDArray

from inspector.cameras.device import Shot, Trouble, lost, shot_of


class Capture(Protocol):
    """What is asked of ``cv2.VideoCapture`` once it is open."""

    def read(self) -> tuple[bool, NDArray[Any] | None]:
        """Wait for the next frame, uint8, BGR or grey; False when the source has failed."""

    def get(self, prop: int, /) -> float:
        """A property: here the frame's time by the clock of the source."""

    def release(self) -> None:
        """Let the source go."""


class Captured:
    """A ``Device``. ``stamps``: whether the source tells by its own clock when a frame was taken."""

    free_running = True

    def __init__(self, capture: Capture, station: str, source: str, *, stamps: bool) -> None:
        self._capture = capture
        self._station = station
        self._source = source
        self._stamps = stamps

    def grab(self, timeout_s: float) -> Shot | None:  # noqa: ARG002 - OpenCV waits as long as it was opened to wait
        """See ``Device``."""
        is_there, pixels = self._capture.read()
        if not is_there:
            raise lost(self._station, self._source, "has stopped delivering frames")
        if pixels is None or not pixels.size:
            raise lost(self._station, self._source, "has given an empty frame")
        stamp_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000 if self._stamps else None
        return shot_of(pixels, device_time_s=stamp_s)

    def fire(self) -> None:
        """See ``Device``."""

    def counts(self) -> Mapping[Trouble, int]:
        """OpenCV counts nothing."""
        return {}

    def close(self) -> None:
        """See ``Device``."""
        self._capture.release()
