import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.logs import JsonFormatter, TextFormatter


def a_record(message="it is %s", args=("so",), exc_info=None, **extra):
    record = logging.LogRecord("inspector.station", logging.WARNING, __file__, 1, message, args, exc_info)
    vars(record).update(extra)
    return record


def an_exception():
    try:
        int("a\nb")
    except ValueError:
        return sys.exc_info()


def test_json_holds_what_a_collector_needs():
    entry = json.loads(JsonFormatter().format(a_record(station="press-1")))

    assert entry.pop("time").endswith("+00:00")
    assert entry == {"level": "WARNING", "logger": "inspector.station", "message": "it is so", "station": "press-1"}


def test_json_holds_the_traceback_in_the_same_line():
    line = JsonFormatter().format(a_record(exc_info=an_exception()))

    assert "\n" not in line
    assert "ValueError: invalid literal" in json.loads(line)["exception"]


def test_text_names_the_station_first():
    assert TextFormatter().format(a_record(station="press-1", tries=3)) == "WARNING press-1: it is so tries=3"


def test_text_shows_what_matters_of_an_inspection():
    inspection = {"station": "press-1", "part_id": "p7", "score": 1.5, "reason": None, "bundle": "0" * 64}

    assert TextFormatter().format(a_record("FAIL", (), inspection=inspection)) == (
        "WARNING press-1: FAIL part_id=p7 score=1.5"
    )


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
@given(text=st.text())
def test_no_message_can_forge_a_second_line(formatter, text):
    line = formatter.format(a_record("%s", (f"{text}\nERROR forged\r\n",), station=text))

    assert "\n" not in line
    assert "\r" not in line
