"""Inspections with their pictures as a station shows them to its archive, and archived files without a station."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from ulid import ULID

from inspector.archive import ArchiveSettings
from inspector.archive.layout import INSPECTION, Day, date_of, name_of
from inspector.inspection import Evidence, Features, Frame, Outcome, utc_now
from tests.entries import STATION, entry

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SMALL = {"min_free_bytes": 0, "queue_bytes": 1_000_000}
"""Settings that suit a test's disk and memory."""


def seen(outcome=Outcome.FAIL, pixels=None, heat=None, **fields):
    """Evidence for an inspection with this outcome."""
    pixels = np.full((24, 32, 3), 90, np.uint8) if pixels is None else pixels
    frame = Frame(pixels, time.monotonic(), utc_now(), 0, "camera")
    features = Features(np.ones((1, 4), np.float32))
    score = {Outcome.PASS: 1.0, Outcome.FAIL: 9.0, Outcome.ERROR: None}[outcome]
    inspection = entry(**{"outcome": outcome, "score": score, **fields})
    return Evidence(inspection, frame, None, features, lambda: heat)


def archive(folder, **settings):
    return ArchiveSettings(folder=folder, **{**SMALL, **settings}).open(STATION)


def id_at(moment=NOON, **later):
    """An id that was given then."""
    return str(ULID.from_datetime(moment + timedelta(**later)))


def put(folder, inspection_id, outcome=Outcome.PASS, station=STATION, blocks=1, parts=("jpg", INSPECTION)):
    """Files as the archive writes them, each of so many blocks of 4096 bytes; returns their paths."""
    day = Day(date_of(inspection_id), station).path(folder)
    day.mkdir(parents=True, exist_ok=True)
    paths = [day / name_of(inspection_id, outcome, part) for part in parts]
    for path in paths:
        path.write_bytes(os.urandom(4096 * blocks))
    return paths


def names(folder):
    """Of all files, by their places in the folder."""
    # os.walk passes over what is deleted meanwhile.
    found = [Path(root, file) for root, _, files in os.walk(folder) for file in files]
    return sorted(str(path.relative_to(folder)) for path in found)
