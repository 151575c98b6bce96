import json
import os
import time
from dataclasses import replace
from threading import Event, Thread

import numpy as np
import pytest

from inspector.alarms import Alarms
from inspector.bundle import read_bundle
from inspector.engines import Engine, OnnxRuntime
from inspector.errors import BundleError, ModelError
from inspector.inspection import Evidence, Frame, Outcome, utc_now
from inspector.judge import Judge
from inspector.models import ModelSettings, Rollout, Store, Story
from inspector.models.pointer import CONFIGURED, Pointer, PointerFile
from inspector.plc import CommandMessage
from tests.broker import wait_until
from tests.bundles import altered, with_another_input_size, with_other_golden_scores
from tests.parts import good_parts, scratched_parts

FIRST_ENGINE = Engine(threads=1)
GOOD, SCRATCHED = good_parts(1, seed=7)[0], scratched_parts(1, seed=7)[0]


class Press:
    """A station that judges what it is given, and shows it to its rollout, which works until the end of the block."""

    name = "press-1"

    def __init__(self, folder, bundle, **settings):
        self.configured = bundle
        self.own = self.judge_of(read_bundle(bundle) if bundle else None)
        self.steps, self.notes, self.alarms = [], [], []
        alarms = Alarms(self.name, tell=self.alarms.append, note=lambda *_: None)
        self.story = Story(self, alarms=alarms, tell=self.steps.append, note=lambda *note: self.notes.append(note))
        self.rollout = Rollout(
            self,
            ModelSettings(folder=folder, **settings),
            configured=lambda: self.configured,
            make_judge=self.judge_of,
            first_engine=lambda _: FIRST_ENGINE,
            any_precision=False,
            story=self.story,
        )
        self.store, self.file = Store(folder), PointerFile(folder, self.name)
        self._stop = Event()
        self._thread = Thread(target=self.rollout.run, args=(self._stop,))

    def judge_of(self, bundle):
        return Judge(self.name, bundle, max_latency_ms=60_000)

    def use(self, own):
        self.own = own

    def __enter__(self):
        self.rollout.begin()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def sees(self, pixels, **changes):
        evidence = self.own.inspect(Frame(pixels, time.monotonic(), utc_now(), 0, "camera"))
        said = evidence.inspection.model_copy(update=changes)
        self.rollout.see(Evidence(said, evidence.frame))
        return said

    def deploy(self, bundle, **options):
        digest = self.store.add(bundle)
        message = CommandMessage(id="1", command="deploy", by="anna", bundle=digest, **options)
        return digest, self.rollout.deploy(message)

    def wait_for(self, step):
        wait_until(lambda: self.rollout.last.step == step, f"the step {step}; {self.rollout.last}")
        return self.rollout.last

    @property
    def digest(self):
        return self.own.digest


@pytest.fixture
def empty(tmp_path):
    """A press that has no model yet."""
    with Press(tmp_path / "models", None) as press:
        yield press


@pytest.fixture
def press(tmp_path, small_bundle):
    with Press(tmp_path / "models", small_bundle) as press:
        yield press


def test_a_model_comes_into_its_place_step_by_step(press, other_bundle, small_bundle):
    before = press.digest
    digest, said = press.deploy(other_bundle, shadow=3, probation=2)
    assert "is whole and gives its golden verdicts; compared on 3 parts next" in said
    press.wait_for("shadow")
    assert press.digest == before
    for pixels in (GOOD, SCRATCHED, GOOD):
        press.sees(pixels)
    probation = press.wait_for("probation")
    assert press.digest == digest
    assert "100.0% of 3 parts have the same verdict, scores correlate by 1.000" in probation.message
    for _ in range(2):
        assert press.sees(GOOD).bundle == digest
    last = press.wait_for("settled")

    assert [each.step for each in press.steps] == ["settled", "loading", "shadow", "probation", "settled"]
    assert (last.outcome, last.by, last.bundle, last.candidate) == ("deployed", "anna", digest, digest)
    assert press.file.read() == Pointer(current=digest, previous=CONFIGURED, configured=str(small_bundle))
    assert [kind for kind, _ in press.notes] == ["model", "model", "model", "agreement", "model", "model"]
    assert [note for kind, note in press.notes if kind == "model"] == [
        json.loads(each.model_dump_json()) for each in press.steps
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (with_other_golden_scores, "golden picture"),
        (with_another_input_size, r"the model's input is \(16, 16\), not \(32, 32\)"),
    ],
)
def test_a_bundle_that_does_not_hold_what_it_says_is_refused(press, small_bundle, tmp_path, change, why):
    before = press.own
    with pytest.raises(BundleError, match=why):
        press.deploy(altered(small_bundle, tmp_path / "bad", change))

    last = press.wait_for("settled")
    assert (press.own, last.outcome) == (before, "refused")
    assert press.file.read() == Pointer()


def test_a_bundle_that_was_damaged_in_the_store_is_refused(press, other_bundle):
    digest = press.store.add(other_bundle)
    (press.store.path(digest) / "scorer.npz").write_bytes(b"damaged")
    message = CommandMessage(id="1", command="deploy", by="anna", bundle=digest)

    with pytest.raises(BundleError, match=r"scorer\.npz"):
        press.rollout.deploy(message)


def test_a_model_for_pictures_of_another_size_is_refused(press, other_bundle):
    press.sees(np.repeat(GOOD, 2, axis=0))

    with pytest.raises(ModelError, match="learnt from pictures of 16 x 16, and the camera takes 16 x 32"):
        press.deploy(other_bundle)


def test_a_model_that_disagrees_is_refused_and_who_looks_finds_the_parts(press, other_bundle, monkeypatch):
    press.deploy(other_bundle, shadow=4)
    press.wait_for("shadow")
    turned = [press.sees(GOOD, outcome=Outcome.FAIL).id for _ in range(2)]
    for _ in range(2):
        press.sees(GOOD)
    last = press.wait_for("settled")

    assert last.outcome == "refused"
    assert "50.0% of 4 parts have the same verdict" in last.message
    ((_, agreement),) = [note for note in press.notes if note[0] == "agreement"]
    (kind,) = agreement["disagreements"]
    assert (kind["judged"], kind["candidate"], kind["ids"]) == ("FAIL", "PASS", turned)


def test_less_agreement_is_enough_where_the_command_says_so(press, other_bundle):
    digest, _ = press.deploy(other_bundle, shadow=2, min_agreement=0.0, probation=0)
    press.wait_for("shadow")
    for _ in range(2):
        press.sees(GOOD, outcome=Outcome.FAIL)
    press.wait_for("settled")

    assert press.digest == digest


def test_a_model_that_fails_what_passed_in_the_shadow_is_taken_back_by_itself(press, other_bundle):
    before = press.digest
    digest, _ = press.deploy(other_bundle, shadow=20)
    press.wait_for("shadow")
    for _ in range(20):
        press.sees(GOOD)
        wait_until(lambda: not press.rollout._shadow or not press.rollout._shadow._waiting, "the comparison")
    press.wait_for("probation")
    while not press.rollout._probation.decided.is_set():
        press.sees(GOOD, outcome=Outcome.FAIL)
        if press.rollout._probation is None:
            break
    last = press.wait_for("settled")

    assert (press.digest, last.outcome, last.candidate, last.by) == (before, "rolled_back", digest, None)
    assert "parts failed, where 0 of 20 were expected" in last.message
    wait_until(lambda: press.alarms, "the alarm")
    assert (press.alarms[-1].alarm, press.alarms[-1].state) == ("model_reverted", "active")
    assert press.file.read() == Pointer(current=CONFIGURED, configured=str(press.configured))


def test_without_a_comparison_the_model_is_measured_by_the_one_before(press, other_bundle):
    before = press.digest
    for _ in range(100):
        press.rollout._recent.append(False)
    press.deploy(other_bundle)
    press.wait_for("probation")
    while (watch := press.rollout._probation) and not watch.decided.is_set():
        press.sees(GOOD, outcome=Outcome.FAIL)
    press.wait_for("settled")

    assert press.digest == before


def test_a_roll_back_is_instant_and_leads_no_further(press, other_bundle, monkeypatch):
    before = press.own
    press.deploy(other_bundle, probation=0)
    press.wait_for("settled")
    assert press.own is not before
    # Nothing is read: the one before is still in memory.
    monkeypatch.setattr("inspector.models.rollout.on_trial", None)

    assert press.rollout.rollback("bert") == "the model before judges again"
    assert press.own is before
    assert (press.rollout.last.outcome, press.rollout.last.by) == ("rolled_back", "bert")
    with pytest.raises(ModelError, match="no model to go back to"):
        press.rollout.rollback("bert")
    assert press.own is before


@pytest.mark.parametrize("step", ["shadow", "probation"])
def test_a_model_on_its_way_is_called_off(press, other_bundle, step):
    before = press.digest
    press.deploy(other_bundle, shadow=0 if step == "probation" else 5)
    press.wait_for(step)
    with pytest.raises(ModelError, match="another model is on its way"):
        press.deploy(other_bundle)
    with pytest.raises(ModelError, match="another model is on its way"):
        press.rollout.settled(lambda: "read again")

    assert press.rollout.rollback("bert") == "the model that is on its way is called off"
    press.wait_for("settled")
    assert press.digest == before
    assert press.alarms == []


def test_a_network_that_breaks_on_trial_is_refused_and_nobody_dies(press, other_bundle, monkeypatch, caplog):
    press.deploy(other_bundle, shadow=1)
    press.wait_for("shadow")
    monkeypatch.setattr(press.rollout._shadow._candidate.embedder, "_infer", lambda _: 1 / 0)
    press.sees(GOOD)
    last = press.wait_for("settled")

    assert last.outcome == "refused"
    assert "it fails: ZeroDivisionError" in last.message
    assert "a model on trial failed" in caplog.text


def test_a_comparison_that_is_busy_skips_parts_and_keeps_nobody_waiting(press, other_bundle, monkeypatch):
    go_on = Event()
    infer = OnnxRuntime._infer
    own = press.own.bundle.embedder

    def slow(self, picture):
        if self is not own:
            assert go_on.wait(20)
        return infer(self, picture)

    press.deploy(other_bundle, shadow=5, probation=0)
    press.wait_for("shadow")
    monkeypatch.setattr(OnnxRuntime, "_infer", slow)
    for _ in range(50):
        press.sees(GOOD)
    go_on.set()
    press.wait_for("settled")

    ((_, agreement),) = [note for note in press.notes if note[0] == "agreement"]
    assert agreement["parts"] == 5
    assert agreement["skipped"] >= 45


def test_a_model_is_on_trial_in_one_thread_and_judges_in_as_many_as_the_one_before(press, other_bundle, monkeypatch):
    opened, make = [], OnnxRuntime.__init__

    def remember(self, model, threads, *rest):
        opened.append(threads)
        make(self, model, threads, *rest)

    monkeypatch.setattr(OnnxRuntime, "__init__", remember)
    press.own.bundle = replace(press.own.bundle, engine=replace(press.own.bundle.engine, threads=3))
    press.deploy(other_bundle, probation=0)
    press.wait_for("settled")

    assert opened == [1, 3]


def test_the_next_life_judges_by_what_was_deployed(tmp_path, small_bundle, other_bundle):
    with Press(tmp_path / "models", small_bundle) as press:
        digest, _ = press.deploy(other_bundle, probation=0)
        press.wait_for("settled")

    again = Press(tmp_path / "models", small_bundle)
    again.own = again.judge_of(read_bundle(press.store.path(digest)))  # as ``first_bundle`` has it
    with again:
        assert again.steps[0].message == f"judging by bundle {digest[:12]}"
        assert again.alarms == []
        again.rollout.rollback("bert")
        assert again.own.bundle.path == small_bundle


def test_a_bundle_that_the_configuration_names_later_is_the_later_decision(press, small_bundle, other_bundle):
    press.deploy(other_bundle, probation=0)
    press.wait_for("settled")
    press.configured = other_bundle
    press.rollout.settled(lambda: press.use(press.judge_of(read_bundle(other_bundle))) or "read again")

    assert press.alarms == []
    with pytest.raises(ModelError, match="no model to go back to"):
        press.rollout.rollback("bert")


def test_the_first_model_of_a_station_is_compared_with_nothing_and_judges_by_the_engine_that_was_chosen(
    empty, small_bundle
):
    assert (empty.rollout.last.message, empty.rollout.last.bundle) == ("judging by no model", None)
    assert empty.sees(GOOD).reason == "no_model"
    digest, said = empty.deploy(small_bundle, shadow=3, probation=2)
    assert said.endswith("it judges next")
    empty.wait_for("probation")
    for _ in range(2):
        assert empty.sees(GOOD).bundle == digest
    last = empty.wait_for("settled")

    assert (last.outcome, last.bundle) == ("deployed", digest)
    assert empty.own.bundle.engine == FIRST_ENGINE
    assert empty.file.read() == Pointer(current=digest, previous=CONFIGURED)


def test_the_first_model_is_rolled_back_to_none(empty, small_bundle):
    empty.deploy(small_bundle, probation=0)
    empty.wait_for("settled")

    assert empty.rollout.rollback("bert") == "no model judges: every part is rejected"
    assert (empty.sees(GOOD).reason, empty.rollout.last.bundle) == ("no_model", None)
    assert empty.file.read() == Pointer()


def test_so_it_is_in_the_next_life(tmp_path, empty, small_bundle):
    digest, _ = empty.deploy(small_bundle, probation=0)
    empty.wait_for("settled")
    again = Press(tmp_path / "models", None)
    again.own = again.judge_of(read_bundle(empty.store.path(digest)))

    with again:
        again.rollout.rollback("bert")
        assert again.digest is None


def test_a_first_model_that_cannot_judge_is_taken_back_by_itself(empty, small_bundle):
    empty.deploy(small_bundle)
    empty.wait_for("probation")
    empty.sees(GOOD, outcome=Outcome.ERROR, score=None, reason="model_error")
    last = empty.wait_for("settled")

    assert (last.outcome, empty.digest) == ("rolled_back", None)


def test_a_model_that_was_on_probation_gets_no_second_chance(tmp_path, small_bundle, other_bundle):
    with Press(tmp_path / "models", small_bundle) as press:
        digest, _ = press.deploy(other_bundle)
        press.wait_for("probation")
    assert press.file.read().current == digest

    with Press(tmp_path / "models", small_bundle) as again:
        assert "was on probation when the daemon ended, and is taken back" in again.steps[0].message
        assert [each.alarm for each in again.alarms] == ["model_reverted"]
        assert again.file.read() == Pointer(configured=str(small_bundle))


def test_a_pointer_that_is_damaged_is_said_aloud(tmp_path, small_bundle):
    press = Press(tmp_path / "models", small_bundle)
    press.file.write(Pointer())
    press.file.path.write_text("{")

    with press:
        assert "press-1.json: cannot be read" in press.steps[0].message
        assert [each.alarm for each in press.alarms] == ["model_reverted"]


def test_a_disk_that_does_not_take_the_pointer_keeps_the_old_model(press, other_bundle, monkeypatch):
    before = press.digest
    digest = press.store.add(other_bundle)

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    press.rollout.deploy(CommandMessage(id="1", command="deploy", by="anna", bundle=digest))
    last = press.wait_for("settled")

    assert (press.digest, last.outcome) == (before, "refused")
    assert "No space left on device" in last.message
    assert press.rollout._probation is None


def test_a_disk_that_fails_later_is_said_aloud_and_the_new_model_goes_on(press, other_bundle, monkeypatch):
    digest, _ = press.deploy(other_bundle, probation=1)
    press.wait_for("probation")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    press.sees(GOOD)
    last = press.wait_for("settled")

    assert (press.digest, last.outcome) == (digest, "deployed")
    wait_until(lambda: press.alarms, "the alarm")
    assert "a restart would take bundle" in press.alarms[-1].message


def test_what_judges_already_is_not_deployed_again(press, small_bundle):
    with pytest.raises(ModelError, match="judges already"):
        press.deploy(small_bundle)


def test_who_asks_a_station_that_has_stopped_is_told(press, other_bundle):
    press.__exit__()

    with pytest.raises(ModelError, match="the station is being stopped"):
        press.deploy(other_bundle)
