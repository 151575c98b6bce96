"""The parts that were judged: a list that can be narrowed, each part by itself, and its pictures."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from inspector.inspection import Outcome
from inspector.labels.book import Book
from inspector.labels.label import sayable
from inspector.last_picture import HEAT_MAP, PICTURE
from inspector.records.filter import Filter
from inspector.ui.accounts import Role
from inspector.ui.asked import station_in, time_in
from inspector.ui.guard import needs
from inspector.ui.history import REJECTS, History, Part
from inspector.ui.labelled import labelled, unlabelled
from inspector.ui.office import office_of
from inspector.ui.pages import render

ON_A_PAGE: Final = 60

SHOWN: Final[dict[str, tuple[Outcome, ...]]] = {
    "all": (),
    "rejects": REJECTS,
    "pass": (Outcome.PASS,),
    "fail": (Outcome.FAIL,),
    "error": (Outcome.ERROR,),
}
"""What a list can be of, by the word in its address."""

BY_LABEL: Final = {"labelled": labelled, "unlabelled": unlabelled}
"""And by what people have said."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list was asked to hold, as the form had it."""

    station: str
    show: str
    type: str
    part: str
    since: str
    until: str
    below: int | None

    def filter(self) -> Filter:
        """For the record. Raises HTTPException 400 for a time that is none."""
        return Filter(
            part_id=self.part or None,
            nearest_type=self.type or None,
            since=time_in(self.since),
            until=time_in(self.until),
            below=self.below,
        )


@needs(Role.VIEWER)
async def show_list(request: Request) -> Response:
    """The parts of a station, the newest first."""
    asked, office = _asked(request), office_of(request)
    book = await asyncio.to_thread(office.labels.read)
    found = await asyncio.to_thread(_found, office.histories[asked.station], book, asked)
    return render(
        request, "parts.html", asked=asked, parts=found, book=book, stations=list(office.histories),
        shown=[*SHOWN, *BY_LABEL], is_last=len(found) < ON_A_PAGE, archive=office.archive,
    )  # fmt: skip


def _found(history: History, book: Book, asked: Asked) -> list[Part]:
    if find := BY_LABEL.get(asked.show):
        return find(history, book, asked.filter(), ON_A_PAGE)
    return history.parts(asked.filter(), ON_A_PAGE, SHOWN[asked.show])


@needs(Role.VIEWER)
async def show_part(request: Request) -> Response:
    """One part."""
    part, office = await part_in(request), office_of(request)
    book = await asyncio.to_thread(office.labels.read)
    types = await asyncio.to_thread(office.anomalies, part.inspection)
    return render(
        request, "part.html", part=part, archive=office.archive, label=book.of(part.inspection.id),
        types=sorted(types), sayable=sayable(part.inspection.outcome),
    )  # fmt: skip


@needs(Role.VIEWER, touch=False)
async def picture(request: Request) -> Response:
    """The picture as the camera gave it."""
    archive = office_of(request).archive
    return _file(archive.picture(request.path_params["id"]) if archive else None)


@needs(Role.VIEWER, touch=False)
async def heat_map(request: Request) -> Response:
    """Where the part is abnormal."""
    archive = office_of(request).archive
    return _file(archive.heat_map(request.path_params["id"]) if archive else None)


@needs(Role.VIEWER, touch=False)
async def last_picture(request: Request) -> Response:
    """The last picture of a station, small."""
    return _file(_last(request, PICTURE))


@needs(Role.VIEWER, touch=False)
async def last_heat_map(request: Request) -> Response:
    """With its heat map over it."""
    return _file(_last(request, HEAT_MAP))


def _last(request: Request, ending: str) -> Path | None:
    pictures = office_of(request).pictures.get(request.path_params["station"])
    return pictures.file(request.path_params["id"], ending) if pictures else None


def _file(path: Path | None) -> Response:
    if path is None:
        raise HTTPException(404)
    # What belongs to an id never changes.
    return FileResponse(path, headers={"Cache-Control": "private, max-age=86400, immutable"})


def _asked(request: Request) -> Asked:
    said = request.query_params
    show, below = said.get("show", "all"), said.get("below", "")
    if show not in {*SHOWN, *BY_LABEL} or (below and not below.isdecimal()):
        raise HTTPException(400)
    return Asked(
        station_in(request),
        show,
        said.get("type", "").strip(),
        said.get("part", "").strip(),
        said.get("since", ""),
        said.get("until", ""),
        int(below) if below else None,
    )


async def part_in(request: Request) -> Part:
    """The part that the address names. Raises HTTPException 404 where there is none."""
    history = office_of(request).histories.get(request.path_params["station"])
    part = await asyncio.to_thread(history.part, request.path_params["id"]) if history else None
    if not part:
        raise HTTPException(404)
    return part


ROUTES: Final = [
    Route("/parts", show_list),
    Route("/parts/{station}/{id}", show_part),
    Route("/pictures/{id}", picture),
    Route("/heat-maps/{id}", heat_map),
    Route("/last/{station}/{id}", last_picture),
    Route("/last/{station}/{id}/heat-map", last_heat_map),
]
