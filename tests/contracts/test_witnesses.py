"""Every witness looks on and changes nothing: neither a verdict, nor what the next witness sees."""

from copy import deepcopy
from threading import Event

import numpy as np
import pytest

from inspector.alarms import Alarms
from inspector.archive import ArchiveSettings
from inspector.bundle import read_bundle
from inspector.drift import Drift, DriftSettings
from inspector.inspection import Evidence, Frame, utc_now
from tests.entries import entry
from tests.fakes import RememberingSink, ScriptedCamera
from tests.inspector.test_station import a_station
from tests.parts import good_parts, scratched_parts

STATION = "press-1"
PICTURES = [*good_parts(80, seed=21), *scratched_parts(5, seed=21), *(255 - good_parts(80, seed=22))]


@pytest.fixture(scope="module")
def bundle(small_bundle):
    return read_bundle(small_bundle)


@pytest.fixture(params=["archive", "drift"])
def witness(request, bundle, tmp_path):
    if request.param == "archive":
        witness = ArchiveSettings(folder=tmp_path / "archive").open(STATION)
    else:
        alarms = Alarms(STATION, tell=lambda _: None, note=lambda *_: None)
        witness = Drift(STATION, DriftSettings(window=60), alarms, lambda: [bundle])
    yield witness
    witness.close()


def verdicts(bundle, *witnesses):
    sink = RememberingSink()
    a_station(lambda: ScriptedCamera(*PICTURES), bundle, sink, witnesses=witnesses).run(Event())
    return [(each.outcome, each.score, each.threshold, each.part_id) for each in sink.inspections]


def test_the_verdicts_are_the_same_with_it_and_without(bundle, witness):
    alone = verdicts(bundle)

    assert {outcome for outcome, *_ in alone} == {"PASS", "FAIL"}
    assert verdicts(bundle, witness) == alone


def test_what_it_is_shown_stays_as_it_was(bundle, witness):
    picture = scratched_parts(1)[0]
    features = bundle.embedder.embed(picture[None])
    shown = Evidence(
        entry(outcome="FAIL", score=1e6, bundle=bundle.digest),
        Frame(picture, 0.0, utc_now(), 0, "camera"),
        picture,
        features,
        lambda: bundle.heat_map(features)[0],
    )
    before = deepcopy((shown.inspection, picture, features.embedding, features.pooled, features.patches))

    witness.see(shown)
    witness.close()

    assert shown.inspection == before[0]
    for now, then in zip((picture, features.embedding, features.pooled, features.patches), before[1:], strict=True):
        assert np.array_equal(now, then)


def test_what_was_never_judged_is_no_trouble(bundle, witness):
    picture = good_parts(1)[0]

    witness.see(
        Evidence(entry(outcome="ERROR", reason="model_error", score=None), Frame(picture, 0.0, utc_now(), 0, "c"))
    )


def test_it_may_be_closed_twice(witness):
    witness.close()
    witness.close()
