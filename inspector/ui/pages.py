"""Templates to answers, in the language of whoever asks."""

from functools import cache
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from inspector.ui.accounts import Role
from inspector.ui.curve import HEIGHT, WIDTH, dots
from inspector.ui.languages import LANGUAGES, Language, chosen, language

LANGUAGE_COOKIE: Final = "inspector_language"


@cache
def environment(code: str) -> Environment:
    """The templates in a language; everything that is put into them is escaped."""
    made = Environment(
        loader=PackageLoader("inspector.ui"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    spoken = language(code)
    made.install_gettext_translations(spoken.words, newstyle=True)  # type: ignore[attr-defined]
    made.globals |= {
        "lang": spoken, "languages": LANGUAGES, "Role": Role, "dots": dots, "curve": (WIDTH, HEIGHT),
        "query": lambda **values: urlencode({key: value for key, value in values.items() if value not in (None, "")}),
    }  # fmt: skip
    return made


def language_of(request: Request) -> Language:
    """What was chosen on the page, or what the browser asks for."""
    return chosen(request.cookies.get(LANGUAGE_COOKIE), request.headers.get("Accept-Language", ""))


def render(request: Request, template: str, code: int = 200, **content: Any) -> HTMLResponse:
    """A whole page, with its status code. ``visitor`` is None for whoever has not logged in."""
    visitor = getattr(request.state, "visitor", None)
    html = fragment(language_of(request).code, template, visitor=visitor, path=request.url.path, **content)
    return HTMLResponse(html, code)


def fragment(code: str, template: str, **content: Any) -> str:
    """A piece of a page."""
    return environment(code).get_template(template).render(**content)
