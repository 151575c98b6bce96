"""Finding what was archived, by its id or by what it is. No path is made of what is no id."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from inspector.archive.layout import HEAT_MAP, INSPECTION, PICTURES, Part, first_id, is_id
from inspector.archive.survey import Entry, dates_in, entries_of, entry_of
from inspector.errors import ArchiveError
from inspector.inspection import Inspection, Outcome


@dataclass(frozen=True, slots=True)
class Wanted:
    """All of what is set must hold."""

    outcome: Outcome | None = None
    station: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def has(self, entry: Entry) -> bool:
        """Whether it is one of these."""
        return (
            self.outcome in {None, entry.outcome}
            and self.station in {None, entry.day.station}
            and (self.since is None or entry.id >= first_id(self.since))
            and (self.until is None or entry.id < first_id(self.until))
        )


class Reading:
    """What is in an archive's folder now; also while a daemon writes it. Every method raises ArchiveError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def entry(self, inspection_id: str) -> Entry | None:
        """The archived inspection of this id; None where there is none, or where it is no id."""
        if not is_id(inspection_id):
            return None
        try:
            return entry_of(self._folder, inspection_id)
        except FileNotFoundError:
            return None  # the daemon makes the folder with the first picture
        except OSError as error:
            raise self._unreadable(error) from error

    def picture(self, inspection_id: str) -> Path | None:
        """The picture as the camera gave it."""
        return self._file(inspection_id, *PICTURES)

    def heat_map(self, inspection_id: str) -> Path | None:
        """The heat map over the picture."""
        return self._file(inspection_id, HEAT_MAP)

    def inspection(self, inspection_id: str) -> Inspection | None:
        """What was said of it."""
        path = self._file(inspection_id, INSPECTION)
        try:
            return Inspection.model_validate_json(path.read_bytes()) if path else None
        except ValidationError as error:
            raise ArchiveError(f"{path} cannot be read: it holds no inspection") from error
        except OSError as error:
            raise ArchiveError(f"{path} cannot be read: {error.strerror}") from error

    def newest_first(self, wanted: Wanted) -> Iterator[Entry]:
        """Those that are wanted, day by day."""
        try:
            for days in reversed(list(dates_in(self._folder))):
                yield from (entry for entry in reversed(entries_of(self._folder, days)) if wanted.has(entry))
        except OSError as error:
            raise self._unreadable(error) from error

    def path(self, entry: Entry, file: str) -> Path:
        """Of one of its files."""
        return entry.day.path(self._folder) / file

    def _file(self, inspection_id: str, *parts: Part) -> Path | None:
        entry = self.entry(inspection_id)
        names = [name for part in parts if entry and (name := entry.file(part))]
        return self.path(entry, names[0]) if entry and names else None

    def _unreadable(self, error: OSError) -> ArchiveError:
        return ArchiveError(f"the archive {self._folder} cannot be read: {error}")
