"""The languages of the page, and which of them a person reads."""

import gettext
import io
import math
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final

from babel import Locale, negotiate_locale
from babel.dates import format_datetime, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

SOURCE: Final = "en"
"""The language that the page is written in."""

LOCALES: Final = {"en": "en_GB", "de": "de_DE", "ja": "ja_JP"}
"""Whose form numbers and times have: a plant's clock has 24 hours."""

LANGUAGES: Final = {"en": "English", "de": "Deutsch", "ja": "日本語"}
"""By their own names."""


@dataclass(frozen=True, slots=True)
class Language:
    """Words, numbers and times as a language has them; times are local to this machine."""

    code: str
    words: gettext.NullTranslations

    def time(self, moment: datetime) -> str:
        """The time of the day, with seconds."""
        return format_time(moment.astimezone(), "medium", locale=LOCALES[self.code])

    def moment(self, moment: datetime) -> str:
        """Date and time."""
        return format_datetime(moment.astimezone(), "medium", locale=LOCALES[self.code])

    def parsed(self, text: str) -> datetime:
        """A time as records have it."""
        return datetime.fromisoformat(text)

    def number(self, value: float, digits: int = 2) -> str:
        """With so many digits after the point."""
        return format_decimal(value, f"#,##0.{'0' * digits}" if digits else "#,##0", locale=LOCALES[self.code])

    def share(self, value: float) -> str:
        """In per cent, with one digit after the point."""
        return format_percent(value, "#,##0.0\u00a0%", locale=LOCALES[self.code])

    def at_most(self, value: float) -> str:
        """In per cent with three digits, rounded up so that "at most" stays true."""
        digits = max(0, 2 - math.floor(math.log10(100 * value))) if value > 0 else 0
        up = math.ceil(100 * value * 10**digits - 1e-9) / 10**digits
        return f"{format_decimal(up, '#,##0.######', locale=LOCALES[self.code])}\u00a0%"


@cache
def language(code: str) -> Language:
    """Raises KeyError for one that the page does not speak."""
    LANGUAGES[code]
    return Language(code, gettext.NullTranslations() if code == SOURCE else _words(code))


def chosen(cookie: str | None, accepted: str) -> Language:
    """That of the cookie, or the best of what the browser accepts (RFC 9110, section 12.5.4), or English."""
    if cookie in LANGUAGES:
        return language(cookie)
    asked = sorted(filter(None, map(_asked, accepted.split(","))), reverse=True)
    return language(negotiate_locale([code for _, _, code in asked], list(LANGUAGES), sep="-") or SOURCE)


def _asked(text: str) -> tuple[float, int, str] | None:
    """Weight, and the language."""
    code, _, weight = text.strip().partition(";q=")
    try:
        return (float(weight or 1), 0, code.partition("-")[0].lower()) if code else None
    except ValueError:
        return None


def _words(code: str) -> gettext.GNUTranslations:
    text = files("inspector.ui").joinpath("locales", f"{code}.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(text), Locale.parse(code)))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
