import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from inspector.binomial import bounds
from inspector.bundle import CONFIDENCE
from inspector.settings import read_settings
from inspector.ui.learn_page import ENOUGH, HELD_OUT, LEAST
from tests.parts import small_config
from training.config import AnomalyTypeSettings, DataSettings, TrainingConfig
from training.fit import FEWEST
from training.promise import Terms

EXAMPLES = Path(__file__).parents[2] / "configs" / "training"


@pytest.mark.parametrize("name", ["cells", "accurate"])
def test_every_example_is_a_configuration(name):
    config = read_settings(EXAMPLES / f"{name}.yaml", TrainingConfig)

    assert config.name in config.output.name
    assert config.output.resolve().parent == EXAMPLES.parents[1] / "build"


def test_the_first_days_is_what_the_page_reckons_by():
    config = read_settings(EXAMPLES / "first-day.yaml", TrainingConfig)

    assert config.data.root == Path("/var/lib/inspector/learning") / config.name / "labelled"
    assert config.data.holdout == HELD_OUT
    assert math.ceil(FEWEST / (1 - HELD_OUT)) <= LEAST
    enough, fewer = (bounds(0, int(HELD_OUT * good), 1 - CONFIDENCE)[1] for good in (ENOUGH, ENOUGH - 1))
    assert enough <= 0.05 < fewer


def test_no_example_is_forgotten():
    assert {path.stem for path in EXAMPLES.glob("*.yaml")} == {"cells", "accurate", "first-day"}


def test_the_tiles_that_the_accurate_example_offers_fit_it(tmp_path):
    text = (EXAMPLES / "accurate.yaml").read_text()
    assert "  # tiles: " in text
    (tmp_path / "tiled.yaml").write_text(text.replace("  # tiles: ", "  tiles: "))

    network = read_settings(tmp_path / "tiled.yaml", TrainingConfig).network

    assert network.tiles_per_picture == 6
    assert "cover, {} x {}".format(*network.picture_size) in text


PRICED = DataSettings(root="unused", anomalies={"scratch": AnomalyTypeSettings(escape_cost=300), "spot": {}})


def test_the_promise_has_two_shares_where_a_person_looks_at_those_between():
    config = small_config(max_false_reject=0.01, max_review=0.05, confidence=0.9, tail_model=True)

    promised = config.promised([0, 1])

    assert (promised.terms, promised.review) == (Terms(0.01, 0.9), Terms(0.05, 0.9))
    assert (promised.tail, promised.groups) == (True, [0, 1])
    assert small_config().promised(None) is None


def test_only_types_with_a_price_have_a_say():
    costs = small_config(data=PRICED, false_reject_cost=2).costs

    assert costs.false_reject == 2
    assert {name: (each.cost, each.per_million) for name, each in costs.escape.items()} == {"scratch": (300, 1000)}
    assert small_config().costs is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"false_reject_cost": 2}, "go together: give both"),
        ({"data": PRICED}, "go together: give both"),
        ({"max_review": 0.05}, "go with max_false_reject"),
        ({"tail_model": True}, "go with max_false_reject"),
        ({"max_false_reject": 0.05, "max_review": 0.05}, "make it the larger"),
    ],
)
def test_settings_that_do_not_go_together_are_told(changes, why):
    with pytest.raises(ValidationError, match=why):
        small_config(**changes)
