"""Frames that are not of now: too old, or given before."""

import hashlib
import time
from collections import OrderedDict
from typing import Final

import numpy as np

from inspector.checks.settings import CheckSettings
from inspector.errors import CameraError, FrameError
from inspector.inspection import Camera, Frame, Pixels, Reason

REMEMBERED: Final = 32
"""Pictures: more than any driver or decoder keeps in its buffers."""

ROW_STEP: Final = 16
"""Every so many rows tell pictures apart: of a real sensor no two rows are alike, its noise sees to that."""


class Freshness:
    """The last pictures of one station, whichever session of its camera they came from."""

    def __init__(self, station: str, settings: CheckSettings) -> None:
        self.station = station
        self.settings = settings
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def is_new(self, pixels: Pixels) -> bool:
        """Whether this picture was not among the last ones. It is from now on."""
        rows = np.ascontiguousarray(pixels[::ROW_STEP])
        if _is_blank(rows):  # which says what is wrong with it, and is told by another check
            return True
        digest = hashlib.blake2b(rows.data, digest_size=16).digest()
        is_new = digest not in self._seen
        self._seen[digest] = None
        self._seen.move_to_end(digest)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return is_new


class FreshCamera(Camera):
    """One session of a camera, without the frames that are not of now: those are FrameErrors."""

    def __init__(self, camera: Camera, freshness: Freshness) -> None:
        self.is_live = camera.is_live
        self._camera = camera
        self._freshness = freshness
        self._settings = freshness.settings
        self._device_frame: int | None = None
        self._fresh_s = time.monotonic()

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera``. Raises FrameError for a frame that is not of now, CameraError when there are no others."""
        frame = self._camera.read(timeout_s)
        if frame is not None:
            self._check_age(frame)
            if self.is_live and self._settings.repeated:
                self._check_repetition(frame)
        return frame

    def check(self) -> bool:
        """See ``Camera``."""
        return self._camera.check()

    def fire(self, at_s: float) -> None:
        """See ``Camera``."""
        self._camera.fire(at_s)

    def close(self) -> None:
        """See ``Camera``."""
        self._camera.close()

    def _check_age(self, frame: Frame) -> None:
        age_ms = (time.monotonic() - frame.monotonic_s) * 1000
        if self._settings.max_age_ms is not None and age_ms > self._settings.max_age_ms:
            raise self._refused(frame, Reason.STALE_FRAME, f"is {age_ms:.0f} ms old")

    def _check_repetition(self, frame: Frame) -> None:
        is_new = self._freshness.is_new(frame.pixels)
        same_number = frame.device_frame is not None and frame.device_frame == self._device_frame
        self._device_frame = frame.device_frame
        if is_new and not same_number:
            self._fresh_s = time.monotonic()
            return
        self._check_frozen()
        raise self._refused(frame, Reason.REPEATED_FRAME, "has been given before")

    def _check_frozen(self) -> None:
        limit_s = self._settings.frozen_after_s
        if limit_s is not None and time.monotonic() - self._fresh_s > limit_s:
            raise CameraError(
                f"station {self._freshness.station}: the camera has repeated its pictures for {limit_s:g} s. "
                "It is opened again by itself; where that does not help, switch it off and on."
            )

    def _refused(self, frame: Frame, reason: Reason, what: str) -> FrameError:
        message = f"station {self._freshness.station}: frame {frame.sequence} of the camera {what}"
        return FrameError(message, reason=reason, part_id=frame.part_id)


def _is_blank(pixels: Pixels) -> bool:
    level = int(pixels.flat[0])
    return level in {0, 255} and bool((pixels == level).all())
