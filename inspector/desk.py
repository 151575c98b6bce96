"""The contract with the PLC, as one state machine: every trigger gets exactly one answer.

::

                 offer                take                 claim, in time
    trigger ─────────────▶ TAKEN ───────────▶ IN WORK ──────────────────────▶ ANSWERED   PASS, FAIL or ERROR
       │                     │                   │                               ▲
       │                     │ claim_overdue     │ claim_overdue                 │ offer of the same trigger:
       │                     ▼                   ▼                               │ the same answer again
       │                  ANSWERED            ANSWERED ── claim ──▶ late: recorded as ERROR, never an answer
       │                  ERROR deadline      ERROR deadline
       │ offer, refused
       └─────────────▶ ANSWERED   ERROR camera_lost, paused, not_ready, overrun, unknown_recipe or duplicate_trigger

The words of OPC 40100-1 (Machine Vision, state machine of a vision system) and of smart cameras for it: the desk is
*ready* while ``offer`` takes triggers; TAKEN is *acknowledged*, and said; IN WORK is *acquiring* and *executing*; an
answer is *results valid*, and expires with the trigger's deadline. Preoperational, halted and error are the station's
``starting``, ``paused`` and ``camera_lost``.

Nothing here sends, waits for a camera or looks at a picture: who claims a trigger has the right, and the duty, to
answer it. Any thread may call.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum, auto
from threading import Condition
from typing import Final

from inspector.inspection import Inspection, Reason
from inspector.plc import Trigger

REMEMBERED: Final = 10_000
"""Triggers whose answers are known by heart; older ones are looked up in the record."""


class Decision(Enum):
    """What becomes of an offered trigger."""

    TAKEN = auto()
    """It waits for the station; its answer will come."""
    REFUSED = auto()
    """It has to be answered ERROR now, by whoever offered it."""
    REPEATED = auto()
    """It was answered before; that answer has to be sent again."""
    KNOWN = auto()
    """It is already waiting or in work; there is nothing to do."""
    FORGED = auto()
    """Its id belongs to another trigger; ERROR duplicate_trigger, and the other keeps its own answer."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A decision, with why a trigger is refused, or what it was answered."""

    decision: Decision
    reason: Reason | None = None
    answer: Inspection | None = None


@dataclass(slots=True, eq=False)
class _Case:
    """One trigger on its way. ``reason``: why it is ERROR if its deadline comes now."""

    trigger: Trigger
    reason: Reason = Reason.DEADLINE
    claimed: bool = False
    answer: Inspection | None = None


class Desk:
    """Takes the triggers of one station in, and gives out each right to answer once.

    ``queue_size`` triggers may wait besides the one in work. ``recipes`` are the names that a trigger may ask for.
    ``look_up`` finds the answer that a trigger id got before the last restart.
    """

    def __init__(
        self,
        *,
        queue_size: int,
        recipes: Collection[str] = (),
        look_up: Callable[[str], Inspection | None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue_size = queue_size
        self._recipes = frozenset(recipes)
        self._look_up = look_up
        self._clock = clock
        self._changed = Condition()
        self._cases: OrderedDict[str, _Case] = OrderedDict()
        self._waiting: deque[_Case] = deque()
        self._unclaimed: dict[str, _Case] = {}
        self._shut: dict[Reason, None] = {Reason.NOT_READY: None}

    @property
    def ready(self) -> bool:
        """Whether triggers are taken now."""
        return not self._shut

    def open(self, reason: Reason) -> None:
        """``reason`` no longer keeps triggers from being taken."""
        with self._changed:
            self._shut.pop(reason, None)

    def shut(self, reason: Reason) -> list[Trigger]:
        """Refuse triggers for this reason from now on. Returns those that waited, claimed: answer them so."""
        with self._changed:
            self._shut[reason] = None
            waiting = [case for case in list(self._waiting) if self._claim(case)]
        return [case.trigger for case in waiting]

    def offer(self, trigger: Trigger, refuse: Reason | None = None) -> Offer:
        """Take a trigger, or say what has to be done instead. ``refuse``: why it can only be refused, if it is new."""
        with self._changed:
            known = self._cases.get(trigger.id)
            if known:
                return self._again(known, trigger)
        # The record is read without the lock: a disk that stalls must not keep the deadlines of others from being met.
        before = self._look_up(trigger.id)
        with self._changed:
            known = self._cases.get(trigger.id)
            if known:
                return self._again(known, trigger)
            if before:
                return _again_from_record(before, trigger)
            return self._admit(trigger, refuse or self._refusal(trigger))

    def take(self, timeout_s: float) -> Trigger | None:
        """The oldest trigger that waits, or None when none came in time."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting, timeout_s)
            return self._waiting.popleft().trigger if self._waiting else None

    def expect(self, trigger: Trigger, reason: Reason) -> None:
        """Should its deadline come now, this is why."""
        with self._changed:
            case = self._unclaimed.get(trigger.id)
            if case:
                case.reason = reason

    def is_open(self, trigger: Trigger) -> bool:
        """Whether the trigger still waits for its answer."""
        with self._changed:
            return trigger.id in self._unclaimed

    def claim(self, trigger: Trigger) -> bool:
        """The right to answer: True once for each trigger, and not when its deadline has passed."""
        with self._changed:
            case = self._unclaimed.get(trigger.id)
            return case is not None and self._clock() < trigger.deadline_s and self._claim(case)

    def claim_overdue(self) -> list[tuple[Trigger, Reason]]:
        """Every trigger whose deadline has passed without an answer, claimed, with the reason to answer it with."""
        with self._changed:
            now_s = self._clock()
            overdue = [case for case in self._unclaimed.values() if case.trigger.deadline_s <= now_s]
            return [(case.trigger, case.reason) for case in overdue if self._claim(case)]

    def answered(self, trigger: Trigger, answer: Inspection) -> None:
        """Remember what a claimed trigger was answered."""
        with self._changed:
            case = self._cases.get(trigger.id)
            if case and case.trigger is trigger:
                case.answer = answer

    def wait_for_deadline(self, timeout_s: float) -> None:
        """Return when the next deadline is here, or after ``timeout_s``."""
        ends_s = self._clock() + timeout_s
        with self._changed:
            while (now_s := self._clock()) < (until_s := min([ends_s, *self._deadlines()])):
                self._changed.wait(until_s - now_s)

    def _deadlines(self) -> list[float]:
        return [case.trigger.deadline_s for case in self._unclaimed.values()]

    def _again(self, case: _Case, trigger: Trigger) -> Offer:
        if (case.trigger.part_id, case.trigger.recipe) != (trigger.part_id, trigger.recipe):
            return Offer(Decision.FORGED, Reason.DUPLICATE_TRIGGER)
        return Offer(Decision.REPEATED, answer=case.answer) if case.answer else Offer(Decision.KNOWN)

    def _admit(self, trigger: Trigger, reason: Reason | None) -> Offer:
        case = _Case(trigger)
        self._cases[trigger.id] = case
        self._forget_oldest()
        if reason:
            case.claimed = True
            return Offer(Decision.REFUSED, reason)
        self._unclaimed[trigger.id] = case
        self._waiting.append(case)
        self._changed.notify_all()
        return Offer(Decision.TAKEN)

    def _refusal(self, trigger: Trigger) -> Reason | None:
        if trigger.recipe is not None and trigger.recipe not in self._recipes:
            return Reason.UNKNOWN_RECIPE
        if self._shut:
            return next(reversed(self._shut))
        return Reason.OVERRUN if len(self._waiting) >= self._queue_size else None

    def _forget_oldest(self) -> None:
        """Those that wait for their answer are never forgotten."""
        spare = len(self._cases) - REMEMBERED
        for trigger_id in [each for each, case in self._cases.items() if case.claimed][: max(spare, 0)]:
            del self._cases[trigger_id]

    def _claim(self, case: _Case) -> bool:
        if case.claimed:
            return False
        case.claimed = True
        del self._unclaimed[case.trigger.id]
        if case in self._waiting:
            self._waiting.remove(case)
        return True


def _again_from_record(answer: Inspection, trigger: Trigger) -> Offer:
    """As far as the record can tell: it holds the part's identity."""
    if answer.part_id != trigger.part_id:
        return Offer(Decision.FORGED, Reason.DUPLICATE_TRIGGER)
    return Offer(Decision.REPEATED, answer=answer)
