"""What the doctor finds."""

from dataclasses import dataclass
from enum import StrEnum

from inspector.config import Config
from inspector.doctor.running import Running


class Mark(StrEnum):
    """``UNCLEAR`` is what cannot be told from here; it is not held against the line."""

    GOOD = "good"
    BAD = "bad"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what it is, and how it is."""

    about: str
    mark: Mark
    says: str
    advice: str = ""
    """What to do; of everything that is bad it is said."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom the doctor looks at: a line by the name of its file, what that says, and the daemon that may run it."""

    line: str
    config: Config
    running: Running


def good(about: str, says: str) -> Finding:
    """It is as it should be."""
    return Finding(about, Mark.GOOD, says)


def bad(about: str, says: str, advice: str) -> Finding:
    """It is not."""
    return Finding(about, Mark.BAD, says, advice)


def unclear(about: str, says: str, advice: str = "") -> Finding:
    """It may be."""
    return Finding(about, Mark.UNCLEAR, says, advice)
