"""The last parts of a line, as sums: what they are compared by takes no more memory than ten pictures' features."""

from collections import deque
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from inspector.drift.reference import BLOCKS, Reference, binned
from inspector.inspection import Floats


@dataclass(frozen=True, slots=True)
class Part:
    """One part: (numbers,) score, brightness and sharpness, and its (d,) feature vector."""

    numbers: NDArray[np.float64]
    vector: Floats
    passed: bool


@dataclass(slots=True)
class Tally:
    """What some parts add up to: their number, FAIL among them, and the sums of their bins, numbers and vectors."""

    counts: NDArray[np.int64]
    numbers: NDArray[np.float64]
    vectors: NDArray[np.float64]
    parts: int = 0
    fails: int = 0

    @classmethod
    def empty(cls, like: Reference) -> Self:
        """Of no part."""
        return cls(np.zeros_like(like.counts), np.zeros_like(like.means), np.zeros(like.mean.shape))

    def add(self, part: Part, bins: NDArray[np.bool_]) -> None:
        """One part more, which falls into these bins."""
        self.counts += bins
        self.numbers += part.numbers
        self.vectors += part.vector
        self.parts += 1
        self.fails += not part.passed

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.counts + other.counts,
            self.numbers + other.numbers,
            self.vectors + other.vectors,
            self.parts + other.parts,
            self.fails + other.fails,
        )


class Window:
    """The last ``length`` parts, a tenth of them exchanged at a time."""

    def __init__(self, length: int, reference: Reference) -> None:
        self._block_length = length // BLOCKS
        self._reference = reference
        self._blocks: deque[Tally] = deque(maxlen=BLOCKS)
        self._block = Tally.empty(reference)

    def add(self, part: Part) -> Tally | None:
        """One part more. Returns the sum of the window each time that it has moved on, once it is full."""
        self._block.add(part, binned(part.numbers, self._reference.edges))
        if self._block.parts < self._block_length:
            return None
        self._blocks.append(self._block)
        self._block = Tally.empty(self._reference)
        if len(self._blocks) < BLOCKS:
            return None
        return sum(self._blocks, Tally.empty(self._reference))
