"""What one row of the benchmark gives, for the tests of what is made of it."""

import pytest

from inspector.bench.measure import Plan, measure
from inspector.bench.replay import DiscardingSink
from inspector.bench.shifts import Amount
from inspector.engines import Engine
from tests.parts import good_parts, scratched_parts

ROUNDS = 3


@pytest.fixture(scope="session")
def plan(small_bundle):
    pictures = [*good_parts(2), *scratched_parts(1)]
    return Plan(small_bundle, pictures, Amount(count=60), ROUNDS, lambda _: DiscardingSink())


@pytest.fixture(scope="session")
def two_stations(plan):
    return measure(plan, Engine(threads=1), 2, lambda: None)


@pytest.fixture(scope="session")
def one_station(plan):
    return measure(plan, Engine(threads=1), 1, lambda: None)
