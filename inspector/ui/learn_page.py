"""Learn: what people have labelled, and a candidate made of it, which the daemon then proves and compares."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from inspector.binomial import bounds
from inspector.bundle import CONFIDENCE
from inspector.errors import ConfigError
from inspector.labels.label import NORMAL, Label
from inspector.ui.accounts import Role
from inspector.ui.collecting import Collecting, Harvest
from inspector.ui.guard import needs, visitor_of
from inspector.ui.learning import Learning
from inspector.ui.office import Office, office_of
from inspector.ui.pages import render
from inspector.ui.teach import named_anomaly

HELD_OUT: Final = 0.25
"""Share of the good parts that training calibrates by, unless its configuration has another."""

LEAST: Final = 20
"""Good parts that training takes, at the least."""

ENOUGH: Final = 236
"""A quarter of them, 59, proves that no more than 5 % of good parts are rejected."""

SHOWN: Final = 8
"""Of the pictures that were collected last, to be looked at."""


@dataclass(frozen=True, slots=True)
class FirstModel:
    """How far a station without a model is from one."""

    good: int
    """Parts that were called good."""
    shown: tuple[Label, ...]
    """The last parts that were labelled, the newest first."""
    harvest: Harvest | None

    @property
    def is_possible(self) -> bool:
        """Whether training takes as many as there are."""
        return self.good >= LEAST

    @property
    def best_promise(self) -> float | None:
        """The least share of good parts that the held-out ones can prove to be rejected at most; None of too few.

        None of n above the threshold: Clopper and Pearson's bound for 0 of n.
        """
        held_out = int(HELD_OUT * self.good)
        return bounds(0, held_out, 1 - CONFIDENCE)[1] if held_out else None


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
    labels = book.lasting(station)
    counts = Counter(label.folder for label in labels)
    first_model = await _first_model(office, station, counts[NORMAL], labels)
    last = learning.last if learning else None
    return render(
        request, "learn.html", station=station, stations=list(office.histories), learning=learning, counts=counts,
        normal=NORMAL, last=last if last and last.station == station else None,
        first=first_model, least=LEAST, enough=ENOUGH, confidence=CONFIDENCE,
    )  # fmt: skip


async def _first_model(office: Office, station: str, good: int, labels: list[Label]) -> FirstModel | None:
    """None where a model judges already, the daemon does not say, or models are trained elsewhere."""
    now = await asyncio.to_thread(office.switchboard.now, station) if office.collecting else None
    if not office.collecting or not now or not now.model or now.model.bundle:
        return None
    harvest = office.collecting.last
    own = harvest if harvest and harvest.station == station else None
    return FirstModel(good, tuple(reversed(labels[-SHOWN:])), own)


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


@needs(Role.ENGINEER)
async def collect(request: Request) -> Response:
    """Label what comes by from now on: good, or with the defect that is named."""
    station, by, form = _station(request), visitor_of(request).account.name, await request.form()
    anomaly = named_anomaly(form) if form.get("new_type") else None
    try:
        await asyncio.to_thread(_collecting(request).begin, station, by, anomaly)
    except ConfigError as error:
        return render(request, "refused.html", 409, status=409, why=str(error))
    return RedirectResponse(f"/learn/{station}", 303)


@needs(Role.ENGINEER)
async def collect_no_more(request: Request) -> Response:
    """End that."""
    _collecting(request).stop()
    return RedirectResponse(f"/learn/{_station(request)}", 303)


@needs(Role.ENGINEER)
async def drop(request: Request) -> Response:
    """Take the label of one part back."""
    office, station, form = office_of(request), _station(request), await request.form()
    book = await asyncio.to_thread(office.labels.read)
    label = book.of(str(form.get("inspection", "")))
    if not label or label.station != station:
        raise HTTPException(404)
    await asyncio.to_thread(office.teacher.withdraw, label.inspection, station, visitor_of(request).account.name)
    return RedirectResponse(f"/learn/{station}", 303)


def _learning(request: Request) -> Learning:
    learning = office_of(request).learning
    if not learning:
        raise HTTPException(404)
    return learning


def _collecting(request: Request) -> Collecting:
    collecting = office_of(request).collecting
    if not collecting:
        raise HTTPException(404)
    return collecting


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
    Route("/learn/{station}/collect", collect, methods=["POST"]),
    Route("/learn/{station}/collect/stop", collect_no_more, methods=["POST"]),
    Route("/learn/{station}/drop", drop, methods=["POST"]),
]
