"""Fixtures of the training tests."""

import pytest

from inspector.bundle import read_bundle
from tests.parts import write_small_bundle


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """A fitted model in training's own code, and the bundle that was written of it."""
    path = tmp_path_factory.mktemp("exported") / "plates"
    return write_small_bundle(path), read_bundle(path)
