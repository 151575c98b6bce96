"""The fault suite in small: each kind of trouble alone, and all of them over TLS."""

import shutil

import pytest

from tests.broker import MOSQUITTO
from tests.faults.line import CAMERA_FAULTS, FAULTS
from tests.faults.suite import run, table_of
from tests.requirements import needs

DEADLINE_MS = 1000
"""Long enough for the disk of a busy machine, so that there are verdicts and not only deadlines."""


@pytest.fixture(autouse=True)
def _mosquitto():
    needs(MOSQUITTO, "mosquitto (Debian: apt-get install mosquitto)")


@pytest.mark.parametrize("kind", FAULTS)
def test_nothing_is_lost_and_nothing_wrong_is_accepted(small_bundle, tmp_path, kind):
    result = run(tmp_path, small_bundle, count=200, seed=3, rate_hz=40, deadline_ms=DEADLINE_MS, kinds=[kind])

    assert result.broken == {}
    assert result.triggers == 200
    assert result.outages[kind] > 0
    assert result.accepted > 0
    if kind in CAMERA_FAULTS:
        assert result.unanswered_in_down_times == 0
        assert result.reasons.keys() & {"no_frame", "camera_lost"}


def test_with_certificates_and_everything_at_random(small_bundle, tmp_path):
    needs(shutil.which("openssl"), "openssl (Debian: apt-get install openssl)")

    result = run(tmp_path, small_bundle, count=300, seed=5, rate_hz=40, deadline_ms=DEADLINE_MS, tls=True)

    assert result.broken == {}
    assert sum(result.outages.values()) > 0
    assert table_of(result).row_count > 20
