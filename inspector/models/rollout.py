"""One model after the other at one station, while it judges.

::

                 whole, golden        agrees              no chance in its verdicts
    deploy ──▶ LOADING ─────▶ SHADOW ───────▶ PROBATION ────────────────────────────▶ settled: deployed
                  │              │                │
                  ▼              ▼                ▼ unlike what was expected, or ``rollback``
               settled: refused              settled: rolled_back

The station judges by the old model until PROBATION, and by the new one from there on; it changes between two parts.
"""

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event
from typing import Final, TypeVar

from inspector.bundle import Bundle, read_manifest
from inspector.engines import Engine
from inspector.errors import InspectorError, ModelError
from inspector.inspection import Evidence, Outcome
from inspector.judge import Judge
from inspector.memory import give_back
from inspector.models.agreement import Agreement
from inspector.models.loading import engine_like, in_full, on_trial
from inspector.models.pointer import CONFIGURED, PointerFile, Source
from inspector.models.probation import Expected, Probation
from inspector.models.seat import Place, Seat, short
from inspector.models.settings import ModelSettings
from inspector.models.shadow import Shadow
from inspector.models.store import Store
from inspector.models.story import Story
from inspector.plc import CommandMessage, ModelMessage, ModelOutcome, ModelStep

log = logging.getLogger(__name__)

Made = TypeVar("Made")

LOOK_ROUND_S: Final = 0.2
"""How late a stop is noticed."""

RECENT: Final = 200
"""Verdicts of the old model that say what to expect of a new one which was not compared with it."""


@dataclass(frozen=True, slots=True)
class _Order:
    by: str
    deploy: CommandMessage | None
    """None asks for a roll-back."""
    accepted: Future[str] = field(default_factory=Future)


class Rollout:
    """A witness of its station, and a worker: all of it is done in one thread, one order at a time.

    ``configured`` is the bundle that the configuration names. ``first_engine`` says what runs a bundle at a station
    that has no model yet. ``any_precision``: whether a bundle without an 8-bit network may take the place of one with
    it.
    """

    def __init__(
        self,
        station: Place,
        settings: ModelSettings,
        *,
        configured: Callable[[], Path | None],
        make_judge: Callable[[Bundle | None], Judge],
        first_engine: Callable[[Path], Engine],
        any_precision: bool,
        story: Story,
    ) -> None:
        self.name = f"{station.name}-models"
        self._station = station
        self._settings = settings
        self._store = Store(settings.folder)
        file = PointerFile(settings.folder, station.name)
        self._seat = Seat(station, file, configured=configured, load=self._judge_of)
        self._configured = configured
        self._make_judge = make_judge
        self._first_engine = first_engine
        self._any_precision = any_precision
        self._story = story
        self._orders: SimpleQueue[_Order] = SimpleQueue()
        self._busy = self._over = False
        self._off = Event()
        self._off_by: str | None = None
        self._shadow: Shadow | None = None
        self._probation: Probation | None = None
        self._recent: deque[bool] = deque(maxlen=RECENT)
        self._picture_size: tuple[int, int] | None = None

    @property
    def last(self) -> ModelMessage:
        """The last step that was told."""
        return self._story.last

    def begin(self) -> None:
        """Take up where the last life has ended, and say what judges; aloud where that is not what was deployed."""
        trouble = self._seat.begin()
        said = "; ".join(filter(None, (trouble, f"judging by {short(self._seat.digest)}")))
        if trouble:
            self._story.alarm(said)
        self._story.step(ModelStep.SETTLED, said)

    def see(self, evidence: Evidence) -> None:
        """See ``Witness``."""
        inspection, (height, width, _) = evidence.inspection, evidence.frame.pixels.shape
        self._picture_size = height, width
        if inspection.outcome is not Outcome.ERROR and inspection.bundle == self._seat.digest:
            self._recent.append(inspection.outcome is Outcome.FAIL)
            if shadow := self._shadow:
                shadow.see(evidence)
        if probation := self._probation:
            probation.see(inspection)

    def close(self) -> None:
        """See ``Witness``: what it has to keep is on the disk since it was decided."""

    def deploy(self, message: CommandMessage) -> str:
        """Have a bundle of the store take over. Returns once it is loaded and proved; the rest is told step by step.

        Raises InspectorError or OSError where it is refused before.
        """
        if message.bundle is None:
            raise ModelError("deploy needs a bundle, by its digest or name")
        self._refuse_while_busy()
        return self._ordered(_Order(message.by, message))

    def rollback(self, by: str) -> str:
        """Call off the model that is on its way, or have the one before judge again. Raises InspectorError, OSError."""
        if not self._busy:
            return self._ordered(_Order(by, None))
        self._off_by = by
        self._off.set()
        if probation := self._probation:
            probation.end("called off")
        return "the model that is on its way is called off"

    def settled(self, reload: Callable[[], str]) -> str:
        """What ``reload`` says, which may give the station another judge. Raises ModelError while one is on its way."""
        self._refuse_while_busy()
        said = reload()
        self.begin()
        return said

    def run(self, stop: Event) -> None:
        """Carry orders out until ``stop`` is set."""
        while not stop.is_set():
            with suppress(Empty):
                order = self._orders.get(timeout=LOOK_ROUND_S)
                self._off.clear()
                self._busy = True
                try:
                    self._carry_out(order, stop)
                finally:
                    self._busy = False
                    del order
                    give_back()
        self._over = True
        self._refuse_what_waits()

    def _ordered(self, order: _Order) -> str:
        self._orders.put(order)
        if self._over:
            self._refuse_what_waits()
        return order.accepted.result()

    def _refuse_while_busy(self) -> None:
        if self._busy:
            raise ModelError("another model is on its way; wait until it is settled, or call it off with rollback")

    def _refuse_what_waits(self) -> None:
        with suppress(Empty):
            while True:
                self._orders.get_nowait().accepted.set_exception(ModelError("the station is being stopped"))

    def _carry_out(self, order: _Order, stop: Event) -> None:
        digest = None
        try:
            if order.deploy is None:
                self._take_back(order.by, "as asked for")
                order.accepted.set_result(
                    "the model before judges again" if self._seat.digest else "no model judges: every part is rejected"
                )
            else:
                digest = self._store.find(order.deploy.bundle or "")
                self._roll_out(digest, order, order.deploy, stop)
        except (InspectorError, OSError) as refusal:
            self._story.step(
                ModelStep.SETTLED, f"refused: {refusal}", by=order.by, candidate=digest, outcome=ModelOutcome.REFUSED
            )
            if not order.accepted.done():
                order.accepted.set_exception(refusal)

    def _roll_out(self, digest: str, order: _Order, message: CommandMessage, stop: Event) -> None:
        if digest == self._seat.digest:
            raise ModelError(f"{short(digest)} judges already")
        step = partial(self._story.step, by=order.by, candidate=digest)
        step(ModelStep.LOADING, f"loading {short(digest)}")
        candidate, engine = self._loaded(self._store.path(digest))
        if candidate.digest != digest:
            raise ModelError(f"{candidate.path}: was changed; remove the folder and deploy the bundle again")
        self._refuse_other_pictures(candidate)
        said = f"{short(digest)} is whole and gives its golden verdicts"
        parts = self._parts_to_compare(message)
        order.accepted.set_result(f"{said}; " + (f"compared on {parts} parts next" if parts else "it judges next"))
        expected = Expected(sum(self._recent), len(self._recent))
        if parts:
            step(ModelStep.SHADOW, f"{said}; compared on {parts} parts")
            agreement = self._compared(Shadow(candidate, parts), stop)
            said, expected = self._agreed(agreement, message), Expected(agreement.fails, agreement.parts)
        watched = self._settings.probation if message.probation is None else message.probation
        probation = self._tried(partial(Probation, digest, watched, expected))
        judge = self._make_judge(self._in_full(candidate, engine))
        self._go_on(stop)
        self._seat_on_probation(judge, probation)
        step(ModelStep.PROBATION, f"{said}; it judges from now on, the first {watched} parts are watched")
        self._watch(probation, step, stop)

    def _parts_to_compare(self, message: CommandMessage) -> int:
        """0 where no model judges that the new one could be compared with."""
        if self._seat.digest is None:
            return 0
        return self._settings.shadow if message.shadow is None else message.shadow

    def _loaded(self, path: Path) -> tuple[Bundle, Engine]:
        """The bundle on trial, and the engine that is to run it in full."""
        own = self._station.own.bundle
        if own:
            engine = engine_like(own.engine, read_manifest(path)[0], any_precision=self._any_precision)
        else:
            engine = self._tried(partial(self._first_engine, path))
        return self._tried(partial(on_trial, path, engine)), engine

    def _refuse_other_pictures(self, candidate: Bundle) -> None:
        normals = candidate.manifest.normals
        learnt, taken = normals.picture_size if normals else None, self._picture_size
        if learnt and taken and learnt != taken:
            sizes = f"learnt from pictures of {learnt[1]} x {learnt[0]}, and the camera takes {taken[1]} x {taken[0]}"
            raise ModelError(f"{short(candidate.digest)} has {sizes}")

    def _in_full(self, bundle: Bundle, engine: Engine) -> Bundle:
        """Ready to judge, and proved once more by the engine that will."""
        ready = in_full(bundle, engine)
        self._tried(ready.check_golden)
        return ready

    def _judge_of(self, source: Source) -> Judge:
        path = self._configured() if source == CONFIGURED else self._store.path(source)
        return self._make_judge(self._in_full(*self._loaded(path)) if path else None)

    def _compared(self, shadow: Shadow, stop: Event) -> Agreement:
        self._shadow = shadow
        try:
            agreement = self._tried(partial(shadow.compare, lambda: stop.is_set() or self._off.is_set()))
        finally:
            self._shadow = None
        self._go_on(stop)
        self._story.note("agreement", agreement.model_dump(mode="json"))
        return agreement

    def _agreed(self, agreement: Agreement, message: CommandMessage) -> str:
        asked = self._settings.min_agreement if message.min_agreement is None else message.min_agreement
        if agreement.errors:
            raise ModelError(f"it could not judge {agreement.errors} of {agreement.parts} parts")
        if agreement.equal < asked:
            raise ModelError(f"{agreement}; at least {asked:.1%} are asked for")
        return str(agreement)

    def _tried(self, work: Callable[[], Made]) -> Made:
        """What comes of it. Whatever it dies of speaks against the model: the station lives on."""
        try:
            return work()
        except InspectorError:
            raise
        except Exception as error:
            log.exception("a model on trial failed", extra={"station": self._station.name})
            raise ModelError(f"it fails: {error!r}") from error

    def _go_on(self, stop: Event) -> None:
        if stop.is_set() or self._off.is_set():
            raise ModelError("called off")

    def _seat_on_probation(self, judge: Judge, probation: Probation) -> None:
        self._probation = probation  # before it judges: its first verdict counts
        try:
            self._seat.give_to(judge)
        except ModelError:
            self._probation = None
            raise
        self._recent.clear()

    def _watch(self, probation: Probation, step: Callable[..., None], stop: Event) -> None:
        while not self._off.is_set() and not probation.decided.wait(LOOK_ROUND_S):
            if stop.is_set():
                return  # the next life takes it back
        self._probation = None
        if self._off.is_set():
            self._take_back(self._off_by, "as asked for")
        elif probation.trouble:
            self._take_back(None, probation.trouble)
            self._story.alarm(f"the new model was taken back: {probation.trouble}")
        else:
            trouble = self._seat.confirm()
            step(ModelStep.SETTLED, "it judges, and does as expected", outcome=ModelOutcome.DEPLOYED)
            if trouble:
                self._story.alarm(trouble)

    def _take_back(self, by: str | None, why: str) -> None:
        dropped = self._seat.digest
        trouble = self._seat.take_back()
        self._recent.clear()
        self._story.step(
            ModelStep.SETTLED, f"rolled back: {why}", by=by, candidate=dropped, outcome=ModelOutcome.ROLLED_BACK
        )
        if trouble:
            self._story.alarm(trouble)
