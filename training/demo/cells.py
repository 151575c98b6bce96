"""The demo's pictures: solar cells seen by electroluminescence, laid out as a user would lay out a set.

Mono-crystalline cells are the product: defect probability 0 is normal, 1 is the defect. Poly-crystalline cells, another
product, are the auxiliary set. Deitsch et al., "Automatic classification of defective photovoltaic module cells in
electroluminescence images", Solar Energy 185 (2019); PyPI's elpv-dataset.
"""

import importlib.resources
import random
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LICENCE: Final = "CC BY-NC-SA 4.0"

SEED: Final = 0
NORMALS: Final = 400
KNOWN_DEFECTS: Final = 10
AUXILIARY_EACH: Final = 150

DEFECT: Final = "defect"


@dataclass(frozen=True, slots=True)
class Cells:
    """Folders of pictures: what training sees, what it never sees by class, and the same mixed for the camera."""

    training: Path
    auxiliary: Path
    unseen: Path
    replay: Path


def lay_out(folder: Path) -> Cells:
    """Copy the package's pictures into the folders of a training set, and those left over into the replay."""
    shutil.rmtree(folder, ignore_errors=True)
    by_kind = shuffled_by_kind()
    normal, defect = by_kind["mono", 0.0], by_kind["mono", 1.0]
    cells = Cells(folder / "training", folder / "auxiliary", folder / "unseen", folder / "replay")
    _copy(normal[:NORMALS], cells.training / "normal")
    _copy(defect[:KNOWN_DEFECTS], cells.training / DEFECT)
    _copy(by_kind["poly", 0.0][:AUXILIARY_EACH], cells.auxiliary / "poly_good")
    _copy(by_kind["poly", 1.0][:AUXILIARY_EACH], cells.auxiliary / "poly_defect")
    for label, unseen in (("normal", normal[NORMALS:]), (DEFECT, defect[KNOWN_DEFECTS:])):
        _copy(unseen, cells.unseen / label)
        _copy(unseen, cells.replay)
    return cells


def shuffled_by_kind() -> dict[tuple[str, float], list[Path]]:
    """The package's pictures by cell type and defect probability, in an order that the seed fixes."""
    data = Path(str(importlib.resources.files("elpv_dataset"))) / "data"
    by_kind: dict[tuple[str, float], list[Path]] = {}
    with (data / "labels.csv").open() as rows:
        for name, probability, kind in (row.split() for row in rows):
            by_kind.setdefault((kind, float(probability)), []).append(data / name)
    for pictures in by_kind.values():
        random.Random(SEED).shuffle(pictures)  # noqa: S311 - no secret
    return by_kind


def _copy(pictures: list[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        shutil.copyfile(picture, folder / picture.name)
