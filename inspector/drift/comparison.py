"""The last parts beside the normals: what has changed, by how much, and whether the camera or the parts did it."""

from dataclasses import dataclass
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from inspector.drift.chance import stability_index
from inspector.drift.reference import EMBEDDING, NUMBERS, Reference
from inspector.drift.window import Tally

Cause = Literal["camera", "parts"]

MOSTLY: Final = 0.5
PARTLY: Final = 0.25
"""Share of the embedding's way that the camera has to explain for it to be named: by that alone, or where the pictures
have become brighter, darker, sharper or softer too."""

IN_WORDS: Final[dict[Cause, str]] = {
    "camera": "the camera, its lens or its light changed",
    "parts": "the parts changed, or how they lie before the camera",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one thing is from what it was. ``means``: of the normals and of the parts, None for the embedding."""

    of: str
    value: float
    limit: float
    means: tuple[float, float] | None = None

    @property
    def is_over(self) -> bool:
        """More than chance, and enough to matter."""
        return self.value > self.limit

    def __str__(self) -> str:
        if self.means is None:
            return f"{self.of} moved by {self.value:.2f} spreads (limit {self.limit:.2f})"
        was, now = self.means
        return f"{self.of} {now:.3g}, was {was:.3g} (PSI {self.value:.2f}, limit {self.limit:.2f})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A window of ``parts`` beside the normals.

    ``explained``: the share of the embedding's way that goes where changes of the camera take it.
    """

    parts: int
    differences: tuple[Difference, ...]
    explained: float

    @classmethod
    def of(cls, tally: Tally, reference: Reference) -> Self:
        """The parts that were summed up, and those that they are to be like."""
        means = zip(reference.means.tolist(), (tally.numbers / tally.parts).tolist(), strict=True)
        indices = stability_index(tally.counts, reference.counts).tolist()
        way = (tally.vectors / tally.parts - reference.mean) / reference.spread
        return cls(
            parts=tally.parts,
            differences=(
                *(
                    Difference(name, index, reference.limits[name], both)
                    for name, index, both in zip(NUMBERS, indices, means, strict=True)
                ),
                Difference(EMBEDDING, float(np.sqrt(np.mean(way**2))), reference.limits[EMBEDDING]),
            ),
            explained=_explained(way, reference.camera, 1 / tally.parts + 1 / reference.size),
        )

    @property
    def cause(self) -> Cause | None:
        """What has changed, if anything has.

        Where the embedding has moved, its direction has a say: a new lot may well be darker, but goes elsewhere than a
        darker picture does. Else brightness and sharpness are the camera's, and a score that moves alone the parts'.
        """
        over = {each.of for each in self.differences if each.is_over}
        if not over:
            return None
        looks_other = bool(over & {"brightness", "sharpness"})
        if EMBEDDING in over:
            return "camera" if self.explained > (PARTLY if looks_other else MOSTLY) else "parts"
        return "camera" if looks_other else "parts"

    def __str__(self) -> str:
        if self.cause is None:
            return f"nothing changed in the last {self.parts} parts"
        told = "; ".join(str(each) for each in self.differences if each.is_over)
        return f"{IN_WORDS[self.cause]}, as the last {self.parts} parts show: {told}"


def _explained(way: NDArray[np.float64], camera: NDArray[np.float64], chance: float) -> float:
    """Share of the mean square of ``way``, (d,), in the plane that the (directions, d) span.

    ``chance``: what of the mean square comes of two samples being two, which nothing has to explain.
    """
    length = float(np.mean(way**2)) - chance
    if length <= 0:
        return 0.0
    return min(float(np.sum((camera @ way) ** 2)) / len(way) / length, 1.0)
