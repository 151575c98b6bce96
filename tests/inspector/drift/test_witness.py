import logging
from dataclasses import replace

import pytest

from inspector import metrics
from inspector.alarms import Alarms
from inspector.bundle import compared, read_bundle
from inspector.drift import Drift, DriftSettings
from inspector.drift.reference import Reference
from inspector.drift.witness import Run
from inspector.inspection import Evidence, Frame, Outcome, utc_now
from inspector.plc import AlarmState
from tests.entries import entry
from tests.inspector.drift.parts import ELSEWHERE, THRESHOLD, some_normals, some_parts
from tests.parts import SIZE, good_parts

WINDOW = 60
SETTINGS = DriftSettings(window=WINDOW)


@pytest.fixture(scope="module")
def bundle(small_bundle):
    return read_bundle(small_bundle)


@pytest.fixture(scope="module")
def normal_parts(bundle):
    """Evidence of parts like those that were held out."""
    return [evidence(bundle, picture) for picture in good_parts(2 * WINDOW, seed=5)]


@pytest.fixture(scope="module")
def bright_parts(bundle):
    """A little brighter, which is far from how bright the normals are."""
    return [evidence(bundle, picture) for picture in good_parts(2 * WINDOW, seed=6) + 4]


def evidence(bundle, picture):
    """Of a part that passed, as all do here whatever the network has learned: rejects are not compared one by one."""
    features = bundle.embedder.embed(picture[None])
    (said,) = bundle.judge(features)
    fields = {"score": said.score, "threshold": said.score, "bundle": bundle.digest}
    frame = Frame(picture, 0.0, utc_now(), 0, "camera")
    return Evidence(entry(outcome=Outcome.PASS, **fields), frame, picture, features)


def judged_by(digest, part):
    return replace(part, inspection=part.inspection.model_copy(update={"bundle": digest}))


class Line:
    """A drift with alarms, and what they tell."""

    def __init__(self, *bundles, name="drifting"):
        self.told = []
        self.alarms = Alarms(name, tell=self.told.append, note=lambda *_: None)
        self.bundles = bundles
        self.drift = Drift(name, SETTINGS, self.alarms, lambda: self.bundles)

    def see(self, parts):
        for part in parts:
            self.drift.see(part)
        return [each.state for each in self.told]

    def acknowledge_and_reset(self):
        self.alarms.acknowledge("drift", "anna")
        self.alarms.reset("drift", "anna")


class TestRun:
    @pytest.fixture
    def reference(self):
        return Reference.of(some_normals(), THRESHOLD, DriftSettings())

    def causes(self, reference, *parts):
        run = Run(reference, 300)
        said = [run.add(part) for each in parts for part in each]
        return {comparison.cause for comparison in said if comparison}

    def test_parts_like_the_normals_never_drift(self, reference):
        assert self.causes(reference, some_parts(3000)) == {None}

    def test_a_wave_of_defects_is_no_drift(self, reference):
        wave = some_parts(140, score=20, way=ELSEWHERE)

        assert self.causes(reference, some_parts(400), wave, some_parts(400)) == {None}

    def test_every_third_part_a_defect_is_no_drift(self, reference):
        good, bad = some_parts(600), some_parts(300, score=20, way=ELSEWHERE)
        mixed = [each for i in range(300) for each in (good[2 * i], good[2 * i + 1], bad[i])]

        assert self.causes(reference, mixed) == {None}

    def test_when_most_parts_fail_it_is_the_parts(self, reference):
        assert self.causes(reference, some_parts(400), some_parts(200, score=20, way=ELSEWHERE)) == {None, "parts"}

    def test_parts_that_all_fail_from_the_first_on_are_compared_too(self, reference):
        assert self.causes(reference, some_parts(300, score=20, way=ELSEWHERE)) == {"parts"}

    def test_a_large_change_is_found_long_before_the_window_is_full_of_it(self, reference):
        run = Run(reference, 300)
        for part in some_parts(300):
            run.add(part)
        said = [run.add(part) for part in some_parts(300, seed=2, brightness=40)]

        found = next(number for number, each in enumerate(said, start=1) if each and each.cause)

        assert found <= 150


def test_normals_raise_nothing_and_show_how_near_they_are(bundle, normal_parts):
    line = Line(bundle, name="calm")

    assert line.see(normal_parts) == []
    for of in ("score", "brightness", "sharpness", "embedding"):
        assert 0 < metrics.DRIFT_TO_LIMIT.labels("calm", of)._value.get() < 1
        assert metrics.DRIFT.labels("calm", of)._value.get() > 0


def test_a_changed_camera_raises_one_alarm_that_says_so(bundle, normal_parts, bright_parts):
    line = Line(bundle)

    assert line.see([*normal_parts, *bright_parts]) == [AlarmState.ACTIVE]
    assert line.told[0].alarm == "drift"
    assert line.told[0].message.startswith("the camera, its lens or its light changed")
    assert "as the last 60 parts show: " in line.told[0].message


def test_once_acknowledged_it_stays_so_while_it_lasts(bundle, bright_parts):
    line = Line(bundle)
    line.see(bright_parts)
    line.alarms.acknowledge("drift", "anna")

    assert line.see(bright_parts) == [AlarmState.ACTIVE, AlarmState.ACKNOWLEDGED]


class TestSecondLook:
    @pytest.fixture
    def low_scores(self, normal_parts):
        """Nothing is unlike the normals but the scores, so that it can only be the parts."""
        return [
            replace(each, inspection=each.inspection.model_copy(update={"score": each.inspection.score / 4}))
            for each in normal_parts[:WINDOW]
        ]

    @pytest.fixture
    def line(self, bundle, low_scores):
        line = Line(bundle)
        line.see(low_scores)
        assert [each.message.split(",")[0] for each in line.told] == ["the parts changed"]
        return line

    def test_a_window_later_the_alarm_says_what_it_looks_like_by_then(self, line, bright_parts):
        assert line.see(bright_parts[: WINDOW - 1]) == [AlarmState.ACTIVE]
        assert line.see(bright_parts[WINDOW - 1 :]) == [AlarmState.ACTIVE] * 2
        assert line.told[1].message.startswith("the camera, its lens or its light changed")

    def test_who_has_acknowledged_it_still_has(self, line, bright_parts):
        line.alarms.acknowledge("drift", "anna")

        assert line.see(bright_parts)[1:] == [AlarmState.ACKNOWLEDGED] * 2
        assert line.told[-1].by == "anna"

    def test_it_stays_with_what_it_said_where_that_still_holds_or_nothing_does(self, line, low_scores, normal_parts):
        line.see([*low_scores, *normal_parts])

        assert len(line.told) == 1


def test_it_can_be_reset_at_any_time_and_then_the_comparison_begins_anew(bundle, normal_parts, bright_parts):
    line = Line(bundle)
    line.see(bright_parts[:WINDOW])
    line.acknowledge_and_reset()

    assert len(line.see(normal_parts)) == 3
    assert len(line.see([*bright_parts, *bright_parts])) == 4


def test_after_a_reset_what_still_is_is_found_again(bundle, bright_parts):
    line = Line(bundle)
    line.see(bright_parts)
    line.acknowledge_and_reset()

    assert len(line.see(bright_parts[: WINDOW - 1])) == 3
    assert line.see(bright_parts[:1])[-1] is AlarmState.ACTIVE


def test_each_bundle_is_compared_with_its_own_normals(bundle, normal_parts, bright_parts):
    shifted = replace(bundle.normals, brightness=bundle.normals.brightness + 70)
    line = Line(bundle, replace(bundle, digest="other", normals=shifted))
    as_other = [judged_by("other", each) for each in normal_parts]

    assert line.see(normal_parts) == []
    assert line.see(as_other) == [AlarmState.ACTIVE]


def test_a_new_bundle_begins_anew_and_an_old_one_is_forgotten(bundle, normal_parts, bright_parts):
    line = Line(bundle)
    line.see(bright_parts[: WINDOW - 1])
    line.bundles = [replace(bundle, digest="newer")]
    as_newer = [judged_by("newer", each) for each in normal_parts]

    assert line.see(as_newer) == []
    line.bundles = [bundle]
    assert line.see(bright_parts[: WINDOW - 1]) == []
    assert line.see(bright_parts[:1]) == [AlarmState.ACTIVE]


def test_a_bundle_without_normals_is_said_to_be_so_and_never_drifts(bundle, bright_parts, caplog):
    line = Line(replace(bundle, normals=None))

    with caplog.at_level(logging.WARNING):
        assert line.see(bright_parts) == []

    (record,) = caplog.records
    assert record.getMessage().startswith(f"{bundle.path} has no held-out normals")


def test_what_has_no_score_is_no_part(bundle, bright_parts):
    unjudged = [
        replace(each, inspection=each.inspection.model_copy(update={"outcome": Outcome.ERROR, "score": None}))
        for each in bright_parts
    ]
    blank = [Evidence(each.inspection, each.frame) for each in bright_parts]

    assert Line(bundle).see([*unjudged, *blank]) == []


def test_the_normals_of_the_bundle_are_what_the_parts_are_measured_like(bundle, normal_parts):
    part = normal_parts[0]

    assert part.picture.shape == (SIZE, SIZE, 3)
    assert compared(part.features)[0].shape == bundle.normals.mean.shape
