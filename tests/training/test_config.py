from pathlib import Path

import pytest

from inspector.settings import read_settings
from training.config import TrainingConfig

EXAMPLES = Path(__file__).parents[2] / "configs" / "training"


@pytest.mark.parametrize("name", ["cells", "accurate"])
def test_every_example_is_a_configuration(name):
    config = read_settings(EXAMPLES / f"{name}.yaml", TrainingConfig)

    assert config.name in config.output.name
    assert config.output.resolve().parent == EXAMPLES.parents[1] / "build"


def test_no_example_is_forgotten():
    assert {path.stem for path in EXAMPLES.glob("*.yaml")} == {"cells", "accurate"}


def test_the_tiles_that_the_accurate_example_offers_fit_it(tmp_path):
    text = (EXAMPLES / "accurate.yaml").read_text()
    assert "  # tiles: " in text
    (tmp_path / "tiled.yaml").write_text(text.replace("  # tiles: ", "  tiles: "))

    network = read_settings(tmp_path / "tiled.yaml", TrainingConfig).network

    assert network.tiles_per_picture == 6
    assert "cover, {} x {}".format(*network.picture_size) in text
