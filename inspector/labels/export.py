"""Labelled pictures as the folders that ``inspector-train fit`` takes: ``normal``, and one for each anomaly type."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from inspector.archive.reading import Reading
from inspector.archive.writing import write_whole
from inspector.errors import ArchiveError, ConfigError
from inspector.labels.book import Book
from inspector.labels.label import Label

SETTINGS: Final = "anomalies.yaml"
"""Beside the class folders, where training looks for no pictures."""

LEFT_OUT: Final = ("_", ".")
"""Folders whose names begin so are no classes to training."""


@dataclass
class Exported:
    """What became of the labels: counts, and the inspections that somebody has to look at."""

    written: int = 0
    already: int = 0
    moved: int = 0
    """From one class to another, because their label was changed since the last time."""
    gone: list[str] = field(default_factory=list)
    """The archive has no picture of them."""
    withdrawn: list[str] = field(default_factory=list)
    """Files that were written before and that nobody stands up for now; they are left for a person to delete."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What belongs into the configuration of training."""


def export(book: Book, archive: Reading, station: str, to: Path) -> Exported:
    """Write what is new into ``to``; no picture is overwritten or deleted. Raises ConfigError, ArchiveError."""
    try:
        return _Export(book, archive, to).of(station)
    except OSError as error:
        raise ConfigError(f"--to: {error.filename or to} cannot be used: {error.strerror}") from error


class _Export:
    def __init__(self, book: Book, archive: Reading, to: Path) -> None:
        self._book, self._archive, self._to = book, archive, to
        self._there = _pictures_in(to)
        self._done = Exported()

    def of(self, station: str) -> Exported:
        """Raises OSError, ArchiveError."""
        self._to.mkdir(parents=True, exist_ok=True)
        placed = [label for label in self._book.lasting(station) if self._placed(label)]
        types, known = {label.anomaly.type for label in placed if label.anomaly}, self._book.anomalies.get(station, {})
        anomalies = {each: known[each].model_dump(exclude={"type"}) for each in sorted(types)}
        self._done.settings = {"data": {"anomalies": anomalies}}
        self._done.withdrawn = [str(path) for each, path in self._there.items() if self._is_withdrawn(each)]
        write_whole(self._to, {SETTINGS: yaml.safe_dump(self._done.settings).encode()})
        return self._done

    def _placed(self, label: Label) -> bool:
        """Have its picture in its class; False where there is none."""
        folder = self._to / str(label.folder)
        there = self._there.get(label.inspection)
        if there is None:
            return self._write(label, folder)
        if folder in there.parents:
            self._done.already += 1
        else:
            self._move(there, folder)
        return True

    def _write(self, label: Label, folder: Path) -> bool:
        picture = self._archive.picture(label.inspection)
        data = _read(picture) if picture else None
        if picture is None or data is None:
            self._done.gone.append(label.inspection)
            return False
        folder.mkdir(exist_ok=True)
        write_whole(folder, {f"{label.inspection}{picture.suffix}": data})
        self._done.written += 1
        return True

    def _move(self, there: Path, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        there.rename(folder / there.name)
        with suppress(OSError):  # others are still in it; training takes no class without pictures
            there.parent.rmdir()
        self._done.moved += 1

    def _is_withdrawn(self, inspection_id: str) -> bool:
        return inspection_id in self._book.labels and not self._book.of(inspection_id)


def _pictures_in(root: Path) -> dict[str, Path]:
    """Of all classes, by the inspection that they are named after."""
    found: dict[str, Path] = {}
    for parent, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(LEFT_OUT)]
        if Path(parent) != root:
            found |= {Path(name).stem: Path(parent, name) for name in names if not name.startswith(".")}
    return found


def _read(picture: Path) -> bytes | None:
    try:
        return picture.read_bytes()
    except FileNotFoundError:  # pruned since it was looked for
        return None
    except OSError as error:
        raise ArchiveError(f"{picture} cannot be read: {error.strerror}") from error
