"""Where the files of an inspection are, by its id and nothing that a client or a part is called."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from ulid import ULID

from inspector.inspection import Outcome

ID: Final = re.compile(r"[0-6][0-9A-HJKMNP-TV-Z]{25}")
"""A ULID. Those that begin with 7 are of the year 9774 and later, which Python's calendar does not reach to its end."""

STATION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""A station's folder. What is the archive's own begins with a dot, as no station does."""

DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")

Part = Literal["jpg", "png", "heat.jpg", "json"]
"""What a file holds, by its ending: the picture as the camera gave it, the heat map over it, the inspection."""

PICTURES: Final[tuple[Part, ...]] = ("jpg", "png")
HEAT_MAP: Final[Part] = "heat.jpg"
INSPECTION: Final[Part] = "json"

NAME: Final = re.compile(
    rf"(?P<id>{ID.pattern})\.(?P<outcome>{'|'.join(each.lower() for each in Outcome)})\.(?:jpg|png|heat\.jpg|json)"
)
"""The name of a file that is complete."""

UNFINISHED: Final = re.compile(r"\..*\.part")
"""The name of one that is being written, or that a crash has left behind."""


@dataclass(frozen=True, slots=True, order=True)
class Day:
    """One folder of files: a station's inspections of one day, by UTC."""

    date: str
    station: str

    def path(self, folder: Path) -> Path:
        """In the archive's folder."""
        return folder / self.station / self.date


def is_id(text: str) -> bool:
    """Whether it is a ULID, and nothing else: no path, no pattern."""
    return ID.fullmatch(text) is not None


def time_of(inspection_id: str) -> datetime:
    """When the id was given, in UTC. Raises ValueError for what is no id."""
    if not is_id(inspection_id):
        raise ValueError(f"{inspection_id!r} is no id of an inspection")
    return datetime.fromtimestamp(ULID.from_str(inspection_id).timestamp, UTC)


def first_id(moment: datetime) -> str:
    """No id that is given at this time or later is less, and none that was given before is greater."""
    return str(ULID.from_timestamp(max(0.0, moment.timestamp())))[:10].ljust(26, "0")


def date_of(inspection_id: str) -> str:
    """The date of its folder. Raises ValueError for what is no id."""
    return time_of(inspection_id).date().isoformat()


def name_of(inspection_id: str, outcome: Outcome, part: Part) -> str:
    """The name of one of its files."""
    return f"{inspection_id}.{outcome.lower()}.{part}"
