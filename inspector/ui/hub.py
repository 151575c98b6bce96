"""News of the stations for everybody who watches: one look at the records, however many browsers there are."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Final

from inspector.errors import ConfigError
from inspector.ui.board import Board, Card

log = logging.getLogger(__name__)

LOOK_S: Final = 0.15
"""Between two looks at the records: what a verdict waits at most before it is on its way to a browser."""

MOST: Final = 12
"""Browsers' tabs that one session may have open: with a hundred of them one person would leave no room for others."""

WAITING: Final = 100
"""Cards that wait for a browser which does not take them; with more it is let go."""


class Hub:
    """Everything runs in one event loop; looking itself in a thread."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._watching: set[asyncio.Queue[Card | None]] = set()
        self._open: Counter[str] = Counter()
        self._drawn: dict[tuple[str, str], tuple[Card, str]] = {}

    def cards(self) -> list[Card]:
        """Every station as it is."""
        return self._board.cards()

    def drawn(self, card: Card, code: str, draw: Callable[[Card, str], str]) -> str:
        """The card in a language, drawn once however many watch."""
        known = self._drawn.get((card.station, code))
        if known and known[0] is card:
            return known[1]
        html = draw(card, code)
        self._drawn[card.station, code] = (card, html)
        return html

    async def run(self) -> None:
        """Look until cancelled. A record that cannot be read is said in the log, and tried again."""
        trouble: str | None = None
        while True:
            try:
                for card in await asyncio.to_thread(self._board.look):
                    self._tell(card)
                trouble = None
            except ConfigError as error:
                if str(error) != trouble:
                    trouble = str(error)
                    log.error("%s", error)  # noqa: TRY400 - its message says it all
            await asyncio.sleep(LOOK_S)

    def has_room(self, session: str) -> bool:
        """Whether one more may listen by this session."""
        return self._open[session] < MOST

    async def news(self, session: str, silence_s: float) -> AsyncIterator[list[Card]]:
        """Every station as it is, then each with news, and nothing after each ``silence_s`` in which there was none.

        It ends for a browser that does not keep up; one that comes again gets every station as it is then.
        """
        queue: asyncio.Queue[Card | None] = asyncio.Queue(WAITING)
        self._watching.add(queue)
        self._open[session] += 1
        try:
            # What has come between the drawing of the page and now would be missed.
            yield [replace(card, has_new_desk=True) for card in self.cards()]
            while True:
                try:
                    card = await asyncio.wait_for(queue.get(), silence_s)
                except TimeoutError:
                    yield []
                    continue
                if card is None:
                    return
                yield [card]
        finally:
            self._watching.discard(queue)
            self._open -= Counter([session])  # none is left of a session that has no more

    def _tell(self, card: Card) -> None:
        for queue in list(self._watching):
            if not queue.full():
                queue.put_nowait(card)
                continue
            self._watching.discard(queue)
            queue.get_nowait()
            queue.put_nowait(None)
