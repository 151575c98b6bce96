"""The record against what it ought to be: lists and sets."""

import json
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from inspector.records.verify import verify
from tests.entries import STATION, Clock, entry, open_record

RECEIVERS = ("mqtt", "sparkplug")
KEEP_ROWS = 12
OUTBOX_ROWS = 5
OUTBOX_AGE_S = 100
KEEP_DAYS = 1


class RecordMachine(RuleBasedStateMachine):
    """``rows``: (when, sequence or None) of all that is kept; ``waiting``: sequence to when, by receiver."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.rows, self.numbered, self.answers, self.said = [], 0, {}, 0
        self.waiting = {receiver: {} for receiver in RECEIVERS}
        self.open()

    def open(self):
        self.record = open_record(
            Path(self.folder.name),
            RECEIVERS,
            now=self.clock,
            keep_rows=KEEP_ROWS,
            keep_days=KEEP_DAYS,
            outbox_rows=OUTBOX_ROWS,
            outbox_age_s=OUTBOX_AGE_S,
        )
        self.record._keeper.stop()  # what it does is a rule here

    @rule(trigger=st.sampled_from("abc"))
    def append(self, trigger):
        said = self.record.append(entry(captured_at=self.clock(), trigger_id=trigger))
        assert said.sequence == self.numbered
        self.numbered += 1
        self.rows.append((self.clock(), said))
        for waiting in self.waiting.values():
            waiting[said.sequence] = self.clock()
            if len(waiting) > OUTBOX_ROWS:
                del waiting[min(waiting)]

    @rule()
    def note(self):
        self.record.note("command", {"number": len(self.rows)})
        self.rows.append((self.clock(), None))

    @rule(receiver=st.sampled_from(RECEIVERS), rows=st.lists(st.integers(0, 40)))
    def delivered(self, receiver, rows):
        self.record.delivered(receiver, rows)
        for row in rows:
            self.waiting[receiver].pop(row, None)

    @rule(seconds=st.integers(1, 200))
    def time_passes(self, seconds):
        self.clock.forward(seconds=seconds)

    @rule()
    def a_day_passes(self):
        self.clock.forward(days=1, seconds=1)

    @rule()
    def tend(self):
        self.record.tend()
        recent = [row for row in self.rows if (self.clock() - row[0]).total_seconds() <= KEEP_DAYS * 86_400]
        self.rows = recent[-KEEP_ROWS:]
        kept = {said.sequence for _, said in self.rows if said}
        for receiver, waiting in self.waiting.items():
            in_time = {row for row, since in waiting.items() if (self.clock() - since).total_seconds() <= OUTBOX_AGE_S}
            self.waiting[receiver] = {row: waiting[row] for row in sorted(in_time & kept)}
            assert self.record.waiting(receiver) == len(self.waiting[receiver])

    @precondition(lambda self: self.rows)
    @rule()
    def reopen(self):
        self.record.close()
        self.open()
        # Closing prunes as tending does.
        self.tend()

    @rule(receiver=st.sampled_from(RECEIVERS), after=st.integers(-1, 40), limit=st.integers(1, 10))
    def backlog(self, receiver, after, limit):
        expected = [sequence for sequence in sorted(self.waiting[receiver]) if sequence > after][:limit]
        found = self.record.backlog(receiver, after, limit)
        assert [sequence for sequence, _ in found] == expected
        assert [json.loads(text)["sequence"] for _, text in found] == expected

    @rule(trigger=st.sampled_from("abcd"))
    def answer_to(self, trigger):
        answers = (said for _, said in self.rows if said and said.trigger_id == trigger)
        assert self.record.answer_to(trigger) == ([None, *answers])[-1]

    @invariant()
    def the_chain_holds(self):
        if not hasattr(self, "record"):
            return
        report = verify(Path(self.folder.name, f"{STATION}.sqlite"))
        assert report.broken is None
        assert report.rows == len(self.rows)

    def teardown(self):
        if hasattr(self, "record"):
            self.record.close()
            self.folder.cleanup()


RecordMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestRecord = RecordMachine.TestCase
