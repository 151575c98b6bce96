"""What every answer of the page carries, and what no request gets past."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inspector.ui.accounts import Account, Role
from inspector.ui.office import office_of
from inspector.ui.sessions import Session

COOKIE: Final = "inspector_session"

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'none';"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Content Security Policy Level 3: nothing inline, nothing from elsewhere."""

HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
HSTS: Final = "max-age=31536000"

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, by which session."""

    session: Session
    account: Account


class Headers:
    """Middleware: the headers above on every answer, and none of it in a cache unless the answer says so."""

    def __init__(self, app: ASGIApp, *, tls: bool) -> None:
        self._app = app
        self._headers = HEADERS | ({"Strict-Transport-Security": HSTS} if tls else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI 3.0."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(self._headers)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


def needs(role: Role, *, touch: bool = True) -> Callable[[Endpoint], Endpoint]:
    """Only for those who may; what changes something has to come from a form of the visitor's own session.

    ``touch``: whether the request is a person's, and makes the session last. Others are sent to log in, or refused.
    """

    def guarded(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def guard(request: Request) -> Response:
            found = office_of(request).sessions.of(request.cookies.get(COOKIE, ""), place_of(request), touch=touch)
            if not found:
                if request.method == "GET" and touch:
                    return RedirectResponse("/login", 303)
                raise HTTPException(401)
            session, account = found
            if not account.role.may(role):
                raise HTTPException(403)
            if request.method != "GET":
                await check_form(request, session.csrf)
            request.state.visitor = Visitor(session, account)
            return await endpoint(request)

        return guard

    return guarded


def check_origin(request: Request) -> None:
    """Raises HTTPException 403 for a form that another site's page has sent (RFC 6454, section 7)."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        raise HTTPException(403)


async def check_form(request: Request, expected: str) -> None:
    """Raises HTTPException 403 for a form that is not of this session. OWASP, Cross-Site Request Forgery Prevention."""
    check_origin(request)
    given = (await request.form(max_files=0, max_fields=100)).get("csrf")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), expected.encode()):
        raise HTTPException(403)


def visitor_of(request: Request) -> Visitor:
    """Who asks, once ``needs`` has let the request in."""
    visitor: Visitor = request.state.visitor
    return visitor


def place_of(request: Request) -> str:
    """Where a session lives: the client's address and browser."""
    address = request.client.host if request.client else ""
    return f"{address} {request.headers.get('User-Agent', '')}"
