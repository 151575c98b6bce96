"""The pictures of the speed benchmark: every set as a camera of 256 x 256 would have given it, divided once for all."""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from inspector.pictures import encode_png, read_picture, resize
from training.benchmark.sets import PictureSet
from training.benchmark.splits import splits

SIZE: Final = 256
"""Height and width of a picture as all models get it."""

SEED: Final = 0
SHOTS: Final = (0, 10)
"""Known anomalies, of any type."""

TIMED: Final = 10
"""Of the tested normals, and of the tested anomalies, that are timed, or fewer where there are not as many."""

NORMAL: Final = "normal"


@dataclass(frozen=True, slots=True)
class Division:
    """One set: files of normals to train on, of known anomalies by type, and of pictures to score."""

    set: str
    shots: int
    train: tuple[Path, ...]
    known: dict[str, tuple[Path, ...]]
    normals: tuple[Path, ...]
    anomalies: tuple[Path, ...]

    @property
    def tested(self) -> tuple[Path, ...]:
        """All pictures to score."""
        return (*self.normals, *self.anomalies)


def digest(*parts: Any) -> str:
    """Names what was made of these parts, which JSON or ``str`` can tell."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:12]


def divide(pictures: PictureSet, folder: Path, progress: Callable[[int], None]) -> dict[int, Division]:
    """The set by the number of its anomalies that are known, in files of 256 x 256 below ``folder``.

    Files that are there already are not made again.
    """
    own = _resized(pictures, folder, progress)
    numbers = {name: len(files) for name, files in pictures.anomalies.items()}
    drawn = splits(len(pictures.normal), numbers, seed=SEED, shots=SHOTS, settings=("general",), hard=())
    return {
        split.shots: Division(
            set=pictures.name,
            shots=split.shots,
            train=_picked(own[NORMAL], split.train),
            known={name: _picked(own[name], rows) for name, rows in split.known.items()},
            normals=_picked(own[NORMAL], split.test),
            anomalies=tuple(file for name, rows in split.unseen.items() for file in _picked(own[name], rows)),
        )
        for split in drawn
    }


def timed_pictures(division: Division) -> Path:
    """A file of the tested pictures that are timed, (n, 256, 256, 3) uint8, a normal and an anomaly in turn."""
    rng = np.random.default_rng(SEED)
    drawn = [rng.permutation(len(files))[:TIMED] for files in (division.normals, division.anomalies)]
    pairs = zip(_picked(division.normals, drawn[0]), _picked(division.anomalies, drawn[1]), strict=False)
    files = [file for pair in pairs for file in pair]
    path = files[0].parents[1] / f"timed-{digest(files)}.npy"
    if not path.exists():
        np.save(path, np.stack([read_picture(file) for file in files]))
    return path


def _picked(files: Sequence[Path], rows: Any) -> tuple[Path, ...]:
    return tuple(files[row] for row in rows)


def _resized(pictures: PictureSet, folder: Path, progress: Callable[[int], None]) -> dict[str, tuple[Path, ...]]:
    sources = {NORMAL: pictures.normal, **pictures.anomalies}
    name = digest(SIZE, [(file, file.stat().st_size) for files in sources.values() for file in files])
    root = folder / f"{pictures.name}-{name}"
    if not root.exists():
        draft = root.with_name(f".{root.name}")
        shutil.rmtree(draft, ignore_errors=True)
        for label, files in sources.items():
            (draft / label).mkdir(parents=True)
            for i, file in enumerate(files):
                (draft / label / f"{i:05}.png").write_bytes(encode_png(resize(read_picture(file), SIZE, SIZE)))
                progress(1)
        draft.rename(root)
    return {label: tuple(root / label / f"{i:05}.png" for i in range(len(files))) for label, files in sources.items()}
