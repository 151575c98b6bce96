"""The contract as a state machine, against a model that is too simple to be wrong."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from inspector.desk import Decision, Desk
from inspector.inspection import Outcome, Reason
from inspector.plc import Trigger
from tests.entries import entry

IDS = st.sampled_from(["a", "b", "c", "d", "e"])
PARTS = st.sampled_from([None, "p", "q"])
REASONS = st.sampled_from([Reason.PAUSED, Reason.CAMERA_LOST])
QUEUE = 2


class Contract(RuleBasedStateMachine):
    """Every trigger that is admitted is owed one answer; whoever has the right to answer gives it."""

    taken = Bundle("taken")

    @initialize()
    def begin(self):
        self.now_s = 0.0
        self.record = {}  # trigger id -> every answer it ever got
        self.parts = {}
        self.owed = {}
        self.waiting = []
        self.shut = set()
        self.restart()

    def restart(self):
        self.desk = Desk(
            queue_size=QUEUE, clock=lambda: self.now_s, look_up=lambda name: (self.record.get(name) or [None])[0]
        )
        self.desk.open(Reason.NOT_READY)

    def give(self, trigger, outcome, reason=None):
        """As the station does: record, remember, send."""
        answer = entry(trigger_id=trigger.id, part_id=trigger.part_id, outcome=outcome, reason=reason)
        self.record.setdefault(trigger.id, []).append(answer)
        self.desk.answered(trigger, answer)
        self.owed.pop(trigger.id, None)
        self.waiting = [each for each in self.waiting if each.id != trigger.id]

    @rule(target=taken, name=IDS, part=PARTS, patience_s=st.integers(1, 5))
    def trigger(self, name, part, patience_s):
        trigger = Trigger(name, part, self.now_s, self.now_s + patience_s)
        offer = self.desk.offer(trigger)
        if name in self.parts and self.parts[name] != part:
            assert offer.decision is Decision.FORGED
        elif name in self.record:
            assert offer.decision is Decision.REPEATED
            assert offer.answer == self.record[name][0]
        elif name in self.owed:
            assert offer.decision is Decision.KNOWN
        elif self.shut:
            assert offer.decision is Decision.REFUSED
            assert offer.reason in self.shut
        elif len(self.waiting) >= QUEUE:
            assert (offer.decision, offer.reason) == (Decision.REFUSED, Reason.OVERRUN)
        else:
            assert offer.decision is Decision.TAKEN
            self.owed[name] = trigger
            self.waiting.append(trigger)
            self.parts[name] = part
        if offer.decision is Decision.REFUSED:
            self.parts[name] = part
            self.give(trigger, Outcome.ERROR, offer.reason)
        return trigger

    @rule()
    def take(self):
        trigger = self.desk.take(0)
        assert trigger == (self.waiting.pop(0) if self.waiting else None)

    @rule(trigger=taken)
    def verdict(self, trigger):
        """A verdict comes: for a trigger in work, or a mistaken second one, or far too late."""
        in_time = self.owed.get(trigger.id) is trigger and self.now_s < trigger.deadline_s
        may = self.owed.get(trigger.id) is not None and self.now_s < trigger.deadline_s
        claimed = self.desk.claim(trigger)
        assert claimed == may
        if in_time:
            assert claimed
        if claimed:
            self.give(self.owed[trigger.id], Outcome.PASS)

    @rule(step_s=st.integers(1, 3))
    def time_passes(self, step_s):
        self.now_s += step_s
        overdue = {trigger.id for trigger in self.owed.values() if trigger.deadline_s <= self.now_s}
        claimed = self.desk.claim_overdue()
        assert {trigger.id for trigger, _ in claimed} == overdue
        for trigger, reason in claimed:
            self.give(trigger, Outcome.ERROR, reason)

    @rule(reason=REASONS)
    def close(self, reason):
        self.shut.add(reason)
        handed_back = self.desk.shut(reason)
        assert handed_back == self.waiting
        for trigger in handed_back:
            self.give(trigger, Outcome.ERROR, reason)

    @rule(reason=REASONS)
    def reopen(self, reason):
        self.shut.discard(reason)
        self.desk.open(reason)

    @rule()
    def killed_and_started_again(self):
        """What was owed is never answered; what was recorded is known."""
        for name in self.owed:
            del self.parts[name]
        self.owed, self.waiting, self.shut = {}, [], set()
        self.restart()

    @invariant()
    def no_trigger_has_two_answers(self):
        assert all(len(answers) == 1 for answers in getattr(self, "record", {}).values())

    @invariant()
    def nothing_is_owed_beyond_its_deadline_but_to_the_clock(self):
        for trigger in getattr(self, "owed", {}).values():
            assert self.desk.is_open(trigger)


Contract.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestContract = Contract.TestCase
