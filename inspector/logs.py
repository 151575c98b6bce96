"""The daemon's log on standard error: text for people, or one JSON object a line for collectors."""

import json
import logging
import math
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Literal

from pydantic_core import to_jsonable_python

PLAIN_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""What every log record has, and uvicorn's its message once more; anything else was given by ``extra=``."""

UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that begin a line, drive a terminal, or turn the direction of writing."""


def configure(level: str, format_: Literal["text", "json"]) -> None:
    """Send every log record from ``level`` up to standard error in this format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if format_ == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class Sparing:
    """Gives what comes with every frame the level of a warning once in a while only, else it buries the rest.

    ``clock`` is monotonic, in seconds.
    """

    def __init__(self, every_s: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._said_s: dict[str, float] = {}

    def level(self, what: str) -> int:
        """WARNING where it is time to say ``what``, one of a few words, again; DEBUG until then."""
        now_s = self._clock()
        if now_s - self._said_s.get(what, -math.inf) < self._every_s:
            return logging.DEBUG
        self._said_s[what] = now_s
        return logging.WARNING


class JsonFormatter(logging.Formatter):
    """One object a line: time in UTC, level, logger, message, and whatever ``extra=`` holds."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, in ASCII, so that no character in it can be taken for its end; NaN and infinity are null."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        # ``extra=`` cannot pass itself off as one of the above: a name that is taken gets an underscore.
        entry |= {f"{name}_" if name in entry else name: value for name, value in _extra(record).items()}
        return json.dumps(to_jsonable_python(entry, fallback=str, inf_nan_mode="null", bytes_mode="base64"))


class TextFormatter(logging.Formatter):
    """Level, station and message. The journal adds the time."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, its control characters written out; a traceback follows, indented.

        Only a record begins at the margin, so that no part id or file name, nor an exception that quotes one, can
        forge a line or drive a terminal.
        """
        extra = _extra(record)
        inspection = extra.pop("inspection", {})
        station = extra.pop("station", inspection.get("station"))
        fields = [f"{name}={value}" for name, value in extra.items()]
        fields += [
            f"{name}={inspection[name]}" for name in ("part_id", "score", "reason") if inspection.get(name) is not None
        ]
        head = f"{record.levelname} {station}: " if station else f"{record.levelname} "
        line = head + " ".join([record.getMessage(), *fields])
        trace = self.formatException(record.exc_info).splitlines() if record.exc_info else []
        return "\n    ".join(_written_out(each) for each in [line, *trace])


def _written_out(text: str) -> str:
    return UNSAFE.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in PLAIN_FIELDS}
