"""What the live page shows of each station: its last part, its last minutes, what is wrong."""

import math
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from inspector.inspection import Inspection, Outcome
from inspector.last_picture import LastPictures
from inspector.plc import AlarmMessage
from inspector.records.filter import Filter
from inspector.ui.history import History, Part
from inspector.ui.switchboard import Now, Switchboard

MINUTES: Final = 5
ASK_S: Final = 1.0
"""Between two questions to the daemon."""

MOST: Final = 600
"""Inspections of these minutes that the curve is drawn of."""


@dataclass(frozen=True, slots=True)
class Card:
    """One station as it is now."""

    station: str
    last: Inspection | None
    recent: tuple[Inspection, ...]
    """Those of the last minutes, the oldest first."""
    alarms: tuple[AlarmMessage, ...]
    now: Now | None
    """What the station is doing; None where the daemon cannot be asked."""
    has_new_desk: bool
    """Whether alarms, or what the station is doing, have changed since the look before."""
    picture: str | None
    """The inspection that the last picture is of; None where there is none."""

    @property
    def counts(self) -> Counter[Outcome]:
        """Of the last minutes."""
        return Counter(each.outcome for each in self.recent)

    @property
    def rate_hz(self) -> float:
        """Inspections a second in the last minutes; 0 with fewer than two."""
        if len(self.recent) < 2:
            return 0.0
        span_s = (self.recent[-1].captured_at - self.recent[0].captured_at).total_seconds()
        return (len(self.recent) - 1) / span_s if span_s > 0 else 0.0

    @property
    def cycle_ms(self) -> float | None:
        """Median milliseconds from exposure to verdict; None where none was timed."""
        totals = sorted(each.timings_ms["total"] for each in self.recent if "total" in each.timings_ms)
        return totals[len(totals) // 2] if totals else None


class Board:
    """Follows the records of all stations. One thread asks."""

    def __init__(
        self, histories: Mapping[str, History], pictures: Mapping[str, LastPictures], switchboard: Switchboard
    ) -> None:
        self._histories, self._pictures, self._switchboard = histories, pictures, switchboard
        stations = list(histories)
        self._recent = {station: deque[Inspection](maxlen=MOST) for station in stations}
        self._seen = dict.fromkeys(stations, -1)
        self._cards: dict[str, Card] = {}
        self._now: dict[str, Now | None] = {}
        self._asked_s = -math.inf

    def cards(self) -> list[Card]:
        """Every station as it was when it was last looked at, in the configuration's order."""
        return list(self._cards.values())

    def look(self) -> list[Card]:
        """The stations of which there is news since the last look. Raises ConfigError for a damaged record."""
        if time.monotonic() - self._asked_s > ASK_S:
            self._now = {station: self._switchboard.now(station) for station in self._histories}
            self._asked_s = time.monotonic()
        return [card for station in self._histories if (card := self._news(station))]

    def _news(self, station: str) -> Card | None:
        history, recent = self._histories[station], self._recent[station]
        newest, picture, now = history.newest(), self._pictures[station].newest(), self._now[station]
        before = self._cards.get(station)
        if before and newest == self._seen[station] and (picture, now) == (before.picture, before.now):
            return None
        if newest < self._seen[station]:  # another record took its place
            recent.clear()
        # Rows are numbered without gaps: so many are new, and more than so many are not looked at.
        fresh = MOST if newest < self._seen[station] or not recent else min(MOST, newest - self._seen[station])
        self._seen[station] = newest
        recent.extend(part.inspection for part in reversed(history.parts(Filter(), fresh)) if _is_after(part, recent))
        last = recent[-1] if recent else None
        alarms = tuple(history.alarms())
        has_new_desk = before is None or (before.alarms, before.now) != (alarms, now)
        card = Card(station, last, _of_minutes(recent), alarms, now, has_new_desk, picture)
        self._cards[station] = card
        return card


def _is_after(part: Part, recent: deque[Inspection]) -> bool:
    return not recent or part.inspection.sequence > recent[-1].sequence


def _of_minutes(recent: deque[Inspection]) -> tuple[Inspection, ...]:
    if not recent:
        return ()
    since = recent[-1].captured_at - timedelta(minutes=MINUTES)
    return tuple(each for each in recent if each.captured_at >= since)
