"""The faults of cameras in small: some of the table, and a few at random."""

from argparse import Namespace

import pytest

from tests.broker import MOSQUITTO
from tests.faults.cameras import at_random, halls, observe, simulated
from tests.faults.hall import write_biscuit_bundle
from tests.requirements import needs

CHOSEN = {"unplugged": "camera_lost", "lamp out, cap on": "black_frame", "pictures of another size": "wrong_size"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundles") / "biscuits"
    write_biscuit_bundle(path)
    return path


@pytest.fixture(autouse=True)
def _mosquitto():
    needs(MOSQUITTO, "mosquitto (Debian: apt-get install mosquitto)")


def test_a_fault_is_said_with_its_reason_and_no_verdict_given_while_the_neighbour_goes_on(bundle, tmp_path):
    faults, hall = simulated(tmp_path, bundle)
    with hall:
        rows = [observe(hall, fault) for fault in faults if fault.name in CHOSEN]

    assert {row.fault: row.said_as for row in rows} == CHOSEN
    assert all(row.is_good for row in rows), rows


def test_there_are_a_dozen_faults_and_more(bundle, tmp_path):
    with halls(tmp_path, bundle) as made:
        names = [(fault.camera, fault.name) for faults, _ in made for fault in faults]

    assert len(set(names)) == len(names) >= 14


def test_nothing_is_left_of_faults_at_random(bundle, tmp_path):
    figures, is_good = at_random(Namespace(count=6, seed=2), tmp_path, bundle)

    assert is_good, figures
    assert figures["before"]["started"] == figures["after"]["started"]
