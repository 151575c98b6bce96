"""What happened in a shift: parts, rejects by type, availability, alarms; to look at, to print, and as CSV."""

import asyncio
import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from inspector.records.summary import Summary
from inspector.ui.accounts import Role
from inspector.ui.asked import station_in, time_in
from inspector.ui.guard import needs
from inspector.ui.office import office_of
from inspector.ui.pages import render

SHIFT: Final = timedelta(hours=8)
LONGEST: Final = timedelta(days=31)
COLUMNS: Final = ("station", "since", "until", "what", "name", "outcome", "count")


@needs(Role.VIEWER)
async def show(request: Request) -> Response:
    """The last eight hours, or what was asked for."""
    station, summary = await _asked(request)
    alarms = await asyncio.to_thread(office_of(request).histories[station].alarms)
    return render(
        request, "report.html", station=station, stations=list(office_of(request).histories), summary=summary,
        open_alarms=alarms, highest=max((hour.outcomes.total() for hour in summary.hours), default=0),
    )  # fmt: skip


@needs(Role.VIEWER)
async def as_csv(request: Request) -> Response:
    """The same as a table (RFC 4180): a row for each outcome, type, reason, and outcome of an hour."""
    station, summary = await _asked(request)
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    span = (station, summary.since.isoformat(), summary.until.isoformat())
    table.writerows((*span, *(_harmless(cell) for cell in row)) for row in _rows(summary))
    name = f"{station}-{summary.since:%Y-%m-%dT%H%M}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _rows(summary: Summary) -> Iterator[tuple[str, str, str, int]]:
    yield from (("outcome", "", outcome, count) for outcome, count in summary.outcomes.items())
    yield from (("type", name, "FAIL", count) for name, count in summary.types.most_common())
    yield from (("reason", name, "ERROR", count) for name, count in summary.reasons.most_common())
    for hour in summary.hours:
        for outcome, count in hour.outcomes.items():
            yield "hour", hour.begins.isoformat(), outcome, count


def _harmless(cell: str | int) -> str | int:
    """A spreadsheet computes what begins like a formula. Source: OWASP, CSV Injection."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


async def _asked(request: Request) -> tuple[str, Summary]:
    said = request.query_params
    station = station_in(request)
    until = time_in(said.get("until", "")) or _next_minute()
    since = time_in(said.get("since", "")) or until - SHIFT
    if not timedelta(0) < until - since <= LONGEST:
        raise HTTPException(400)
    history = office_of(request).histories[station]
    return station, await asyncio.to_thread(history.summary, since, until)


def _next_minute() -> datetime:
    """Forms tell no seconds: what is shown is then also what they ask for again."""
    return (datetime.now().astimezone() + timedelta(minutes=1)).replace(second=0, microsecond=0)


ROUTES: Final = [Route("/report", show), Route("/report.csv", as_csv)]
