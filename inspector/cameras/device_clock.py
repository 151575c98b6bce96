"""When a picture was taken, on this machine's clock, from the time that the camera's own clock stamps it with."""

from typing import Final

WORST_DRIFT: Final = 200e-6
"""Seconds that two quartz clocks run apart in a second, at the worst."""


class DeviceClock:
    """Compares the clocks by the pictures that came quickest: no picture comes before it was taken.

    What a picture took longer than the quickest is its delay on the way. So one that was held back is known to be old,
    and a late answer to one trigger is not taken for the answer to the next. What all pictures take counts as if they
    were taken later: the quickest way, and exposure and readout where the camera stamps their beginning.
    """

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._offset_s = float("inf")

    def taken_s(self, stamped_s: float, arrived_s: float) -> float | None:
        """The time of the picture on the clock of ``arrived_s``, and never after it.

        None where the stamp tells nothing: that of the first picture, or of a clock that stands still or was set back.
        """
        before, self._last = self._last, (stamped_s, arrived_s)
        offset_s = arrived_s - stamped_s
        if before is None or stamped_s < before[0]:
            self._offset_s = offset_s
            return None
        # Else the offset of a quick picture of long ago would make those of a camera whose clock is slow look late.
        drifted_s = WORST_DRIFT * (arrived_s - before[1])
        self._offset_s = min(self._offset_s + drifted_s, offset_s)
        return stamped_s + self._offset_s if stamped_s > before[0] else None
