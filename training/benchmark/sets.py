"""Sets of pictures for benchmarks: folders laid out as users lay theirs out, and the solar cells of elpv-dataset."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from inspector.errors import ConfigError, DataError
from training.config import DataSettings
from training.data import scan

ELPV: Final = "elpv"
"""Mono- and poly-crystalline cells together, defect probability 1 against 0."""

NORMAL: Final = "normal"


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Paths of one set. ``root`` is where masks would lie."""

    name: str
    root: Path
    normal: tuple[Path, ...]
    anomalies: dict[str, tuple[Path, ...]]


def find_sets(folder: Path, names: Sequence[str]) -> list[PictureSet]:
    """The named sets below ``folder``, ``elpv`` from its package; without names every folder that holds normals.

    Raises DataError for a set that is not there.
    """
    there = sorted(each.parent.name for each in folder.glob(f"*/{NORMAL}"))
    if not names and not there:
        raise DataError(f"{folder}: no folder below it holds a folder '{NORMAL}'; correct --data")
    if missing := set(names) - {ELPV, *there}:
        listed, known = ", ".join(map(repr, sorted(missing))), ", ".join(there) or "none"
        raise DataError(f"no set {listed} in {folder}; there are: {known}")
    return [_elpv() if name == ELPV else _read(folder / name) for name in names or there]


def _read(root: Path) -> PictureSet:
    found = scan(DataSettings(root=root, normal=NORMAL))
    if not found.anomalies:
        raise DataError(f"{root}: no anomaly type beside '{NORMAL}' to test; add one, or leave the set out")
    return PictureSet(root.name, root, found.normal, found.anomalies)


def _elpv() -> PictureSet:
    try:
        from training.demo.cells import shuffled_by_kind  # noqa: PLC0415 - only where its package is installed

        by_kind = shuffled_by_kind()
    except ModuleNotFoundError as error:
        raise ConfigError(
            "elpv: the package elpv-dataset is not installed; pip install 'line-inspector[demo]'"
        ) from error
    normal, defect = ([path for kind in ("mono", "poly") for path in by_kind[kind, label]] for label in (0.0, 1.0))
    return PictureSet(ELPV, normal[0].parent, tuple(sorted(normal)), {"defect": tuple(sorted(defect))})
