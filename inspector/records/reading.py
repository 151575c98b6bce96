"""Reading a record that another process may be writing, without a trace: nothing is locked, changed or created."""

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import quote

from inspector.errors import ConfigError
from inspector.records.schema import APPLICATION_ID, VERSION

AT_ONCE: Final = 1000
"""Rows of one query. Each sees the file as it is then: a long reading does not keep the log from being emptied."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it is in the file."""

    number: int
    kind: str
    payload: str
    hash: bytes

    @property
    def content(self) -> dict[str, Any]:
        """What the payload says."""
        content: dict[str, Any] = json.loads(self.payload)
        return content


class EmptyRecordError(ConfigError):
    """A record that holds nothing yet, not even its tables."""


def files_in(path: Path) -> list[Path]:
    """The record, or the records of a folder. Raises ConfigError where there is none."""
    if path.is_dir():
        files = sorted(path.glob("*.sqlite"))
        if not files:
            raise ConfigError(f"{path}: holds no records; they are named <station>.sqlite, in record.folder")
        return files
    if not path.exists():
        raise ConfigError(f"{path}: there is no such file; name a record, <station>.sqlite, or a folder of them")
    return [path]


@contextmanager
def reading(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads.

    Raises ConfigError for what is no record, EmptyRecordError for what is none yet, sqlite3.Error for what is damaged.
    """
    log, index = file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")
    if not log.exists():
        with _unchanging(file, log) as connection:
            yield connection
    elif index.exists():
        with _connected(file, "mode=ro&readonly_shm=1") as connection:
            yield connection
    else:
        # A copy that was made without the index, which SQLite would have to write.
        with TemporaryDirectory() as folder:
            shutil.copy(file, folder)
            shutil.copy(log, folder)
            with _connected(Path(folder, file.name), "mode=rw") as connection:
                yield connection


@contextmanager
def _unchanging(file: Path, log: Path) -> Iterator[sqlite3.Connection]:
    """Nobody writes: without this promise SQLite would create a log and an index, even to read."""
    with _connected(file, "immutable=1") as connection:
        yield connection
    if log.exists():
        raise ConfigError(f"{file}: a daemon began to write it while it was read; please try again")


@contextmanager
def _connected(file: Path, how: str) -> Iterator[sqlite3.Connection]:
    address = f"file:{quote(os.fsencode(file.absolute()))}?{how}"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        # Whatever is found in the text of a damaged file can be told and hashed.
        connection.text_factory = lambda found: found.decode("utf-8", "surrogateescape")
        _check_kind(connection, file)
        yield connection


def _check_kind(connection: sqlite3.Connection, file: Path) -> None:
    # The tables are looked for first: their writer gives them and the mark at once, perhaps in this moment.
    is_empty = connection.execute("SELECT 1 FROM sqlite_schema").fetchone() is None
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        if is_empty:
            raise EmptyRecordError(f"{file}: is empty; a daemon has just begun it, or could not go on")
        raise ConfigError(f"{file}: is no record of this program")
    if version > VERSION:
        raise ConfigError(f"{file}: has version {version}, and this program knows {VERSION}; use the newer program")
