from threading import Thread

import pytest

from inspector.desk import REMEMBERED, Decision, Desk
from inspector.inspection import Outcome, Reason
from inspector.plc import Trigger
from tests.broker import wait_until
from tests.entries import entry


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def open_desk(clock, **options):
    desk = Desk(**{"queue_size": 2, "clock": clock, **options})
    desk.open(Reason.NOT_READY)
    return desk


@pytest.fixture
def desk(clock):
    return open_desk(clock)


def a_trigger(name="t1", part_id="lid", *, deadline_s=101.0, recipe=None):
    return Trigger(name, part_id, received_s=100.0, deadline_s=deadline_s, recipe=recipe)


def an_answer(trigger, outcome=Outcome.PASS, reason=None):
    return entry(
        id=f"answer to {trigger.id}", trigger_id=trigger.id, part_id=trigger.part_id, outcome=outcome, reason=reason
    )


def test_it_is_not_ready_until_it_is_opened(clock):
    desk = Desk(queue_size=1, clock=clock)

    assert not desk.ready
    assert desk.offer(a_trigger()).reason is Reason.NOT_READY


def test_triggers_are_taken_in_their_order(desk):
    first, second = a_trigger("t1"), a_trigger("t2")
    assert [desk.offer(each).decision for each in (first, second)] == [Decision.TAKEN, Decision.TAKEN]

    assert (desk.take(0), desk.take(0), desk.take(0)) == (first, second, None)


def test_one_who_waits_for_a_trigger_gets_it(desk):
    got = []
    waiting = Thread(target=lambda: got.append(desk.take(20)))
    waiting.start()
    desk.offer(a_trigger())
    waiting.join(20)

    assert got == [a_trigger()]


def test_the_right_to_answer_is_given_once(desk):
    trigger = a_trigger()
    desk.offer(trigger)

    assert [desk.claim(trigger), desk.claim(trigger)] == [True, False]
    assert not desk.is_open(trigger)


def test_after_the_deadline_only_the_clock_may_answer(desk, clock):
    trigger = a_trigger()
    desk.offer(trigger)
    clock.now_s = trigger.deadline_s

    assert not desk.claim(trigger)
    assert desk.claim_overdue() == [(trigger, Reason.DEADLINE)]
    assert desk.claim_overdue() == []


def test_an_overdue_trigger_is_not_taken_any_more(desk, clock):
    late, next_one = a_trigger("t1"), a_trigger("t2", deadline_s=200.0)
    desk.offer(late)
    desk.offer(next_one)
    clock.now_s = 150.0
    desk.claim_overdue()

    assert desk.take(0) == next_one


def test_the_reason_at_the_deadline_is_what_was_waited_for(desk, clock):
    trigger = a_trigger()
    desk.offer(trigger)
    desk.expect(trigger, Reason.STALE_FRAME)
    clock.now_s = 102.0

    assert desk.claim_overdue() == [(trigger, Reason.STALE_FRAME)]


def test_a_full_queue_is_an_overrun_and_the_one_in_work_does_not_count(desk):
    desk.offer(a_trigger("in work"))
    desk.take(0)
    offers = [desk.offer(a_trigger(name)) for name in ("t1", "t2", "t3")]

    assert [each.decision for each in offers] == [Decision.TAKEN, Decision.TAKEN, Decision.REFUSED]
    assert offers[2].reason is Reason.OVERRUN


def test_shutting_hands_back_what_waited_and_leaves_what_is_in_work(desk):
    in_work, waiting = a_trigger("t1"), a_trigger("t2")
    desk.offer(in_work)
    desk.take(0)
    desk.offer(waiting)

    assert desk.shut(Reason.CAMERA_LOST) == [waiting]
    assert desk.offer(a_trigger("t3")).reason is Reason.CAMERA_LOST
    assert desk.claim(in_work)
    assert not desk.claim(waiting)


def test_the_latest_of_several_reasons_is_given_until_all_are_gone(desk):
    desk.shut(Reason.CAMERA_LOST)
    desk.shut(Reason.PAUSED)
    assert desk.offer(a_trigger("t1")).reason is Reason.PAUSED
    desk.open(Reason.PAUSED)
    assert desk.offer(a_trigger("t2")).reason is Reason.CAMERA_LOST
    desk.open(Reason.CAMERA_LOST)

    assert desk.ready
    assert desk.offer(a_trigger("t3")).decision is Decision.TAKEN


def test_a_known_trigger_is_answered_as_before_or_still_awaited(desk):
    trigger = a_trigger()
    desk.offer(trigger)
    assert desk.offer(a_trigger()).decision is Decision.KNOWN
    desk.claim(trigger)
    desk.answered(trigger, an_answer(trigger))
    again = desk.offer(a_trigger())

    assert (again.decision, again.answer) == (Decision.REPEATED, an_answer(trigger))


@pytest.mark.parametrize("other", [a_trigger(part_id="another"), a_trigger(recipe="another")])
def test_one_id_for_two_triggers_is_forged_and_keeps_the_first_ones_answer(clock, other):
    desk = open_desk(clock, recipes=["another"])
    trigger = a_trigger()
    desk.offer(trigger)
    desk.claim(trigger)
    desk.answered(trigger, an_answer(trigger))
    forged = desk.offer(other)
    desk.answered(other, an_answer(other, Outcome.ERROR, "duplicate_trigger"))

    assert (forged.decision, forged.reason) == (Decision.FORGED, Reason.DUPLICATE_TRIGGER)
    assert desk.offer(a_trigger()).answer.outcome is Outcome.PASS


def test_an_unknown_recipe_is_refused_whatever_else(clock):
    desk = Desk(queue_size=1, clock=clock)

    assert desk.offer(a_trigger(recipe="none")).reason is Reason.UNKNOWN_RECIPE


def test_a_refusal_from_outside_counts_for_new_triggers_only(desk):
    trigger = a_trigger()
    desk.offer(trigger)

    assert desk.offer(a_trigger(), refuse=Reason.BAD_TRIGGER).decision is Decision.KNOWN
    assert desk.offer(a_trigger("t2"), refuse=Reason.BAD_TRIGGER).reason is Reason.BAD_TRIGGER


def test_what_the_record_knows_from_an_earlier_life_is_answered_as_then(clock):
    old = an_answer(a_trigger("old"))
    desk = open_desk(clock, look_up={"old": old}.get)

    assert desk.offer(a_trigger("old")).answer == old
    assert desk.offer(a_trigger("old", part_id="another")).decision is Decision.FORGED
    assert desk.offer(a_trigger("new")).decision is Decision.TAKEN


def test_only_so_many_answers_are_kept_in_memory_and_none_that_is_owed(clock):
    looked_up = []
    desk = open_desk(clock, look_up=looked_up.append)
    owed = a_trigger("owed")
    desk.offer(owed)
    for number in range(REMEMBERED + 5):
        each = a_trigger(str(number))
        desk.offer(each)
        desk.claim(each)
    looked_up.clear()
    desk.offer(a_trigger("0"))
    desk.offer(owed)

    assert looked_up == ["0"]
    assert desk.claim(owed)


def test_waiting_for_a_deadline_ends_with_it_though_it_comes_while_waiting():
    desk = Desk(queue_size=1)
    desk.open(Reason.NOT_READY)
    done = []
    waiting = Thread(target=lambda: done.append(desk.wait_for_deadline(20)))
    waiting.start()
    desk.offer(Trigger("t1", None, received_s=0.0, deadline_s=0.0))  # of the real clock: long past
    waiting.join(20)

    assert done
    wait_until(desk.claim_overdue, "the overdue trigger")
