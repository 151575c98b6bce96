import json

import numpy as np
import pytest

from inspector.drift import DriftSettings
from inspector.errors import EXIT_CONFIG
from tests.parts import frozen_network, good_parts, scratched_parts, small_config, write_parts
from training.benchmark import drift_seen
from training.benchmark.drift_seen import CHANGES, DriftSet, Numbers
from training.benchmark.drift_streams import LONGEST, false_alarms, until_alarm, wave
from training.cli import main
from training.config import DataSettings
from training.normals import summed_up

SETTINGS = DriftSettings(window=60)
THRESHOLD = 3.0
CAMERA = np.linspace(0.5, 1, 12)


def numbers(n, seed, *, score=0.0, way=0.0):
    rng = np.random.default_rng(seed)
    seen = np.column_stack([rng.standard_normal(n) + score, rng.normal(100, 9, n), rng.normal(500, 80, n)])
    return Numbers(seen.astype(np.float32), (rng.standard_normal((n, 12)) + way).astype(np.float32))


@pytest.fixture
def seen():
    held_out = numbers(120, seed=0)
    return DriftSet(
        threshold=THRESHOLD,
        normals=summed_up(tuple(held_out.numbers.T), held_out.vectors, CAMERA[None]),
        held_out=held_out,
        tested=numbers(150, seed=1),
        changed={},
        defects=numbers(40, seed=2, score=9, way=np.where(np.arange(12) % 2, 2, -2)),
    )


def found(seen, parts):
    return until_alarm(seen, parts.parts(THRESHOLD), SETTINGS, streams=6, seed=0).as_json()


def test_normals_raise_no_false_alarm(seen):
    assert false_alarms(seen, SETTINGS, frames=6000, splits=3, seed=0) == 0


def test_where_chance_may_raise_an_alarm_it_is_counted(seen):
    loose = DriftSettings(window=60, psi=1e-6, shift=1e-6, false_alarms=1e6)

    assert false_alarms(seen, loose, frames=6000, splits=3, seed=0) > 0


def test_a_change_is_found_within_the_window_and_named(seen):
    changed = found(seen, numbers(80, seed=4, way=2 * CAMERA))

    assert changed["alarms"] == changed["streams"] == 6
    assert 0 < changed["median"] <= changed["nine_of_ten"] <= SETTINGS.window
    assert changed["says"] == changed["finally_says"] == {"camera": 6}


def test_what_a_change_is_shows_once_the_window_is_full_of_it(seen):
    changed = found(seen, numbers(80, seed=4, score=-4, way=0.4 * CAMERA))

    assert changed["says"] == {"parts": 6}
    assert changed["finally_says"]["camera"] >= 5


def test_what_is_not_found_has_no_median(seen):
    same = found(seen, seen.tested)

    assert (same["alarms"], same["median"], same["nine_of_ten"], same["says"]) == (0, None, None, {})


def test_a_wave_has_defects_among_normals_and_raises_nothing(seen):
    parts = wave(seen, seed=0)

    assert len(parts) == LONGEST
    assert sum(not part.passed for part in parts) / LONGEST == pytest.approx(0.3, abs=0.05)
    assert until_alarm(seen, parts, SETTINGS, streams=2, seed=0).frames == []


class TestCommand:
    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        config = small_config(network=frozen_network(), data=DataSettings(root="unused"), trainer={"max_epochs": 1})
        monkeypatch.setattr(drift_seen, "CONFIG", config)
        monkeypatch.setenv("COLUMNS", "160")
        for name, bright in (("plates", 0), ("rods", 60)):
            write_parts(tmp_path / name / "normal", good_parts(80, seed=bright) + np.uint8(bright))
            write_parts(tmp_path / name / "scratch", scratched_parts(14, seed=bright))
        return tmp_path

    def test_writes_and_prints_what_became_of_each_change(self, folder, capsys):
        where = folder / "out" / "drift.json"
        few = ["--frames", "600", "--streams", "2", "--window", "60"]

        status = main(
            ["benchmark", "drift", "--data", str(folder), "--sets", "plates,rods", "--json", str(where), *few]
        )

        assert status == 0
        sets = json.loads(where.read_text())["sets"]
        assert {name: (own["held_out"], own["tested"]) for name, own in sets.items()} == dict.fromkeys(
            ("plates", "rods"), (12, 32)
        )
        assert set(sets["plates"]["changes"]) == {*CHANGES, "another lot: rods", "30% defects"}
        printed = capsys.readouterr().out
        assert "false alarms in 600 normal frames drawn from 32 pictures; 12 held-out normals" in printed
        assert "another lot: plates" in printed

    def test_one_set_has_no_other_lot(self, folder, capsys):
        assert main(["benchmark", "drift", "--data", str(folder), "--sets", "plates"]) == EXIT_CONFIG
        assert "--sets: name two or more" in capsys.readouterr().err
