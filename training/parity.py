"""Whether the network in 8 bits says what it says in float32, on pictures that its ranges were not read from."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from inspector.bundle import MODEL, GoldenPicture, Int8Record
from inspector.engines import Engine
from inspector.errors import BundleError
from inspector.fusion import Fusion
from inspector.inspection import Floats, Outcome, Pixels
from training.fit import FittedModel
from training.seen import TrainingSet

AT_ONCE: Final = 32
"""Pictures that are scored at once; the patches of all would need much memory."""


@dataclass(frozen=True, slots=True)
class Parity:
    """The two networks side by side, at the one threshold."""

    record: Int8Record
    """Of the held-out normals and the anomalies together."""
    normals: int
    """Held-out normals."""
    rejected: tuple[int, int]
    """Of these, how many score above the threshold, in float32 and in 8 bits."""

    @classmethod
    def of(cls, scores: Floats, int8: Floats, threshold: float, normals: int) -> Self:
        """That of the (n,) scores of the same pictures, the held-out normals first."""
        passes, still_passes = scores <= threshold, int8 <= threshold
        varies = min(np.ptp(scores), np.ptp(int8)) > 0
        return cls(
            record=Int8Record(
                correlation=float(np.corrcoef(scores, int8)[0, 1]) if varies else 0.0,
                pictures=len(scores),
                flipped=int((passes != still_passes).sum()),
                largest_difference=float(np.abs(scores - int8).max()),
            ),
            normals=normals,
            rejected=(int((~passes[:normals]).sum()), int((~still_passes[:normals]).sum())),
        )

    def summary(self) -> dict[str, Any]:
        """The same for JSON."""
        before, after = self.rejected
        return {**self.record.model_dump(mode="json"), "normals_rejected": {"float32": before, "int8": after}}

    def __str__(self) -> str:
        record, (before, after) = self.record, self.rejected
        return (
            f"int8: on {record.pictures} pictures its scores go with float32's by a correlation of "
            f"{record.correlation:.4f}, and differ by {record.largest_difference:.3g} at most; {record.flipped} "
            f"verdicts differ; of {self.normals} good parts {after} are rejected, {before} in float32"
        )


def prove(
    int8: bytes, graph: bytes, model: FittedModel, data: TrainingSet, golden: Sequence[tuple[GoldenPicture, Pixels]]
) -> Parity:
    """How far the ONNX file ``int8`` goes from ``graph``, both run as a daemon would.

    Raises BundleError where it gives a golden picture another verdict.
    """
    scorer, threshold = model.scorer, model.calibration.threshold
    _check_golden(_scores(int8, scorer, np.stack([pixels for _, pixels in golden])), threshold, golden)
    pictures = np.concatenate([data.held_out, *data.anomalies.values()])
    return Parity.of(
        _scores(graph, scorer, pictures), _scores(int8, scorer, pictures), threshold, normals=len(data.held_out)
    )


def _check_golden(scores: Floats, threshold: float, golden: Sequence[tuple[GoldenPicture, Pixels]]) -> None:
    flipped = [
        f"  {picture.file}: {picture.score:.4g} ({picture.outcome}) in float32, {score:.4g} in 8 bits"
        for (picture, _), score in zip(golden, scores, strict=True)
        if (score <= threshold) != (picture.outcome is Outcome.PASS)
    ]
    if flipped:
        raise BundleError(
            f"in 8 bits the network gives {len(flipped)} of {len(golden)} golden pictures another verdict, at the "
            f"threshold {threshold:.4g}; no bundle was written. Leave int8 off (`export` needs no new training), or "
            "add normal pictures:\n" + "\n".join(flipped)
        )


def _scores(graph: bytes, scorer: Fusion, pictures: Pixels) -> Floats:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, MODEL)
        file.write_bytes(graph)
        embedder = Engine().open(file)
        batches = (pictures[start : start + AT_ONCE] for start in range(0, len(pictures), AT_ONCE))
        return np.concatenate([scorer.score(embedder.embed(some)) for some in batches])
