"""What a person has the daemon do: see to alarms, pause a station. The station's record keeps who asked."""

import asyncio
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from inspector.plc import CommandReply
from inspector.ui.accounts import Role
from inspector.ui.guard import needs, visitor_of
from inspector.ui.office import office_of
from inspector.ui.pages import render

ON_ALARMS: Final = {"acknowledge", "reset"}
ON_STATIONS: Final = {"pause", "resume", "rollback"}


@needs(Role.OPERATOR)
async def alarm(request: Request) -> Response:
    """Acknowledge or reset an alarm."""
    return await _asked(request, await _command(request, ON_ALARMS), alarm=request.path_params["alarm"])


@needs(Role.ENGINEER)
async def station(request: Request) -> Response:
    """Pause or resume a station, or have the model before judge again."""
    return await _asked(request, await _command(request, ON_STATIONS))


async def _command(request: Request, known: set[str]) -> str:
    what = str((await request.form()).get("what", ""))
    if what not in known or request.path_params["station"] not in office_of(request).histories:
        raise HTTPException(404)
    return what


async def _asked(request: Request, command: str, **words: str) -> Response:
    board, by = office_of(request).switchboard, visitor_of(request).account.name
    reply: CommandReply = await asyncio.to_thread(board.ask, command, request.path_params["station"], by, **words)
    if reply.accepted:
        return RedirectResponse("/", 303)
    return render(request, "refused.html", 409, status=409, why=reply.message)


ROUTES: Final = [
    Route("/alarms/{station}/{alarm}", alarm, methods=["POST"]),
    Route("/stations/{station}", station, methods=["POST"]),
]
