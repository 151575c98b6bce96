"""What a bundle says of pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inspector.bundle.manifest import GOLDEN, GoldenPicture, Manifest, score_tolerance
from inspector.bundle.normals import Normals
from inspector.engines import Engine
from inspector.errors import BundleError
from inspector.fusion import Fusion
from inspector.inspection import Embedder, Features, Floats, Outcome, Pixels
from inspector.naming import UNKNOWN, TypeNamer
from inspector.pictures import read_picture, resize


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a bundle says of one picture."""

    outcome: Outcome
    score: float | None
    """None where it is not a number."""
    nearest_type: str | None = None
    """The known anomaly type that a FAIL looks like, ``unknown`` if it looks like none, None where none is known."""
    type_confidence: float | None = None
    """How probable that is, 0 to 1."""
    review: bool = False
    """Whether a FAIL is in doubt, so that a person should look."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose every checksum matched, loaded. ``digest`` is the SHA-256 of its manifest."""

    path: Path
    digest: str
    manifest: Manifest
    embedder: Embedder
    scorer: Fusion
    namer: TypeNamer | None
    """Tells the anomaly types apart, in the manifest's order; None where training had none."""
    engine: Engine
    """What runs the network."""
    normals: Normals | None = None
    """Held-out normals, which a line is compared with; None in bundles that were written without."""

    @property
    def threshold(self) -> float:
        """A score above this is FAIL."""
        return self.manifest.calibration.threshold

    def prepare(self, pixels: Pixels, out: Pixels | None = None) -> Pixels:
        """The picture at the model's input size; a picture of another size is resized, into ``out`` if it is given."""
        return resize(pixels, *self.manifest.input_size, out)

    def judge(self, features: Features) -> list[Judgement]:
        """The verdict on each of n pictures. A score that is not a number is never a PASS: it is ERROR."""
        return [self._verdict(float(score), features, i) for i, score in enumerate(self.scorer.score(features))]

    def _verdict(self, score: float, features: Features, i: int) -> Judgement:
        if not np.isfinite(score):
            return Judgement(Outcome.ERROR, None)
        if score <= self.threshold:
            return Judgement(Outcome.PASS, score)
        review = self._in_doubt(score)
        if self.namer is None or features.pooled is None:
            return Judgement(Outcome.FAIL, score, review=review)
        (likely,) = self.namer.probabilities(self.namer.similarities(features.pooled[i : i + 1]))
        names = [*(each.name for each in self.manifest.anomaly_types), UNKNOWN]
        best = int(likely.argmax())
        return Judgement(Outcome.FAIL, score, names[best], float(likely[best]), review)

    def _in_doubt(self, score: float) -> bool:
        band = self.manifest.calibration.review
        return band is not None and score <= band.below

    def heat_map(self, features: Features) -> Floats | None:
        """(n, rows, columns): how abnormal each place is, in spreads of normal places; None without a memory bank."""
        return self.scorer.heat_map(features)

    def golden(self) -> Iterator[tuple[GoldenPicture, Pixels]]:
        """Each golden picture: its record, and its pixels at the model's input size."""
        for golden in self.manifest.golden:
            yield golden, self.prepare(read_picture(self.path / GOLDEN / golden.file))

    def check_golden(self) -> None:
        """Judge the golden pictures again.

        Raises BundleError when a verdict is not what training saw, or a score is further from it than rounding allows;
        in 8 bits, than their record allows.
        """
        for golden, pixels in self.golden():
            (said,) = self.judge(self.embedder.embed(pixels[None]))
            if said.outcome is golden.outcome and self._agree(said.score, golden.score):
                continue
            raise BundleError(
                f"{self.path}: golden picture {golden.file} scores {said.score} ({said.outcome}) by {self.engine}, and "
                f"{golden.score} ({golden.outcome}) where it was trained; do not use this bundle so on this machine"
            )

    def _agree(self, score: float | None, expected: float) -> bool:
        allowed = score_tolerance(expected)
        if self.manifest.int8 and self.engine.precision == "int8":
            allowed += self.manifest.int8.largest_difference
        return score is not None and abs(score - expected) <= allowed
