import io
import re
from datetime import UTC, datetime
from importlib.resources import files

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from inspector.alarms import NAMES
from inspector.ui.languages import LANGUAGES, chosen, language
from inspector.ui.pages import environment

TRANSLATED = sorted(set(LANGUAGES) - {"en"})


def said():
    """What the templates say, in English."""
    root = files("inspector.ui") / "templates"
    found = extract_from_dir(str(root), [("**.html", "jinja2.ext:babel_extract")], {"**.html": {"trimmed": "false"}})
    return {message for _, _, message, _, _ in found}


def catalogue(code):
    text = files("inspector.ui").joinpath("locales", f"{code}.po").read_bytes()
    return {message.id: message for message in read_po(io.BytesIO(text), code) if message.id}


@pytest.mark.parametrize("code", TRANSLATED)
def test_everything_is_translated_and_nothing_else(code):
    known = catalogue(code)

    assert known.keys() == said()
    assert [each.id for each in known.values() if not each.string or each.fuzzy] == []


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_translation_keeps_the_places_for_names_and_numbers(code):
    for message in catalogue(code).values():
        places = re.findall(r"%\(\w+\)s", message.id)
        assert sorted(re.findall(r"%\(\w+\)s", message.string)) == sorted(places), message.id


@pytest.mark.parametrize(
    ("cookie", "accepted", "code"),
    [
        (None, "", "en"),
        (None, "fr", "en"),
        (None, "de-AT,de;q=0.9,en;q=0.8", "de"),
        (None, "en;q=0.5,ja;q=0.9", "ja"),
        (None, "fr,ja;q=0.1", "ja"),
        (None, "de;q=high,ja", "ja"),
        ("ja", "de", "ja"),
        ("xx", "de", "de"),
        ("../../etc", "", "en"),
    ],
)
def test_the_language_is_the_persons_choice_or_the_browsers(cookie, accepted, code):
    assert chosen(cookie, accepted).code == code


def test_numbers_and_times_have_the_form_of_the_language(monkeypatch):
    assert language("en").number(1234.5) == "1,234.50"
    assert language("de").number(1234.5) == "1.234,50"
    assert language("de").share(0.125) == "12,5\u00a0%"
    moment = datetime(2026, 11, 26, 6, 5, 4, tzinfo=UTC).astimezone()
    assert language("ja").moment(moment).startswith("2026/11/26")
    assert language("de").moment(moment).startswith("26.11.2026")
    assert language("en").time(moment.replace(hour=18)) == "18:05:04"


def test_a_language_that_nobody_speaks_here_is_none():
    with pytest.raises(KeyError):
        language("fr")


@pytest.mark.parametrize("name", NAMES)
def test_every_alarm_has_words(name):
    words = environment("en").get_template("words.html").module

    assert str(words.alarm(name)) != name


@pytest.mark.parametrize(
    ("code", "share", "text"),
    [
        ("en", 0.0142, "1.42\u00a0%"),
        ("de", 0.01421, "1,43\u00a0%"),
        ("en", 0.0005001, "0.0501\u00a0%"),
        ("ja", 1, "100\u00a0%"),
    ],
)
def test_what_is_promised_is_rounded_up(code, share, text):
    assert language(code).at_most(share) == text
