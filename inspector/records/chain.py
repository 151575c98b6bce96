"""The chain: the hash of each row covers the row before it, so that none can be changed, taken out or moved unseen.

A row's hash is SHA-256 over, one after the other: the hash of the row before it (32 bytes; for the first row of a
record 32 zeros), its number (8 bytes, big-endian), its kind, a zero byte, and its payload exactly as it is stored
(both ASCII). What follows the chain to a hash that was noted elsewhere has every row of that time, unchanged. Without
such a note it shows damage and careless hands only: who may write to the file can compute all hashes anew.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

GENESIS: Final = bytes(32)
"""What stands before the first row."""


def link(previous: bytes, number: int, kind: str, payload: str) -> bytes:
    """The hash of a row, 32 bytes."""
    # What was written is ASCII; what is found in a file may be anything.
    text = f"{kind}\0{payload}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(previous + number.to_bytes(8, "big") + text).digest()


def canonical(value: Mapping[str, Any]) -> str:
    """JSON that is the same text for the same content: keys in order, no blanks, ASCII alone.

    Numbers that JSON has no words for become null, as in the messages; times are UTC. The text is ASCII so that any
    string can be told, half a surrogate pair out of a file's name included. Raises TypeError for what is no JSON.
    """
    try:
        return _dumped(value)
    except ValueError:
        return _dumped(_without_nan(value))


def _dumped(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_time)


def _time(value: Any) -> str:
    if isinstance(value, datetime):
        return time_text(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def _without_nan(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _without_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(each) for each in value]
    return value


def time_text(time: datetime) -> str:
    """ISO 8601 in UTC, always with microseconds, so that the order of texts is the order of times."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
