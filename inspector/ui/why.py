"""The page that puts a part beside what it looks like."""

import asyncio
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from inspector.ui.accounts import Role
from inspector.ui.guard import needs
from inspector.ui.office import office_of
from inspector.ui.pages import render
from inspector.ui.parts import part_in


@needs(Role.VIEWER)
async def show(request: Request) -> Response:
    """The part, its heat map, the nearest golden normal and the nearest golden anomaly."""
    office, part = office_of(request), await part_in(request)
    picture = office.archive.picture(part.inspection.id) if office.archive else None
    digest = part.inspection.bundle
    if not picture or not digest:
        raise HTTPException(404)
    matches = await asyncio.to_thread(office.likeness.nearest, digest, picture)
    has_heat_map = office.archive is not None and office.archive.heat_map(part.inspection.id) is not None
    return render(request, "why.html", part=part, matches=matches, has_heat_map=has_heat_map)


@needs(Role.VIEWER, touch=False)
async def golden(request: Request) -> Response:
    """A golden picture, as the network sees it."""
    asked = request.path_params
    path = office_of(request).likeness.golden(asked["digest"], asked["file"])
    if not path:
        raise HTTPException(404)
    return FileResponse(path, headers={"Cache-Control": "private, max-age=86400, immutable"})


ROUTES: Final = [Route("/parts/{station}/{id}/why", show), Route("/golden/{digest}/{file}", golden)]
