"""The live page: every station with its last part, and news of them as they come."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from inspector.ui.accounts import Role
from inspector.ui.board import MINUTES, Card
from inspector.ui.guard import COOKIE, Visitor, needs, place_of, visitor_of
from inspector.ui.hub import Hub
from inspector.ui.office import office_of
from inspector.ui.pages import fragment, language_of, render

SILENCE_S: Final = 1.0
"""A browser hears something at least this often: without it, what it shows is said to be old."""


@needs(Role.VIEWER)
async def show(request: Request) -> Response:
    """All stations as they are."""
    return render(request, "live.html", cards=office_of(request).hub.cards(), minutes=MINUTES)


@needs(Role.VIEWER, touch=False)
async def news(request: Request) -> Response:
    """Server-sent events (WHATWG HTML, section 9.2): new HTML of a station, ``card`` and ``desk``; else ``alive``.

    ``over`` when the session is.
    """
    visitor = visitor_of(request)
    if not office_of(request).hub.has_room(visitor.session.csrf):
        raise HTTPException(429)
    return StreamingResponse(_events(request, visitor), media_type="text/event-stream")


async def _events(request: Request, visitor: Visitor) -> AsyncIterator[str]:
    office = office_of(request)
    token, place = request.cookies[COOKIE], place_of(request)
    async for cards in office.hub.news(visitor.session.csrf, SILENCE_S):
        if not office.sessions.of(token, place, touch=False):
            yield _event("over", {})
            return
        for card in cards:
            for event in _told(card, language_of(request).code, office.hub, visitor):
                yield event
        if not cards:
            yield _event("alive", {})


def _told(card: Card, code: str, hub: Hub, visitor: Visitor) -> Iterator[str]:
    yield _event("card", {"station": card.station, "html": hub.drawn(card, code, _draw)})
    if card.has_new_desk:
        html = fragment(code, "desk.html", alarms=card.alarms, station=card.station, now=card.now, visitor=visitor)
        yield _event("desk", {"station": card.station, "html": html})


def _draw(card: Card, code: str) -> str:
    return fragment(code, "card.html", card=card, minutes=MINUTES)


def _event(name: str, data: dict[str, str]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


ROUTES: Final = [Route("/", show), Route("/news", news)]
