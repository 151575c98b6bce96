"""Logging in and out, and the choice of a language."""

import asyncio
import math
from typing import Final
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from inspector.ui.accounts import Role
from inspector.ui.guard import COOKIE, check_origin, needs, place_of, visitor_of
from inspector.ui.languages import LANGUAGES
from inspector.ui.office import Office, office_of
from inspector.ui.pages import LANGUAGE_COOKIE, render

AT_ONCE: Final = asyncio.Semaphore(2)
"""Passwords that are hashed at once: each takes 64 MiB and two cores for some hundredths of a second."""

YEAR_S: Final = 31_536_000


async def show_login(request: Request) -> Response:
    """The form."""
    return render(request, "login.html", wait_s=0, failed=False)


async def log_in(request: Request) -> Response:
    """Begin a session, or say no in the same words for a wrong name and a wrong password."""
    check_origin(request)
    form = await request.form(max_files=0, max_fields=10)
    name, password = str(form.get("name", "")), str(form.get("password", ""))
    office, address = office_of(request), request.client.host if request.client else ""
    keys = (f"name {name}", f"address {address}")
    wait_s = office.throttle.wait_s(*keys)
    if wait_s > 0:
        refusal = render(request, "login.html", 429, wait_s=math.ceil(wait_s), failed=False)
        refusal.headers["Retry-After"] = str(math.ceil(wait_s))
        return refusal
    async with AT_ONCE:
        account = await asyncio.to_thread(office.accounts.verified, name, password)
    if not account:
        office.throttle.failed(*keys)
        _note_refusal(office, name, address)
        return render(request, "login.html", 403, wait_s=0, failed=True)
    office.throttle.succeeded(keys[0])
    office.audit.note("login", {"by": account.name, "from": address})
    token = office.sessions.begin(account, place_of(request))
    answer = RedirectResponse("/", 303)
    answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=office.tls)
    return answer


def _note_refusal(office: Office, name: str, address: str) -> None:
    # Who types a password where the name belongs must not find it in the record.
    known = name if name in office.accounts.all() else None
    office.audit.note("login_refused", {"name": known, "from": address})


@needs(Role.VIEWER)
async def log_out(request: Request) -> Response:
    """End the session."""
    office = office_of(request)
    office.sessions.end(request.cookies[COOKIE])
    office.audit.note("logout", {"by": visitor_of(request).account.name})
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE)
    return answer


async def choose_language(request: Request) -> Response:
    """Keep the choice, and go back to where it was made."""
    check_origin(request)
    code = str((await request.form(max_files=0, max_fields=10)).get("language", ""))
    if code not in LANGUAGES:
        raise HTTPException(400)
    answer = RedirectResponse(_back(request), 303)
    answer.set_cookie(
        LANGUAGE_COOKIE, code, max_age=YEAR_S, httponly=True, samesite="strict", secure=office_of(request).tls
    )
    return answer


def _back(request: Request) -> str:
    """The page that asked, of this address alone."""
    referer = urlsplit(request.headers.get("Referer", ""))
    if referer.netloc != request.headers.get("Host") or not referer.path.startswith("/"):
        return "/"
    # Two slashes would be another host's address.
    return "/" + referer.path.lstrip("/") + (f"?{referer.query}" if referer.query else "")


ROUTES: Final = [
    Route("/login", show_login),
    Route("/login", log_in, methods=["POST"]),
    Route("/logout", log_out, methods=["POST"]),
    Route("/language", choose_language, methods=["POST"]),
]
