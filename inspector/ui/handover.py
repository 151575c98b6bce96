"""Having a bundle of the store judge at a station: the daemon loads, proves and compares it before it takes over."""

import asyncio
from typing import Final

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from inspector.ui.guard import visitor_of
from inspector.ui.office import office_of
from inspector.ui.pages import render

MOST_PARTS: Final = 100_000
"""That a comparison can be asked to take."""


def parts_to_compare(form: FormData) -> int:
    """On how many parts a form wants the bundle compared. Raises HTTPException 400."""
    parts = str(form.get("shadow", ""))
    if not parts.isdecimal() or int(parts) > MOST_PARTS:
        raise HTTPException(400)
    return int(parts)


async def hand_over(request: Request, station: str, digest: str, parts: int) -> Response:
    """Ask the daemon for it, and show how far it is, or why it will not."""
    by = visitor_of(request).account.name
    ask = office_of(request).switchboard.ask
    reply = await asyncio.to_thread(ask, "deploy", station, by, bundle=digest, shadow=parts)
    if reply.accepted:
        return RedirectResponse("/models", 303)
    return render(request, "refused.html", 409, status=409, why=reply.message)
