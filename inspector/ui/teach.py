"""What a person says of a part, as a form of the part's page: training learns from it."""

import asyncio
from typing import Final

from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from inspector.inspection import Inspection
from inspector.labels.label import Anomaly, Says, sayable
from inspector.ui.accounts import Role
from inspector.ui.guard import needs, visitor_of
from inspector.ui.office import office_of
from inspector.ui.parts import part_in

WITHDRAW: Final = "withdraw"


@needs(Role.OPERATOR)
async def label(request: Request) -> Response:
    """Label a part, or withdraw its label, and show it again."""
    office, said, form = office_of(request), (await part_in(request)).inspection, await request.form()
    by, what = visitor_of(request).account.name, str(form.get("says", ""))
    if what == WITHDRAW:
        await asyncio.to_thread(office.teacher.withdraw, said.id, said.station, by)
    else:
        says = _says(what, said)
        anomaly = await _anomaly(request, form, said) if says is not Says.FALSE_REJECT else None
        await asyncio.to_thread(office.teacher.label, said.id, said.station, by, says, anomaly)
    return RedirectResponse(f"/parts/{said.station}/{said.id}", 303)


def _says(what: str, said: Inspection) -> Says:
    try:
        says = Says(what)
    except ValueError as error:
        raise HTTPException(400) from error
    if says not in sayable(said.outcome):
        raise HTTPException(400)
    return says


async def _anomaly(request: Request, form: FormData, said: Inspection) -> Anomaly:
    """A type that is known, or one that an engineer gives a name and a weight."""
    if form.get("new_type"):
        if not visitor_of(request).account.role.may(Role.ENGINEER):
            raise HTTPException(403)
        return named_anomaly(form)
    known = await asyncio.to_thread(office_of(request).anomalies, said)
    if form.get("type") not in known:
        raise HTTPException(400)
    return known[str(form["type"])]


def named_anomaly(form: FormData) -> Anomaly:
    """The new type of a form. Raises HTTPException 400."""
    given = {"type": str(form["new_type"]).strip(), "weight": form.get("weight") or 1, "critical": "critical" in form}
    try:
        return Anomaly.model_validate(given)
    except ValidationError as error:
        raise HTTPException(400) from error


ROUTES: Final = [Route("/parts/{station}/{id}/label", label, methods=["POST"])]
