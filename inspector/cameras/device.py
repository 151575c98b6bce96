"""What a live kind of camera provides: its driver, as ``LiveCamera`` uses it, in this process or in a helper's.

A new live kind is one file: settings that inherit ``LiveSettings`` and say how to ``connect``, and a class that is a
``Device``. Freshness, time-outs, loss and return, the helper process and the metrics are then there already.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from inspector.cameras.pixel_formats import CODES, Grid
from inspector.errors import CameraError

Trouble = Literal["packets_lost", "packets_resent", "buffers_dropped", "buffers_incomplete"]
"""What goes wrong between a camera and its driver, and is counted."""

BY_CHANNELS: Final = {1: CODES["Mono8"], 3: CODES["BGR8"]}


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture as the driver gave it: bytes, which become RGB only if the station takes them."""

    data: NDArray[np.uint8]
    """One dimension, C-contiguous. It may lie in memory of a driver or of a helper, until ``release``."""
    grid: Grid
    """Pixel format and size."""
    monotonic_s: float = field(default_factory=time.monotonic)
    """Reading of ``time.monotonic()`` at exposure if ``exposed``, else at arrival."""
    exposed: bool = False
    device_frame: int | None = None
    """The camera's own number of the frame, if it tells one."""
    device_time_s: float | None = None
    """When it was taken by the camera's own clock, if it tells that."""
    part_id: str | None = None
    """The part's identity, if the camera knows it."""
    release: Callable[[], None] = lambda: None
    """To be called once, by any thread, when ``data`` is no longer needed."""


def shot_of(pixels: NDArray[Any], **facts: Any) -> Shot:
    """A shot of uint8 pixels as OpenCV has them: (height, width) or (height, width, 1) grey, (height, width, 3) BGR."""
    height, width, *channels = pixels.shape
    code = BY_CHANNELS[channels[0] if channels else 1]
    return Shot(np.ascontiguousarray(pixels).reshape(-1), Grid(code, height, width), **facts)


class Device(Protocol):
    """An open camera's driver. One thread calls ``grab``, ``counts`` and ``close``; a second one may ``fire``."""

    free_running: bool
    """Whether pictures come by themselves, so that silence is a loss; else each of them has to be triggered."""

    def grab(self, timeout_s: float) -> Shot | None:
        """The next picture, or None when none came in time; a native call may take longer.

        Raises FrameError for one that is no good, such as an incomplete buffer, and CameraError when the camera is
        lost.
        """

    def fire(self) -> None:
        """Trigger a picture by software; nothing where the camera runs free, or a cable triggers it."""

    def counts(self) -> Mapping[Trouble, int]:
        """What went wrong since the camera was opened. Takes microseconds."""

    def close(self) -> None:
        """Let the camera go."""


def lost(station: str, source: str, what: str) -> CameraError:
    """What to say when a camera cannot be used any more; ``source`` names it, without a password."""
    return CameraError(
        f"station {station}: camera {source} {what}. Check its power, cable and network; it is opened again by itself."
    )
