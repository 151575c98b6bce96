from datetime import timedelta

import pytest

from inspector.inspection import Outcome, utc_now
from inspector.last_picture import LastPictures
from inspector.ui.board import MINUTES, MOST, Board
from inspector.ui.history import History
from inspector.ui.switchboard import Switchboard
from tests.inspector.ui.conftest import an_inspection


@pytest.fixture
def record(records):
    record = records.open("press-1", [])
    yield record
    record.close()


@pytest.fixture
def board(records, tmp_path):
    names = ["press-1", "press-2"]
    histories = {name: History(records.folder, name) for name in names}
    return Board(histories, {name: LastPictures(tmp_path / name) for name in names}, Switchboard(None))


def test_a_station_that_has_said_nothing_is_shown_empty(board):
    cards = board.look()

    assert [(card.station, card.last, card.recent) for card in cards] == [("press-1", None, ()), ("press-2", None, ())]
    assert board.look() == []
    assert board.cards() == cards


def test_only_stations_with_news_are_told(board, record):
    board.look()
    said = record.append(an_inspection(Outcome.FAIL))

    (card,) = board.look()

    assert (card.station, card.last) == ("press-1", said)
    assert board.look() == []
    assert [each.station for each in board.cards()] == ["press-1", "press-2"]


def test_a_look_adds_what_is_new_to_what_was_seen(board, record):
    said = []
    for count in (1, 3, 2):
        said += [record.append(an_inspection()) for _ in range(count)]
        (card,) = [each for each in board.look() if each.station == "press-1"]
        assert list(card.recent) == said
        assert card.last == said[-1]


def test_figures_are_those_of_the_last_minutes(board, record):
    now = utc_now()
    record.append(an_inspection(Outcome.FAIL, captured_at=now - timedelta(minutes=MINUTES, seconds=1)))
    for age_s, outcome, total in ((20, Outcome.PASS, 30.0), (10, Outcome.FAIL, 10.0), (0, Outcome.PASS, 20.0)):
        record.append(an_inspection(outcome, captured_at=now - timedelta(seconds=age_s), timings_ms={"total": total}))

    card = board.look()[0]

    assert card.counts == {Outcome.PASS: 2, Outcome.FAIL: 1}
    assert card.rate_hz == pytest.approx(0.1)
    assert card.cycle_ms == 20.0


def test_one_part_has_no_rate_and_an_error_no_cycle_time(board, record):
    record.append(an_inspection(Outcome.ERROR, timings_ms={}))

    card = board.look()[0]

    assert (card.rate_hz, card.cycle_ms) == (0.0, None)


def test_of_many_the_last_are_shown(board, record):
    said = [record.append(an_inspection()) for _ in range(MOST + 5)]

    assert list(board.look()[0].recent) == said[5:]


def test_alarms_are_told_once(board, record):
    board.look()
    record.note("alarm", {"alarm": "fail_rate", "state": "active", "since": utc_now().isoformat(), "message": "look"})

    (card,) = board.look()
    assert [alarm.alarm for alarm in card.alarms] == ["fail_rate"]
    assert card.has_new_desk

    record.append(an_inspection())
    (card,) = board.look()
    assert card.alarms
    assert not card.has_new_desk


def test_a_new_record_in_the_place_of_the_old_is_begun_with(board, record, records):
    for _ in range(5):
        record.append(an_inspection())
    board.look()
    record.close()
    for path in records.folder.iterdir():
        path.unlink()
    other = records.open("press-1", [])
    said = other.append(an_inspection())

    (card,) = board.look()
    other.close()

    assert list(card.recent) == [said]


def test_a_picture_that_comes_after_its_inspection_is_news(board, record, tmp_path):
    said = record.append(an_inspection())
    assert board.look()[0].picture is None

    (tmp_path / "press-1").mkdir()
    (tmp_path / "press-1" / f"{said.id}.jpg").touch()

    (card,) = board.look()
    assert card.picture == said.id
    assert board.look() == []
