import json
import logging
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.logs import JsonFormatter, Sparing, TextFormatter


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


def test_a_coloured_copy_of_the_message_is_left_out():
    record = a_record(color_message="it is \x1b[1m%s\x1b[0m", tries=3)

    assert TextFormatter().format(record) == "WARNING it is so tries=3"
    assert "color_message" not in json.loads(JsonFormatter().format(record))


def test_text_shows_what_matters_of_an_inspection():
    inspection = {"station": "press-1", "part_id": "p7", "score": 1.5, "reason": None, "bundle": "0" * 64}

    assert TextFormatter().format(a_record("FAIL", (), inspection=inspection)) == (
        "WARNING press-1: FAIL part_id=p7 score=1.5"
    )


def test_a_traceback_is_indented_so_that_it_cannot_forge_a_line():
    try:
        Path("bad part\nERROR press-1: forged").rename("\r")
    except FileNotFoundError as error:
        error.add_note("\nERROR press-1: forged")
        text = TextFormatter().format(a_record(exc_info=sys.exc_info()))

    first, *rest = text.split("\n")
    assert first == "WARNING it is so"
    assert rest
    assert all(line.startswith("    ") for line in rest)


def test_no_message_can_drive_a_terminal():
    assert TextFormatter().format(a_record("\x1b[2J\u202e", ())) == "WARNING \\x1b[2J\\u202e"


def test_a_field_cannot_pass_itself_off_as_the_level():
    entry = json.loads(JsonFormatter().format(a_record(level="DEBUG", time="never")))

    assert entry["level"] == "WARNING"
    assert entry["level_"] == "DEBUG"
    assert entry["time_"] == "never"


def test_whatever_a_field_holds_json_stays_json():
    fields = {"score": float("nan"), "path": Path("/data/a\udce9.png"), "raw": b"\xff", "thing": object()}
    line = JsonFormatter().format(a_record(**fields))

    assert "NaN" not in line
    entry = json.loads(line)
    assert entry["score"] is None
    assert entry["path"] == "/data/a\udce9.png"


def test_a_score_of_zero_is_shown():
    assert TextFormatter().format(a_record("PASS", (), inspection={"score": 0.0})) == "WARNING PASS score=0.0"


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
@given(text=st.text())
def test_no_message_can_forge_a_second_line(formatter, text):
    line = formatter.format(a_record("%s", (f"{text}\nERROR forged\r\n",), station=text))

    assert len(line.splitlines()) == 1


def test_what_comes_with_every_frame_is_a_warning_once_in_a_while():
    times_s = [0, 1, 9.9, 10, 11, 25, 25]
    sparing = Sparing(every_s=10, clock=lambda: times_s.pop(0))
    levels = [sparing.level("black_frame") for _ in range(6)]

    warning, debug = logging.WARNING, logging.DEBUG
    assert levels == [warning, debug, debug, warning, debug, warning]
    assert sparing.level("blurred_frame") == warning
