"""Fixtures of the training tests."""

import pytest
import torch

from inspector.bundle import read_bundle
from tests.parts import (
    PARTS_WITH_EVIDENCE,
    frozen_network,
    good_parts,
    scratched_parts,
    small_config,
    spotted_parts,
    write_small_bundle,
)
from training.fit import fit_model
from training.learn import UNRECORDED
from training.seen import TrainingSet, see_all, untracked


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """A fitted model in training's own code, and the bundle that was written of it."""
    path = tmp_path_factory.mktemp("exported") / "plates"
    return write_small_bundle(path), read_bundle(path)


@pytest.fixture(scope="session")
def pictures_of_two_types():
    return TrainingSet(
        normal=good_parts(40),
        held_out=good_parts(30, seed=1),
        anomalies={"scratch": scratched_parts(6, seed=2), "spot": spotted_parts(5, seed=3)},
        auxiliary={"bright": 255 - good_parts(10, seed=4)},
    )


@pytest.fixture(scope="session")
def seen_set(pictures_of_two_types):
    """A frozen network, and what its trunk sees in normals, two anomaly types and an auxiliary class."""
    torch.manual_seed(0)
    return see_all(small_config(network=frozen_network(), views=2), pictures_of_two_types, UNRECORDED, untracked)


@pytest.fixture(scope="session")
def of_two_types(pictures_of_two_types):
    """A model of them, of a frozen network, with evidence for both types."""
    config = small_config(network=frozen_network(), scorers=PARTS_WITH_EVIDENCE)
    return fit_model(config, pictures_of_two_types, run_dir=None)
