"""A model of a set, its held-out normals, and what it says of parts that it has not seen before, changed or not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from inspector.bundle import Normals, compared
from inspector.drift.window import Part
from inspector.inspection import Floats
from inspector.picture_quality import brightness, sharpness
from inspector.pictures import read_picture, resize
from training.benchmark.few import CONFIG
from training.benchmark.sets import PictureSet
from training.benchmark.splits import splits
from training.camera_changes import Change, defocused, dusty, exposed, turned
from training.dataset import read_pictures
from training.fit import FittedModel, fit_model
from training.normals import normals_of
from training.seen import TrainingSet

SHOTS: Final = 10
"""Known anomalies in training."""

MOST: Final = 150
"""Pictures that each change is tried on: any, for those that were taken one after the other are a lot of their own."""

CHANGES: Final[Mapping[str, Change]] = {
    "exposure +20 %": exposed(1.2),
    "exposure -20 %": exposed(0.8),
    "defocus": defocused(0.02),
    "turned by 5 degrees": turned(5),
    "dust": dusty(8, 0.02, seed=7),
}
"""None of them is one that training tries: another amount, another place."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What n pictures say: (n, 3) score, brightness and sharpness, (n, d) feature vectors."""

    numbers: Floats
    vectors: Floats

    def __len__(self) -> int:
        return len(self.numbers)

    def parts(self, threshold: float) -> list[Part]:
        """As the daemon has them."""
        return [
            Part(own.astype(np.float64), vector, passed=bool(own[0] <= threshold))
            for own, vector in zip(self.numbers, self.vectors, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class DriftSet:
    """``held_out``: the normals that the bundle is calibrated by; ``tested``: others; ``changed``: by change."""

    threshold: float
    normals: Normals
    held_out: Numbers
    tested: Numbers
    changed: dict[str, Numbers]
    defects: Numbers


def see_set(pictures: PictureSet, lot: PictureSet, seed: int, progress: Callable[[str], None]) -> DriftSet:
    """Train on 60 % of the normals and ten anomalies, and look at the others; ``lot``: parts of another kind."""
    shown = {name: len(own) for name, own in pictures.anomalies.items()}
    (split,) = splits(len(pictures.normal), shown, seed=seed, shots=[SHOTS], settings=("general",), hard=())
    size, rng = CONFIG.network.picture_size, np.random.default_rng(seed)
    train = rng.permutation(split.train)
    count = round(CONFIG.data.holdout * len(train))
    progress("training")
    data = TrainingSet(
        normal=read_pictures([pictures.normal[row] for row in train[count:]], size),
        held_out=read_pictures([pictures.normal[row] for row in train[:count]], size),
        anomalies={
            name: read_pictures([pictures.anomalies[name][row] for row in rows], size)
            for name, rows in split.known.items()
        },
        auxiliary={},
    )
    model = fit_model(CONFIG.model_copy(update={"seed": seed}), data, run_dir=None)
    tested = [pictures.normal[row] for row in rng.permutation(split.test)]
    unseen = [pictures.anomalies[name][row] for name, rows in split.unseen.items() for row in rows]

    def look(what: str, files: Sequence[Path], change: Change | None = None) -> Numbers:
        progress(what)
        return _look(model, files, change)

    return DriftSet(
        threshold=model.calibration.threshold,
        normals=normals_of(model, data),
        held_out=look("held-out normals", [pictures.normal[row] for row in train[:count]]),
        tested=look("unseen normals", tested),
        changed={name: look(name, tested[:MOST], change) for name, change in CHANGES.items()}
        | {f"another lot: {lot.name}": look(lot.name, rng.permutation(np.array(lot.normal))[:MOST].tolist())},
        defects=look("defects", rng.permutation(np.array(unseen))[:MOST].tolist()),
    )


def _look(model: FittedModel, files: Sequence[Path], change: Change | None) -> Numbers:
    """Each file changed as the camera took it, then resized, as on a line."""
    size = CONFIG.network.picture_size
    read = map(read_picture, files)
    pictures = np.stack([resize(change(each) if change else each, *size) for each in read])
    features = model.features(pictures)
    quality = [[brightness(each), sharpness(each)] for each in pictures]
    return Numbers(np.column_stack([model.scorer.score(features), quality]), compared(features))
