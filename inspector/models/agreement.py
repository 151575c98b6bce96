"""How a model on trial agrees with the one that judges, counted part by part."""

from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from inspector.bundle import Judgement
from inspector.inspection import Inspection, Outcome

MOST_NAMED: Final = 20
"""Record ids of one kind of disagreement that are kept; the rest is counted."""


class Disagreement(BaseModel):
    """Parts on which the two differ in one way."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    judged: Outcome
    """What the station said."""
    candidate: Outcome
    """What the model on trial would have said."""
    parts: int
    ids: tuple[str, ...]
    """The first of these inspections, by their ids in the record."""


class Agreement(BaseModel):
    """What became of a comparison."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    parts: int
    """Judged by both."""
    equal: float
    """Share of these with the same verdict."""
    correlation: float | None
    """Pearson's, of the two scores; null where it says nothing, with fewer than 3 parts or a score that never moves."""
    fails: int
    """Of the model on trial."""
    errors: int
    """Parts that the model on trial could not judge; they are among those that differ."""
    skipped: int
    """Parts that came while the comparison was busy: a trial never keeps the station waiting."""
    disagreements: tuple[Disagreement, ...]

    def __str__(self) -> str:
        said = f"{self.equal:.1%} of {self.parts} parts have the same verdict"
        return said if self.correlation is None else f"{said}, scores correlate by {self.correlation:.3f}"


class Tally:
    """Counts what two models say of the same parts."""

    def __init__(self) -> None:
        self.parts = 0
        self._fails = self._errors = self._equal = 0
        self._scores: list[tuple[float, float]] = []
        self._unequal: dict[tuple[Outcome, Outcome], list[str]] = {}

    def add(self, judged: Inspection, said: Judgement) -> None:
        """One part more."""
        self.parts += 1
        self._fails += said.outcome is Outcome.FAIL
        self._errors += said.outcome is Outcome.ERROR
        if judged.score is not None and said.score is not None:
            self._scores.append((judged.score, said.score))
        if judged.outcome is said.outcome:
            self._equal += 1
        else:
            self._unequal.setdefault((judged.outcome, said.outcome), []).append(judged.id)

    def result(self, skipped: int) -> Agreement:
        """What was counted so far."""
        return Agreement(
            parts=self.parts,
            equal=self._equal / self.parts if self.parts else 0.0,
            correlation=self._correlation(),
            fails=self._fails,
            errors=self._errors,
            skipped=skipped,
            disagreements=tuple(
                Disagreement(judged=judged, candidate=said, parts=len(ids), ids=tuple(ids[:MOST_NAMED]))
                for (judged, said), ids in sorted(self._unequal.items())
            ),
        )

    def _correlation(self) -> float | None:
        scores = np.array(self._scores).reshape(-1, 2)
        if len(scores) < 3 or not scores.std(axis=0).all():
            return None
        return float(np.corrcoef(scores.T)[0, 1])
