import pytest

from inspector.inspection import Outcome, utc_now
from inspector.plc_sim.figures import Figures
from inspector.plc_sim.ledger import GRACE_S, Answer, Breach, Ledger, Why
from inspector.plc_sim.parts import by_name
from tests.inspector.plc_sim.station import an_answer

SENT_S = 100.0
IN_TIME_S, TOO_LATE_S = SENT_S + 0.21, SENT_S + 0.23
"""With a deadline of 200 ms and a margin of 20 ms."""
LONG_AFTER_S = TOO_LATE_S + GRACE_S + 1


@pytest.fixture
def ledger():
    ledger = Ledger(margin_ms=20, is_defect=by_name)
    ledger.set_away(away=False, now_s=SENT_S)
    return ledger


def sent(ledger, trigger_id="t", part_id="part-1"):
    return ledger.send(trigger_id, part_id, 200, at=utc_now(), now_s=SENT_S)


def answered(ledger, outcome=Outcome.PASS, now_s=IN_TIME_S, **changes):
    ledger.answer(Answer(an_answer("t", **{"outcome": outcome, **changes}), now_s))


def test_a_pass_in_time_is_accepted(ledger):
    entry = sent(ledger)
    answered(ledger)

    assert entry.accepted
    assert entry.why(IN_TIME_S) is Why.PASS
    assert entry.breaches(LONG_AFTER_S) == []


@pytest.mark.parametrize(("outcome", "why"), [(Outcome.FAIL, Why.FAIL), (Outcome.ERROR, Why.ERROR)])
def test_whatever_else_is_rejected(ledger, outcome, why):
    entry = sent(ledger)
    answered(ledger, outcome)

    assert not entry.accepted
    assert entry.why(IN_TIME_S) is why


def test_a_late_pass_is_rejected(ledger):
    entry = sent(ledger)
    answered(ledger, now_s=TOO_LATE_S)

    assert not entry.accepted
    assert entry.why(TOO_LATE_S) is Why.LATE


def test_silence_is_rejected_once_the_deadline_is_over(ledger):
    entry = sent(ledger)

    assert entry.why(IN_TIME_S) is None
    assert entry.why(TOO_LATE_S) is Why.SILENCE
    assert not entry.accepted


def test_a_pass_after_another_answer_changes_nothing_and_is_a_breach(ledger):
    entry = sent(ledger)
    answered(ledger, Outcome.FAIL)
    answered(ledger, Outcome.PASS)

    assert not entry.accepted
    assert entry.breaches(LONG_AFTER_S) == [Breach.CONTRADICTION]


def test_the_same_answer_again_is_no_breach(ledger):
    entry = sent(ledger)
    answer = Answer(an_answer("t"), IN_TIME_S)
    ledger.answer(answer)
    ledger.answer(answer)

    assert entry.breaches(LONG_AFTER_S) == []
    assert Figures.of(ledger, LONG_AFTER_S).answered_again == 1


def test_another_inspection_with_the_same_verdict_is_a_breach(ledger):
    entry = sent(ledger)
    answered(ledger)
    answered(ledger, id="01JDZ0000000000000000000BB")

    assert entry.breaches(LONG_AFTER_S) == [Breach.CONTRADICTION]


def test_only_an_accepted_defect_is_a_false_accept(ledger):
    accepted, rejected = sent(ledger, part_id="defect-1"), sent(ledger, "u", "defect-2")
    answered(ledger, part_id="defect-1")
    ledger.answer(Answer(an_answer("u", "defect-2", Outcome.FAIL), IN_TIME_S))

    assert accepted.breaches(LONG_AFTER_S) == [Breach.FALSE_ACCEPT]
    assert rejected.breaches(LONG_AFTER_S) == []


def test_silence_is_a_breach_when_the_grace_is_over_unless_somebody_was_away(ledger):
    missing = sent(ledger)
    assert missing.breaches(TOO_LATE_S) == []
    assert missing.breaches(LONG_AFTER_S) == [Breach.MISSING]

    excused = sent(ledger, "u")
    ledger.set_away(away=True, now_s=IN_TIME_S)
    assert excused.breaches(LONG_AFTER_S) == []
    assert not excused.accepted


def test_going_away_after_the_deadline_excuses_nothing(ledger):
    entry = sent(ledger)
    ledger.set_away(away=True, now_s=TOO_LATE_S)

    assert entry.breaches(LONG_AFTER_S) == [Breach.MISSING]


def test_what_is_sent_while_away_is_excused_until_it_is_back(ledger):
    ledger.set_away(away=True, now_s=SENT_S)
    excused = sent(ledger)
    ledger.set_away(away=False, now_s=SENT_S)

    assert excused.breaches(LONG_AFTER_S) == []
    assert ledger.absences == [(SENT_S, SENT_S)]
    assert sent(ledger, "u").breaches(LONG_AFTER_S) == [Breach.MISSING]


def test_history_is_no_answer(ledger):
    entry = sent(ledger)
    answered(ledger, historical=True)

    assert entry.breaches(LONG_AFTER_S) == [Breach.HISTORICAL]


def test_a_retained_answer_is_a_breach(ledger):
    entry = sent(ledger)
    ledger.answer(Answer(an_answer("t"), IN_TIME_S, retained=True))

    assert entry.breaches(LONG_AFTER_S) == [Breach.RETAINED]


def test_another_part_or_another_correlation_is_a_breach(ledger):
    entry = sent(ledger)
    ledger.answer(Answer(an_answer("t", "part-2"), IN_TIME_S, correlation=b"u"))

    assert entry.breaches(LONG_AFTER_S) == [Breach.WRONG_PART, Breach.WRONG_CORRELATION]


def test_the_refusal_of_a_contested_id_is_no_second_answer(ledger):
    entry = sent(ledger)
    entry.contested = True
    answered(ledger)
    answered(ledger, Outcome.ERROR, reason="duplicate_trigger", part_id="part-2")

    assert len(entry.answers) == 1
    assert entry.accepted


def test_the_refusal_of_an_id_that_is_not_contested_is_a_breach(ledger):
    entry = sent(ledger)
    answered(ledger)
    answered(ledger, Outcome.ERROR, reason="duplicate_trigger")

    assert entry.breaches(LONG_AFTER_S) == [Breach.CONTRADICTION]


def test_answers_to_nobody_are_counted_apart(ledger):
    ledger.answer(Answer(an_answer(None), IN_TIME_S))
    ledger.answer(Answer(an_answer("another"), IN_TIME_S))
    ledger.acknowledge("another", IN_TIME_S)

    assert Figures.of(ledger, IN_TIME_S).strays == {"answer": 2, "acknowledge": 1}


def test_the_figures_add_up(ledger):
    for number, outcome in enumerate([Outcome.PASS, Outcome.PASS, Outcome.FAIL, Outcome.ERROR]):
        sent(ledger, str(number))
        reason = "deadline" if outcome is Outcome.ERROR else None
        answer = an_answer(str(number), outcome=outcome, reason=reason)
        ledger.answer(Answer(answer, SENT_S + 0.01 * (number + 1)))
    sent(ledger, "silent")
    ledger.acknowledge("silent", SENT_S + 0.005)

    open_yet, settled = Figures.of(ledger, IN_TIME_S), Figures.of(ledger, LONG_AFTER_S)

    assert (open_yet.triggers, open_yet.accepted, open_yet.rejected, open_yet.waiting) == (5, 2, 2, 1)
    assert (settled.accepted, settled.rejected, settled.waiting) == (2, 3, 0)
    assert settled.decided_by == {"pass": 2, "fail": 1, "error": 1, "silence": 1}
    assert settled.reasons == {"deadline": 1}
    assert settled.breaches == {"missing": 1}
    assert settled.answer_ms.count == 4
    assert settled.answer_ms.p50 == pytest.approx(25)
    assert settled.answer_ms.max == pytest.approx(40)
    assert settled.acknowledge_ms.p50 == pytest.approx(5)


def test_nothing_has_no_latency(ledger):
    assert Figures.of(ledger, SENT_S).answer_ms is None
