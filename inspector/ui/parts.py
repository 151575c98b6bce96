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
from inspector.last_picture import HEAT_MAP, PICTURE
from inspector.records.filter import Filter
from inspector.ui.accounts import Role
from inspector.ui.asked import station_in, time_in
from inspector.ui.guard import needs
from inspector.ui.history import REJECTS, Part
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
    asked, histories = _asked(request), office_of(request).histories
    history = histories[asked.station]
    found = await asyncio.to_thread(history.parts, asked.filter(), ON_A_PAGE, SHOWN[asked.show])
    return render(
        request, "parts.html", asked=asked, parts=found, stations=list(histories), shown=list(SHOWN),
        is_last=len(found) < ON_A_PAGE, archive=office_of(request).archive,
    )  # fmt: skip


@needs(Role.VIEWER)
async def show_part(request: Request) -> Response:
    """One part."""
    return render(request, "part.html", part=await part_in(request), archive=office_of(request).archive)


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
    if show not in SHOWN or (below and not below.isdecimal()):
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
