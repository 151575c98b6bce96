"""Learn: what people have labelled, and a candidate made of it, which the daemon then proves and compares."""

import asyncio
from collections import Counter
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from inspector.errors import ConfigError
from inspector.labels.label import NORMAL
from inspector.ui.accounts import Role
from inspector.ui.guard import needs, visitor_of
from inspector.ui.learning import Learning
from inspector.ui.office import office_of
from inspector.ui.pages import render


@needs(Role.VIEWER)
async def first(request: Request) -> Response:
    """That of the first station."""
    return RedirectResponse(f"/learn/{next(iter(office_of(request).histories))}", 303)


@needs(Role.VIEWER)
async def show(request: Request) -> Response:
    """The labels of a station, and the last refit."""
    office, station = office_of(request), _station(request)
    learning = office.learning
    book = await asyncio.to_thread(office.labels.read)
    last = learning.last if learning else None
    return render(
        request, "learn.html", station=station, stations=list(office.histories), learning=learning,
        counts=Counter(label.folder for label in book.lasting(station)), normal=NORMAL,
        last=last if last and last.station == station else None,
    )  # fmt: skip


@needs(Role.ENGINEER)
async def begin(request: Request) -> Response:
    """Refit."""
    station, by = _station(request), visitor_of(request).account.name
    try:
        await asyncio.to_thread(_learning(request).begin, station, by)
    except ConfigError as error:
        return render(request, "refused.html", 409, status=409, why=str(error))
    return RedirectResponse(f"/learn/{station}", 303)


@needs(Role.ENGINEER)
async def stop(request: Request) -> Response:
    """End it."""
    await asyncio.to_thread(_learning(request).stop)
    return RedirectResponse(f"/learn/{_station(request)}", 303)


def _learning(request: Request) -> Learning:
    learning = office_of(request).learning
    if not learning:
        raise HTTPException(404)
    return learning


def _station(request: Request) -> str:
    station: str = request.path_params["station"]
    if station not in office_of(request).histories:
        raise HTTPException(404)
    return station


ROUTES: Final = [
    Route("/learn", first),
    Route("/learn/{station}", show),
    Route("/learn/{station}", begin, methods=["POST"]),
    Route("/learn/{station}/stop", stop, methods=["POST"]),
]
