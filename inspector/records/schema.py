"""The SQLite file of a station's record: its tables, and how the one daemon that writes it opens it."""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal, TextIO

from inspector.errors import ConfigError, RecordError
from inspector.records.chain import GENESIS

Durability = Literal["process", "power"]

APPLICATION_ID: Final = 0x4C496E52
"""Says in the file's header that it is a record of this program, "LInR"."""

VERSION: Final = 1
"""Of the tables; a file of a newer one is refused."""

LOCK_WAIT_S: Final = 0.05
"""How long a write waits for somebody who holds the file, a person's sqlite3 shell perhaps: a verdict waits with it."""

MAY_PASS: Final = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY}
"""Primary result codes of what another start may not meet any more."""

SYNCHRONOUS: Final = {"process": "NORMAL", "power": "FULL"}

TABLES: Final = (
    """
    CREATE TABLE rows (
        number INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        payload TEXT NOT NULL,
        hash BLOB NOT NULL,
        at TEXT NOT NULL,
        sequence INTEGER,
        id TEXT,
        trigger_id TEXT,
        part_id TEXT,
        outcome TEXT
    )
    """,
    "CREATE INDEX rows_at ON rows (at)",
    "CREATE INDEX rows_id ON rows (id) WHERE id IS NOT NULL",
    "CREATE INDEX rows_trigger_id ON rows (trigger_id) WHERE trigger_id IS NOT NULL",
    "CREATE INDEX rows_part_id ON rows (part_id) WHERE part_id IS NOT NULL",
    "CREATE INDEX rows_notes ON rows (kind, number) WHERE kind <> 'inspection'",
    "CREATE INDEX rows_outcome ON rows (outcome) WHERE outcome IS NOT NULL",
    # One row. The anchor is the last row that was pruned: the chain of those that are left starts from its hash. The
    # head is the last row that was written: without it, rows taken from the end would not be missed.
    """
    CREATE TABLE chain (
        station TEXT NOT NULL,
        anchor_number INTEGER NOT NULL,
        anchor_hash BLOB NOT NULL,
        anchor_sequence INTEGER NOT NULL,
        head_number INTEGER NOT NULL,
        head_hash BLOB NOT NULL,
        next_sequence INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE outbox (
        receiver TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        number INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        queued_at_s REAL NOT NULL,
        PRIMARY KEY (receiver, sequence)
    ) WITHOUT ROWID
    """,
)


def file_of(folder: Path, station: str) -> Path:
    """Where the record of a station is."""
    return folder / f"{station}.sqlite"


@contextmanager
def as_config_error(file: Path) -> Iterator[None]:
    """Failures to open the file as one message that says what to do: RecordError for what may pass by itself."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF in MAY_PASS:
            raise RecordError(f"record: {file} cannot be written: {error}; is there room on the disk?") from error
        advice = "make folder and file writable for the daemon's user, or name another record.folder"
        raise ConfigError(f"record: {file} cannot be used: {error}; {advice}") from error
    except sqlite3.DatabaseError as error:
        raise damaged(file, str(error)) from error
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise RecordError(f"record: {file} cannot be written: {error.strerror}; make room on the disk") from error
        advice = "make the folder writable for the daemon's user, or name another one as record.folder"
        raise ConfigError(f"record: {file} cannot be used: {error.strerror}; {advice}") from error


def damaged(file: Path, what: str) -> ConfigError:
    """A file that must not be written further."""
    return ConfigError(
        f"record: {file} is damaged: {what}; `inspector records verify` says how far it is good. Move it away, with"
        " its -wal and -shm, and keep it: the daemon begins a new one"
    )


def lock(file: Path) -> TextIO:
    """Keep every other daemon off the file for as long as what is returned stays open. Raises ConfigError, OSError.

    A file of its own is locked: closing any descriptor of the record would give SQLite's own locks on it away.
    """
    holder = os.fdopen(os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT, 0o640), "r+", encoding="ascii")
    try:
        fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        who = holder.read().strip() or "unknown"
        holder.close()
        advice = "stop it, or give one of the two another record.folder"
        raise ConfigError(f"record: {file} is being written by another inspector, process {who}; {advice}") from None
    # The number only serves the message above; a full disk must not keep the daemon from starting.
    with suppress(OSError):
        holder.truncate()
        holder.write(f"{os.getpid()}\n")
        holder.flush()
    return holder


def open_for_writing(file: Path, station: str, durability: Durability) -> sqlite3.Connection:
    """The file, made where there is none. Raises ConfigError for one of another program, station or newer version."""
    os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o640))
    connection = connect(file)
    try:
        _check_kind(connection, file)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {SYNCHRONOUS[durability]}")
        # Checkpoints write and wait for the disk; that is for the keeper, not for whoever appends.
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        connection.execute("PRAGMA cache_size = -16384")
        _make_tables(connection, station)
        _check_station(connection, file, station)
    except BaseException:
        connection.close()
        raise
    return connection


def connect(file: Path) -> sqlite3.Connection:
    """A connection that any thread may use, one at a time; transactions are begun and ended by hand."""
    return sqlite3.connect(file, timeout=LOCK_WAIT_S, isolation_level=None, check_same_thread=False)


def _check_kind(connection: sqlite3.Connection, file: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application != APPLICATION_ID and tables:
        raise ConfigError(f"record: {file} is a database of something else; name another record.folder")
    if version > VERSION:
        raise ConfigError(
            f"record: {file} has version {version}, and this program knows {VERSION}; run the newer program that wrote"
            " it, or move the file away to begin a new one"
        )


def _make_tables(connection: sqlite3.Connection, station: str) -> None:
    if connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,):
        return
    connection.execute("BEGIN IMMEDIATE")
    for table in TABLES:
        connection.execute(table)
    connection.execute("INSERT INTO chain VALUES (?, 0, ?, 0, 0, ?, 0)", (station, GENESIS, GENESIS))
    connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("COMMIT")


def _check_station(connection: sqlite3.Connection, file: Path, station: str) -> None:
    found = connection.execute("SELECT station FROM chain").fetchall()
    if len(found) != 1:
        raise damaged(file, "it does not say where its chain begins")
    if found != [(station,)]:
        raise ConfigError(f"record: {file} is that of station {found[0][0]}; it must keep the name it was made with")
