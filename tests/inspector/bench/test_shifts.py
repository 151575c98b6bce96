import time

import pytest

from inspector.bench.shifts import WARM_UP, Amount, Contest, Spell


class Counting:
    """A worker that does nothing but count, and writes down that it had a turn."""

    def __init__(self, name="", turns=None):
        self._name = name
        self._turns = turns if turns is not None else []

    def work(self, shift):
        began_s, count = time.monotonic(), 0
        shift.begin()
        self._turns.append(self._name)
        while shift.goes_on():
            count += 1
        return Spell(count=count, duration_s=time.monotonic() - began_s)


class Failing:
    def work(self, shift):
        raise ZeroDivisionError


def take_turns(contenders, amount, rounds=1):
    with Contest(contenders) as contest:
        return contest.take_turns(amount, rounds, lambda: None)


@pytest.mark.parametrize("workers", [1, 3])
def test_the_workers_of_a_shift_share_its_count(workers):
    rounds = take_turns({"a": [Counting()] * workers}, Amount(count=1200), rounds=2)["a"]

    assert [sum(spell.count for spell in spells) for spells in rounds] == [600, 600]
    assert [len(spells) for spells in rounds] == [workers, workers]


def test_a_time_is_shared_out_over_the_rounds_too():
    ((spell,), (other,)) = take_turns({"a": [Counting()]}, Amount(seconds=0.04), rounds=2)["a"]

    assert spell.count > 0
    assert spell.duration_s >= 0.02
    assert other.duration_s >= 0.02


def test_however_small_the_amount_there_is_work_for_each_worker():
    ((spell,),) = take_turns({"a": [Counting()]}, Amount(seconds=1e-9))["a"]

    assert spell.count == 1


def test_no_contender_always_has_the_same_place():
    turns = []

    take_turns({name: [Counting(name, turns)] for name in "abc"}, Amount(count=3), rounds=3)

    assert "".join(turns) == "abcbcacab"


def test_progress_is_told_after_each_shift():
    told = []

    with Contest({"a": [Counting()], "b": [Counting()]}) as contest:
        contest.take_turns(Amount(count=5), 5, lambda: told.append(1))

    assert len(told) == 10


def test_the_warm_up_lets_everybody_work_and_is_not_told():
    turns = []

    with Contest({"a": [Counting("a", turns)], "b": [Counting("b", turns)]}) as contest:
        contest.warm_up()

    assert turns == ["a", "b"]
    assert WARM_UP > 0


@pytest.mark.parametrize("workers", [(Failing(), Counting()), (Counting(), Failing())])
def test_a_worker_that_fails_ends_the_contest_with_its_error_and_nobody_waits_for_it(workers):
    with pytest.raises(ZeroDivisionError):
        take_turns({"a": workers}, Amount(count=5))


def test_a_spell_without_work_has_no_rate():
    assert Spell().rate == 0
    assert Spell(count=6, duration_s=2.0).rate == 3
