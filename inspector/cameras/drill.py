"""A camera that lies when it is told to: a drill for the people and the alarms of a line, and for tests."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from inspector.cameras.device import Device, Shot, Trouble
from inspector.errors import CameraError, FrameError
from inspector.inspection import Reason

LATE_S: Final = 60.0

LOOK_S: Final = 0.02


class DrilledDevice:
    """A ``Device`` that does what the one word in a file says, and what the device itself does without a file.

    The words are those of ``FAULTS`` and ``SILENCES``. ``lost`` makes the error of a camera that is lost.
    """

    def __init__(self, device: Device, file: Path, lost: Callable[[str], CameraError]) -> None:
        self.free_running = device.free_running
        self._device = device
        self._file = file
        self._lost = lost
        self._last: Shot | None = None
        self._troubles: dict[Trouble, int] = {"packets_lost": 0, "buffers_incomplete": 0}
        if self._word() == "lose":
            self.lose(0.0)

    def grab(self, timeout_s: float) -> Shot | None:
        """See ``Device``."""
        word = self._word()
        if word in SILENCES:
            SILENCES[word](self, timeout_s)
            return None
        shot = self._device.grab(timeout_s)
        if shot is None or word not in FAULTS:
            self._last = shot or self._last
            return shot
        return FAULTS[word](self, shot)

    def fire(self) -> None:
        """See ``Device``."""
        self._device.fire()

    def counts(self) -> Mapping[Trouble, int]:
        """See ``Device``."""
        return dict(self._troubles)

    def close(self) -> None:
        """See ``Device``."""
        self._device.close()

    def repeat(self, shot: Shot) -> Shot:
        """The last good picture, with the time of this one."""
        return replace(self._last or shot, monotonic_s=shot.monotonic_s)

    def lose_packets(self, shot: Shot) -> Shot:
        """A picture with a hole in it, which a good driver does not hand out."""
        self._troubles["packets_lost"] += 7
        self._troubles["buffers_incomplete"] += 1
        message = f"frame {shot.device_frame}: 7 packets of the picture are missing"
        raise FrameError(message, reason=Reason.INCOMPLETE_FRAME, part_id=shot.part_id)

    def lose(self, timeout_s: float) -> None:  # noqa: ARG002 - its siblings need it
        """As if the cable had been pulled."""
        raise self._lost("is unplugged, as a drill")

    def freeze(self, timeout_s: float) -> None:
        """No pictures, no error."""
        time.sleep(timeout_s)

    def hang(self, timeout_s: float) -> None:  # noqa: ARG002 - that it does not heed it is the point
        """A native call that does not come back before the drill is over."""
        while self._word() == "hang":
            time.sleep(LOOK_S)

    def _word(self) -> str:
        try:
            return self._file.read_text(encoding="utf-8").strip()
        except OSError:
            return ""


def _changed(shot: Shot, change: Callable[[np.ndarray], np.ndarray]) -> Shot:
    """The same frame with other pixels of the same format."""
    grid = shot.grid
    pixels = np.ascontiguousarray(change(shot.data.reshape(grid.height, grid.width, -1)))
    height, width = pixels.shape[:2]
    return replace(shot, data=pixels.reshape(-1), grid=replace(grid, height=height, width=width))


FAULTS: Final[dict[str, Callable[[DrilledDevice, Shot], Shot]]] = {
    "repeat": DrilledDevice.repeat,
    "black": lambda _, shot: _changed(shot, lambda pixels: pixels // 32),
    "white": lambda _, shot: _changed(shot, lambda pixels: 255 - (255 - pixels) // 64),
    "blur": lambda _, shot: _changed(shot, lambda pixels: cv2.GaussianBlur(pixels, (0, 0), pixels.shape[0] / 24)),
    "size": lambda _, shot: _changed(shot, lambda pixels: pixels[: len(pixels) // 2]),
    "late": lambda _, shot: replace(shot, monotonic_s=shot.monotonic_s - LATE_S),
    "lose_packets": DrilledDevice.lose_packets,
}
"""What a frame turns into."""

SILENCES: Final[dict[str, Callable[[DrilledDevice, float], None]]] = {
    "lose": DrilledDevice.lose,
    "freeze": DrilledDevice.freeze,
    "hang": DrilledDevice.hang,
}
"""What happens in the place of a frame."""
