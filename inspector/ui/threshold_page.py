"""What if the threshold were another: the last parts and the labelled ones by it, what it promises, and setting it."""

import asyncio
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from inspector.bundle import CONFIDENCE, Bundle, Prospect, prospects, set_by_hand
from inspector.errors import BundleError, DataError
from inspector.inspection import Inspection
from inspector.labels.label import Label
from inspector.models import Store
from inspector.records.filter import Filter
from inspector.ui.accounts import Role
from inspector.ui.guard import needs, visitor_of
from inspector.ui.handover import hand_over, parts_to_compare
from inspector.ui.history import Scored
from inspector.ui.office import Office, office_of
from inspector.ui.pages import fragment, language_of, render
from inspector.ui.what_if import Outcomes, Seen, bars, outcomes, seen

LAST: Final = (200, 1000, 5000)
"""Parts that can be looked at."""

MOST_LABELLED: Final = 2000
"""Labelled parts that are looked up, the newest."""

LONGEST_REASON: Final = 500
ANOTHER: Final = "another model judges by now, or the daemon does not answer: look at the threshold again"
NOTE: Final = "threshold"
"""The kind of the audit's notes on this."""


@dataclass(frozen=True)
class View:
    """What the page shows of a threshold beside the one that judges."""

    bundle: Bundle
    last: int
    threshold: float
    seen: Seen
    reinspection_s: float

    @cached_property
    def prospect(self) -> Callable[[float], Prospect]:
        """What is known of any threshold."""
        return prospects(self.bundle)

    def at(self, threshold: float) -> tuple[Outcomes, Prospect]:
        """What it would have done, and what it promises."""
        return outcomes(self.seen, threshold, self.reinspection_s), self.prospect(threshold)

    @property
    def extent(self) -> tuple[float, float]:
        """Of the scores that are drawn."""
        return self.seen.extent(self.bundle.threshold)

    @property
    def bars(self) -> list[int]:
        """The last parts by their scores."""
        return bars(self.seen, *self.extent)


@needs(Role.VIEWER)
async def first(request: Request) -> Response:
    """That of the station that was asked for, or of the first."""
    stations = list(office_of(request).histories)
    asked = request.query_params.get("station", stations[0])
    if asked not in stations:
        raise HTTPException(404)
    return RedirectResponse(f"/threshold/{asked}", 303)


@needs(Role.VIEWER)
async def show(request: Request) -> Response:
    """The whole page."""
    office, station = office_of(request), _station(request)
    view = await _view(request)
    can_set = office.store is not None and office.switchboard.is_there
    return render(
        request, "threshold.html", view=view, station=station, stations=list(office.histories), can_set=can_set,
        last=LAST, longest_reason=LONGEST_REASON, confidence=CONFIDENCE,
    )  # fmt: skip


@needs(Role.VIEWER)
async def said(request: Request) -> Response:
    """The figures alone, for the script that moves the threshold."""
    view = await _view(request)
    if view is None:
        raise HTTPException(404)
    html = fragment(language_of(request).code, "threshold_said.html", view=view, confidence=CONFIDENCE)
    return HTMLResponse(html)


@needs(Role.ENGINEER)
async def save(request: Request) -> Response:
    """Make a bundle with this threshold, and have it take over once it was compared."""
    office, station, form = office_of(request), _station(request), await request.form()
    if not office.store:
        raise HTTPException(404)
    reason, threshold, parts = _reason(form), _number(str(form.get("threshold", ""))), parts_to_compare(form)
    now = await asyncio.to_thread(office.switchboard.now, station)
    asked = str(form.get("bundle", ""))
    is_own = now is not None and now.model is not None and now.model.bundle == asked
    bundle = await asyncio.to_thread(office.likeness.bundle, asked) if is_own else None
    if not bundle:
        return render(request, "refused.html", 409, status=409, why=ANOTHER)
    by, may_pass = visitor_of(request).account.name, "let_critical_pass" in form
    make = partial(_made, office.store, office.settings.folder, bundle, threshold)
    try:
        digest = await asyncio.to_thread(make, by=by, reason=reason, let_critical_pass=may_pass)
    except (BundleError, DataError) as error:
        return render(request, "refused.html", 409, status=409, why=str(error))
    noted = {"station": station, "by": by, "reason": reason, "threshold": threshold, "bundle": digest}
    await asyncio.to_thread(
        office.audit.note, NOTE, noted | {"previous": bundle.threshold, "previous_bundle": bundle.digest}
    )
    return await hand_over(request, station, digest, parts)


def _made(store: Store, beside: Path, bundle: Bundle, threshold: float, **words: Any) -> str:
    """The digest of the new bundle in the store."""
    with tempfile.TemporaryDirectory(dir=beside) as folder:
        path = Path(folder, "bundle")
        set_by_hand(bundle, threshold, path, **words)
        return store.add(path)


async def _view(request: Request) -> View | None:
    """None where no model has judged here that can still be read."""
    office, station, query = office_of(request), _station(request), request.query_params
    last = query.get("last", str(LAST[1]))
    if last not in map(str, LAST):
        raise HTTPException(400)
    rows = await asyncio.to_thread(office.histories[station].scored, int(last))
    digest = await asyncio.to_thread(_own, office, station, rows)
    bundle = await asyncio.to_thread(office.likeness.bundle, digest) if digest else None
    if not bundle:
        return None
    threshold = _number(query["threshold"]) if query.get("threshold") else bundle.threshold
    of = await asyncio.to_thread(_seen, office, station, rows, bundle.digest)
    return View(bundle, int(last), threshold, of, office.settings.reinspection_s)


def _own(office: Office, station: str, rows: list[Scored]) -> str | None:
    """The station's own model, also while parts are judged by a recipe's; without word of it what judged last."""
    now = office.switchboard.now(station)
    if now and now.model:
        return now.model.bundle
    return rows[0].bundle if rows else None


def _seen(office: Office, station: str, rows: list[Scored], digest: str) -> Seen:
    labels = {label.inspection: label for label in office.labels.read().lasting(station)[-MOST_LABELLED:]}
    found = office.histories[station].named(labels, Filter(), MOST_LABELLED)
    pairs: list[tuple[Label, Inspection]] = [(labels[part.inspection.id], part.inspection) for part in found]
    return seen(rows, digest, pairs)


def _station(request: Request) -> str:
    station: str = request.path_params["station"]
    if station not in office_of(request).histories:
        raise HTTPException(404)
    return station


def _reason(form: FormData) -> str:
    reason = " ".join(str(form.get("reason", "")).split())
    if not reason or len(reason) > LONGEST_REASON:
        raise HTTPException(400)
    return reason


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise HTTPException(400) from error
    if not math.isfinite(number):
        raise HTTPException(400)
    return number


ROUTES: Final = [
    Route("/threshold", first),
    Route("/threshold/{station}", show),
    Route("/threshold/{station}/said", said),
    Route("/threshold/{station}", save, methods=["POST"]),
]
