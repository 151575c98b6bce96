"""The daemon's log on standard error: text for people, or one JSON object a line for collectors."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, Literal

PLAIN_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every log record has; anything else was given by ``extra=``."""


def configure(level: str, format_: Literal["text", "json"]) -> None:
    """Send every log record from ``level`` up to standard error in this format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if format_ == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class JsonFormatter(logging.Formatter):
    """One object a line: time in UTC, level, logger, message, and whatever ``extra=`` holds."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; JSON escapes line breaks, so that no message can forge a second one."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_extra(record),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Level, station and message. The journal adds the time."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; line breaks in the message are shown as such. A traceback follows on lines of its own."""
        extra = _extra(record)
        inspection = extra.pop("inspection", {})
        station = extra.pop("station", inspection.get("station"))
        fields = [f"{name}={value}" for name, value in extra.items()]
        fields += [f"{name}={inspection[name]}" for name in ("part_id", "score", "reason") if inspection.get(name)]
        head = f"{record.levelname} {station}: " if station else f"{record.levelname} "
        line = head + " ".join([record.getMessage(), *fields])
        line = line.replace("\r", "\\r").replace("\n", "\\n")
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name not in PLAIN_FIELDS}
