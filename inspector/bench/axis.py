"""The axis of milliseconds below a histogram: linear, or logarithmic where the latencies lie far apart."""

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

FAR_APART: Final = 6.0
"""Of the largest to the smallest latency: above this the axis is logarithmic."""

MARGIN: Final = 0.04
"""Of the axis, free on each side, so that no latency lies on its edge."""

TICKS: Final = 8
"""About so many on a linear axis."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Latencies from ``low_ms`` to ``high_ms`` on ``width`` pixels."""

    low_ms: float
    high_ms: float
    width: int
    is_log: bool

    @classmethod
    def over(cls, low_ms: float, high_ms: float, width: int) -> Self:
        """The axis that shows this range well. Both ends must be above 0."""
        if high_ms / low_ms > FAR_APART:
            margin = (high_ms / low_ms) ** MARGIN
            return cls(low_ms / margin, high_ms * margin, width, is_log=True)
        margin = MARGIN * max(high_ms - low_ms, 0.02 * high_ms)
        return cls(max(0.0, low_ms - margin), high_ms + margin, width, is_log=False)

    def at(self, ms: float) -> int:
        """The pixel column of a latency."""
        return round(self.width * self._share(ms))

    def _share(self, ms: float) -> float:
        if self.is_log:
            return math.log(ms / self.low_ms) / math.log(self.high_ms / self.low_ms)
        return (ms - self.low_ms) / (self.high_ms - self.low_ms)

    def edges(self, bins: int) -> NDArray[np.float64]:
        """The (bins + 1,) milliseconds between bins that look equally wide."""
        spaced = np.geomspace if self.is_log else np.linspace
        return spaced(self.low_ms, self.high_ms, bins + 1)

    def ticks(self) -> list[float]:
        """Round numbers within the range, in rising order."""
        if self.is_log:
            first, last = math.floor(math.log10(self.low_ms)), math.ceil(math.log10(self.high_ms))
            candidates = [digit * 10.0**power for power in range(first, last + 1) for digit in (1, 2, 5)]
        else:
            step = _round_step((self.high_ms - self.low_ms) / TICKS)
            candidates = [number * step for number in range(math.ceil(self.high_ms / step) + 1)]
        return [each for each in candidates if self.low_ms <= each <= self.high_ms]


def _round_step(least: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least * (1 - 1e-9))
