"""The models of a line: which one judges, which are in the store, and how one takes over."""

import asyncio
from dataclasses import dataclass
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from inspector.bundle import Manifest, read_manifest
from inspector.errors import BundleError
from inspector.inspection import StationState
from inspector.models import Store
from inspector.plc import ModelStep
from inspector.ui.accounts import Role
from inspector.ui.guard import needs
from inspector.ui.handover import hand_over, parts_to_compare
from inspector.ui.office import office_of
from inspector.ui.pages import render
from inspector.ui.switchboard import Now


@dataclass(frozen=True, slots=True)
class Stored:
    """A bundle of the store."""

    digest: str
    manifest: Manifest


@needs(Role.VIEWER)
async def show(request: Request) -> Response:
    """Each station with its model, and the store."""
    office = office_of(request)
    now = await asyncio.to_thread(lambda: {name: office.switchboard.now(name) for name in office.histories})
    stored = await asyncio.to_thread(_stored, office.store) if office.store else []
    return render(request, "models.html", now=now, stored=stored, is_busy=any(map(_is_busy, now.values())))


@needs(Role.ENGINEER)
async def deploy(request: Request) -> Response:
    """Have a bundle of the store take over, after it was compared on as many parts as asked."""
    form, station = await request.form(), request.path_params["station"]
    digest, office = str(form.get("bundle", "")), office_of(request)
    if station not in office.histories or not office.store or digest not in office.store.digests():
        raise HTTPException(404)
    return await hand_over(request, station, digest, parts_to_compare(form))


def _stored(store: Store) -> list[Stored]:
    found = []
    for digest in store.digests():
        try:
            found.append(Stored(digest, read_manifest(store.path(digest))[0]))
        except BundleError:
            continue  # removed meanwhile, or damaged: the daemon would refuse it as well
    return found


def _is_busy(now: Now | None) -> bool:
    return bool(now and now.state is not StationState.OFFLINE and now.model and now.model.step is not ModelStep.SETTLED)


ROUTES: Final = [Route("/models", show), Route("/models/{station}", deploy, methods=["POST"])]
