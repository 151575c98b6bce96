"""A record that the disk does not take: said once when it begins, and once when it is over."""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)


class Trouble:
    """``now`` is what is wrong, None while nothing is. Whoever finds it sets it; one thread alone tells of it."""

    def __init__(
        self, file: Path, station: str, most_in_memory: int, on_trouble: Callable[[str | None], None] | None
    ) -> None:
        self.now: str | None = None
        self._told: str | None = None
        self._file, self._most = file, most_in_memory
        self._identity = _identity(file)
        self._on_trouble = on_trouble
        self._extra = {"station": station}

    def begin(self, error: sqlite3.Error) -> None:
        """A write has failed."""
        self.now = (
            f"{self._file} cannot be written: {error}; results go on and wait in memory, {self._most} at most:"
            " make room on the disk, and it goes on by itself"
        )

    def file_is_there(self) -> bool:
        """Whether the open file still has its name; otherwise that is the trouble."""
        if _identity(self._file) == self._identity:
            return True
        self.now = f"{self._file} was taken away while it was written; put it back, or restart to begin a new record"
        return False

    def end(self) -> None:
        """All is written."""
        self.now = None

    def tell(self) -> None:
        """Of what changed since the last time."""
        now, told = self.now, self._told
        if now == told:
            return
        self._told = now
        if now:
            log.error("%s", now, extra=self._extra)
        else:
            log.warning("%s is written again", self._file, extra=self._extra)
        if self._on_trouble:
            self._on_trouble(now)


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
