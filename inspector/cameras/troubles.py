"""What went wrong between a camera and its driver, as metrics."""

from collections.abc import Mapping
from typing import get_args

from inspector.cameras.device import Trouble
from inspector.metrics import CAMERA_TROUBLES, FRAMES_DROPPED

LARGEST_GAP = 10_000
"""A camera that counts on from further away has begun anew."""

LAST_OF_16_BITS = 0xFFFF
"""After it GigE Vision 1 begins again with 1 (GigE Vision 1.2, block_id): 0 is never used."""


class Troubles:
    """Counts for one session of one camera; each metric is there, at 0, from the start."""

    def __init__(self, station: str) -> None:
        self._metrics = {trouble: CAMERA_TROUBLES.labels(station, trouble) for trouble in get_args(Trouble)}
        self._missing = FRAMES_DROPPED.labels(station, "never_arrived")
        self._counted: dict[Trouble, int] = {}
        self._last_frame: int | None = None
        self._unnumbered = 0

    def count(self, counts: Mapping[Trouble, int]) -> None:
        """Take over the driver's counts, which begin at 0 with the session."""
        if counts == self._counted:
            return
        for trouble, count in counts.items():
            self._metrics[trouble].inc(max(0, count - self._counted.get(trouble, 0)))
        self._counted = dict(counts)

    def follow(self, device_frame: int | None) -> None:
        """Count the frames that are missing between this one and the one before, by the camera's own numbers.

        None is one that came without its number, as what is no good does. What a session lost before its first frame
        cannot be told from what the camera never sent.
        """
        if device_frame is None:
            self._unnumbered += 1
            return
        if self._last_frame is not None:
            gap = device_frame - self._last_frame - 1 - self._unnumbered
            if device_frame < self._last_frame <= LAST_OF_16_BITS:
                gap += LAST_OF_16_BITS
            if 0 < gap < LARGEST_GAP:
                self._missing.inc(gap)
        self._last_frame, self._unnumbered = device_frame, 0
