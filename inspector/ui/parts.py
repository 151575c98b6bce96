"""The parts that were judged: a list that can be narrowed, each part by itself, and its pictures."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from inspector.archive.reading import Reading
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
from inspector.ui.pages import fragment, language_of, render

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

    @property
    def is_newest(self) -> bool:
        """Whether parts that come are to be in it."""
        return self.below is None and not self.until

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
    strip = await _strip(request)
    return render(
        request, "parts.html", **strip, stations=list(office_of(request).histories), shown=[*SHOWN, *BY_LABEL]
    )  # fmt: skip


@needs(Role.VIEWER, touch=False)
async def show_strip(request: Request) -> Response:
    """The same without what is around it, for the script that keeps it new."""
    return HTMLResponse(fragment(language_of(request).code, "strip.html", **await _strip(request)))


async def _strip(request: Request) -> dict[str, Any]:
    asked, office = _asked(request), office_of(request)
    book = await asyncio.to_thread(office.labels.read)
    found = await asyncio.to_thread(_found, office.histories[asked.station], book, asked)
    pictures = await asyncio.to_thread(_with_picture, office.archive, found)
    return {"asked": asked, "parts": found, "book": book, "pictures": pictures, "is_last": len(found) < ON_A_PAGE}


def _with_picture(archive: Reading | None, parts: list[Part]) -> set[str]:
    """The inspections that the archive has a picture of."""
    ids = (part.inspection.id for part in parts)
    return {each for each in ids if archive and archive.picture(each)}


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
    has_picture, has_heat_map = await asyncio.to_thread(_archived, office.archive, part.inspection.id)
    return render(
        request, "part.html", part=part, has_picture=has_picture, has_heat_map=has_heat_map,
        label=book.of(part.inspection.id),
        types=sorted(types), sayable=sayable(part.inspection.outcome),
    )  # fmt: skip


def _archived(archive: Reading | None, inspection_id: str) -> tuple[bool, bool]:
    """Whether there is a picture, and a heat map."""
    if not archive:
        return False, False
    return archive.picture(inspection_id) is not None, archive.heat_map(inspection_id) is not None


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
    Route("/strip", show_strip),
    Route("/parts/{station}/{id}", show_part),
    Route("/pictures/{id}", picture),
    Route("/heat-maps/{id}", heat_map),
    Route("/last/{station}/{id}", last_picture),
    Route("/last/{station}/{id}/heat-map", last_heat_map),
]
