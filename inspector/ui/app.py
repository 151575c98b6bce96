"""The page as an ASGI application: its addresses, and who may ask for which."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from inspector.errors import InspectorError
from inspector.ui import actions, entrance, learn_page, live, models_page, parts, report, teach, threshold_page, why
from inspector.ui.guard import Headers
from inspector.ui.office import Office
from inspector.ui.pages import render

log = logging.getLogger(__name__)

LARGEST_BODY = 65_536
"""Bytes of a form."""


def application(office: Office) -> Starlette:
    """The page for what ``office`` holds; the hub runs as long as it does."""

    @asynccontextmanager
    async def looking(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(office.hub.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            if office.collecting:
                await asyncio.to_thread(office.collecting.close)
            if office.learning:
                await asyncio.to_thread(office.learning.close)
            office.audit.close()

    app = Starlette(
        routes=[
            *entrance.ROUTES,
            *learn_page.ROUTES,
            *live.ROUTES,
            *actions.ROUTES,
            *models_page.ROUTES,
            *parts.ROUTES,
            *report.ROUTES,
            *teach.ROUTES,
            *threshold_page.ROUTES,
            *why.ROUTES,
            Route("/health", _health),
            Mount("/static", StaticFiles(packages=[("inspector.ui", "static")])),
        ],
        middleware=[Middleware(Headers, tls=office.tls)],
        exception_handlers={HTTPException: _refused, InspectorError: _failed, Exception: _broken},
        lifespan=looking,
        max_body_size=LARGEST_BODY,
    )
    app.state.office = office
    return app


async def _health(_: Request) -> Response:
    return Response("good\n", media_type="text/plain")


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return render(request, "refused.html", status, status=status)


async def _failed(request: Request, error: Exception) -> Response:
    """What the disk or the daemon does not give now."""
    log.error("%s", error)
    return render(request, "refused.html", 503, status=503)


async def _broken(request: Request, error: Exception) -> Response:
    log.critical("%s crashed; this is a bug", request.url.path, exc_info=error)
    return render(request, "refused.html", 500, status=500)
