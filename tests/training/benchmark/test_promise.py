import json
import re

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from tests.parts import PARTS_WITH_EVIDENCE, frozen_network, good_parts, scratched_parts, small_config, spotted_parts
from tests.parts import write_parts as write
from training import tail
from training.benchmark import promise
from training.benchmark.promise_sets import observed, split_of
from training.benchmark.promise_shapes import SHAPES, broken, modelled, of_scores
from training.cli import main
from training.config import DataSettings
from training.promise import Terms, at_least

NORMAL, LOGNORMAL, *_, TIES = SHAPES


class TestShapes:
    @pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
    def test_what_is_said_to_lie_above_a_score_does(self, shape):
        drawn = shape.draw(np.random.default_rng(1), (200_000,))

        for score in np.quantile(drawn, [0.5, 0.95, 0.99]):
            above = int((drawn > score).sum())
            assert binomtest(above, len(drawn), float(shape.rejected(np.array(score)))).pvalue > 1e-4

    def test_real_scores_are_the_whole_truth(self):
        shape = of_scores("plates", np.array([3, 1, 2, 2], np.float32))

        assert shape.rejected(np.array([0.5, 1, 2, 3])).tolist() == [1, 0.75, 0.25, 0]
        assert set(shape.draw(np.random.default_rng(0), (50,))) == {1, 2, 3}

    def test_a_promise_is_broken_as_often_as_its_doubt_and_a_quantile_far_more_often(self):
        row = broken(LOGNORMAL, 59, 0.05, 2000)

        exact = 0.95**59
        assert row["promise"]["low"] < exact < row["promise"]["high"]
        assert row["quantile"]["share"] > 0.4

    def test_shares_carry_the_interval_of_clopper_and_pearson(self):
        row = broken(NORMAL, 59, 0.05, 200)["promise"]

        interval = binomtest(round(200 * row["share"]), 200).proportion_ci(0.95, "exact")
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))

    def test_the_model_is_tried_where_a_promise_needs_more(self, monkeypatch):
        monkeypatch.setattr(tail, "REPLICAS", 19)

        row = modelled(NORMAL, 200, 0.002, 6)

        assert row["fitted"] <= 6
        assert norm.sf(0) > row["tail"]["share"]


class TestSets:
    def test_a_split_shares_out_everything_once(self):
        split = split_of(100, {"scratch": 20, "spot": 9}, seed=3)

        assert (len(split.train), len(split.test)) == (80, 20)
        assert not set(split.train) & set(split.test)
        assert sum(map(len, split.known.values())) == 10
        for name, number in (("scratch", 20), ("spot", 9)):
            both = [*split.known.get(name, []), *split.unseen[name]]
            assert sorted(both) == list(range(number))

    def test_what_is_observed_is_counted_on_what_chose_nothing(self):
        row = {
            "held_out": [float(i) for i in range(60)],
            "tested": [10.0, 59.0, 61.0, 70.0],
            "anomalies": {"scratch": [5.0, 100.0, 200.0]},
        }

        kept, best = observed(row, 0.05), observed(row, 0.01)

        assert (kept["promised"], kept["rejected"], kept["tested"]) == (0.05, 2, 4)
        assert kept["types"]["scratch"] == {"pictures": 3, "caught": 2, "at_least": at_least(2, 3)}
        assert best["promised"] == Terms(0.01).best(60).max_false_reject > 0.01
        assert best["needed"] == 299


def test_the_command_runs_a_set_and_goes_on_where_it_was(tmp_path, monkeypatch, capsys):
    write(tmp_path / "plates" / "normal", good_parts(50))
    write(tmp_path / "plates" / "scratch", scratched_parts(12, seed=1))
    write(tmp_path / "plates" / "spot", spotted_parts(8, seed=2))
    config = small_config(
        network=frozen_network(), scorers=PARTS_WITH_EVIDENCE, data=DataSettings(root="unused", holdout=0.5)
    )
    monkeypatch.setattr(promise, "CONFIG", config)
    monkeypatch.setattr(promise, "MODELLED", (60, 0.01))
    monkeypatch.setattr(tail, "REPLICAS", 19)
    monkeypatch.setenv("COLUMNS", "200")
    asked = ["--data", str(tmp_path), "--seeds", "1", "--calibrations", "20", "--json", str(tmp_path / "out.json")]

    assert main(["benchmark", "promise", *asked]) == 0
    first = capsys.readouterr().out
    monkeypatch.setattr(promise, "scored", None)
    assert main(["benchmark", "promise", *asked]) == 0

    assert capsys.readouterr().out == first
    rows = json.loads((tmp_path / "out.json").read_text())
    assert {row["scores"] for row in rows["simulated"]} == {*(each.name for each in SHAPES), "plates, resampled"}
    assert [row["asked"] for row in rows["sets"]] == [0.01, 0.05]
    assert all(row["held_out"] == 20 for row in rows["sets"])
    assert re.search(r"plates +│ 20 +│ 5 % +│ 14 % ", first)
