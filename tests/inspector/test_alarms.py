import pytest

from inspector import metrics
from inspector.alarms import NAMES, Alarms, Refused
from inspector.inspection import utc_now
from inspector.plc import AlarmMessage, AlarmState


class Board:
    def __init__(self, **options):
        self.told, self.noted = [], []
        self.alarms = Alarms(
            "press-1", tell=self.told.append, note=lambda kind, payload: self.noted.append((kind, payload)), **options
        )

    def states(self, name="camera_lost"):
        return [each.state for each in self.told if each.alarm == name]


@pytest.fixture
def board():
    return Board()


def is_active(name="camera_lost"):
    return metrics.ALARM_ACTIVE.labels("press-1", name)._value.get() == 1


def test_an_alarm_goes_from_active_over_acknowledged_to_reset(board):
    board.alarms.raise_("camera_lost", "unplugged")
    assert is_active()
    board.alarms.relieve("camera_lost")
    board.alarms.acknowledge("camera_lost", "anna")
    assert is_active()
    board.alarms.reset("camera_lost", "bert")

    assert board.states() == ["active", "acknowledged", "reset"]
    assert [each.by for each in board.told] == [None, "anna", "bert"]
    assert [kind for kind, _ in board.noted] == ["alarm"] * 3
    assert not is_active()


def test_it_stays_when_its_condition_is_over(board):
    board.alarms.raise_("camera_lost", "unplugged")
    board.alarms.relieve("camera_lost")

    assert board.states() == ["active"]
    assert is_active()


def test_a_condition_that_goes_on_is_said_once(board):
    for _ in range(3):
        board.alarms.raise_("camera_lost", "unplugged")
    board.alarms.acknowledge(None, "anna")
    board.alarms.raise_("camera_lost", "unplugged")

    assert board.states() == ["active", "acknowledged"]


def test_a_condition_that_comes_back_after_acknowledgement_is_news(board):
    board.alarms.raise_("camera_lost", "unplugged")
    board.alarms.acknowledge("camera_lost", "anna")
    board.alarms.relieve("camera_lost")
    board.alarms.raise_("camera_lost", "unplugged again")

    assert board.states() == ["active", "acknowledged", "active"]
    assert board.told[-1].message == "unplugged again"


def test_one_that_comes_back_unseen_is_not_news_but_holds_again(board):
    board.alarms.raise_("camera_lost", "unplugged")
    board.alarms.relieve("camera_lost")
    board.alarms.raise_("camera_lost", "unplugged")
    board.alarms.acknowledge("camera_lost", "anna")

    with pytest.raises(Refused, match="camera_lost still holds: unplugged"):
        board.alarms.reset("camera_lost", "anna")


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (lambda alarms: alarms.acknowledge("camera_lost", "a"), "camera_lost is not active"),
        (lambda alarms: alarms.reset("camera_lost", "a"), "camera_lost is not raised"),
        (lambda alarms: alarms.acknowledge(None, "a"), "no alarm can be acknowledged"),
        (lambda alarms: alarms.reset("nonsense", "a"), "there is no alarm nonsense"),
    ],
)
def test_what_makes_no_sense_is_refused(board, step, says):
    with pytest.raises(Refused, match=says):
        step(board.alarms)
    assert board.told == []


def test_an_active_alarm_cannot_be_reset_unseen(board):
    board.alarms.raise_("camera_lost", "unplugged")
    board.alarms.relieve("camera_lost")

    with pytest.raises(Refused, match="has to be acknowledged first"):
        board.alarms.reset("camera_lost", "anna")


def test_without_a_name_all_that_can_be_are(board):
    board.alarms.raise_("camera_lost", "unplugged")
    board.alarms.raise_("fail_rate", "many")
    board.alarms.relieve("fail_rate")
    assert board.alarms.acknowledge(None, "anna") == "acknowledged: camera_lost, fail_rate"
    assert board.alarms.reset(None, "anna") == "reset: fail_rate"


def test_chosen_alarms_stop_the_line_until_all_of_them_are_over():
    board = Board(stop_line=("camera_lost", "fail_rate"))
    board.alarms.raise_("consecutive_fails", "three")
    assert board.states("stop_line") == []
    board.alarms.raise_("camera_lost", "unplugged")
    board.alarms.raise_("fail_rate", "many")
    assert board.states("stop_line") == ["active"]
    board.alarms.acknowledge(None, "anna")
    board.alarms.relieve("camera_lost")
    with pytest.raises(Refused, match="stop_line still holds: camera_lost: unplugged"):
        board.alarms.reset("stop_line", "anna")
    board.alarms.relieve("fail_rate")
    board.alarms.reset("stop_line", "anna")

    assert board.states("stop_line") == ["active", "acknowledged", "reset"]


def test_what_it_was_raised_for_can_be_said_better_and_changes_nothing_else():
    board = Board(stop_line=("drift",))
    board.alarms.raise_("drift", "the parts")
    board.alarms.acknowledge("drift", "anna")
    board.alarms.restate("drift", "the camera")

    assert board.states("drift") == ["active", "acknowledged", "acknowledged"]
    *_, drift, stop = board.told
    assert (drift.message, drift.by, drift.since) == ("the camera", "anna", board.told[-3].since)
    assert (stop.alarm, stop.state, stop.message) == ("stop_line", "active", "drift: the camera")
    assert board.noted[-2] == ("alarm", drift.model_dump(mode="json"))


def test_what_was_reset_is_not_said_better(board):
    board.alarms.restate("drift", "never raised")
    board.alarms.raise_("drift", "the parts")
    board.alarms.relieve("drift")
    board.alarms.acknowledge("drift", "anna")
    board.alarms.reset("drift", "anna")
    board.alarms.restate("drift", "the camera")

    assert [each.message for each in board.told if each.alarm == "drift"] == ["the parts"] * 3


def test_a_line_that_was_stopped_for_something_else_still_is(board):
    board = Board(stop_line=("camera_lost", "drift"))
    board.alarms.raise_("camera_lost", "unplugged")
    board.alarms.raise_("drift", "the parts")
    board.alarms.restate("drift", "the camera")

    assert [each.message for each in board.told if each.alarm == "stop_line"] == ["camera_lost: unplugged"]


def test_a_restart_resets_nothing_and_says_everything():
    before = AlarmMessage(
        alarm="camera_lost", state=AlarmState.ACKNOWLEDGED, since=utc_now(), message="unplugged", by="anna"
    )
    board = Board(before={"camera_lost": before})
    board.alarms.announce()

    assert {each.alarm: each.state for each in board.told} == dict.fromkeys(NAMES, "reset") | {
        "camera_lost": "acknowledged"
    }
    assert is_active()
    assert board.alarms.reset("camera_lost", "bert") == "reset: camera_lost"
