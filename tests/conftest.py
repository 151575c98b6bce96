"""Fixtures that many tests share."""

import pytest
from hypothesis import settings

from tests.broker import MOSQUITTO, Broker
from tests.parts import write_small_bundle
from tests.requirements import needs

# How long an example takes says more of what else the machine does than of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory):
    """Path of a real bundle for 32 x 32 plates, trained in a few seconds."""
    path = tmp_path_factory.mktemp("bundles") / "plates"
    write_small_bundle(path)
    return path


@pytest.fixture
def broker(tmp_path):
    """A real mosquitto on a free loopback port, open to everybody."""
    needs(MOSQUITTO, "mosquitto (apt-get install mosquitto)")
    with Broker(tmp_path / "broker") as running:
        yield running
