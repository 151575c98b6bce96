import pytest
from ulid import ULID

from inspector.inspection import Inspection, Outcome, utc_now
from inspector.records import RecordSettings


@pytest.fixture
def records(tmp_path):
    return RecordSettings(folder=tmp_path / "records")


def an_inspection(outcome=Outcome.PASS, **fields):
    score = {"PASS": 1.0, "FAIL": 3.0, "ERROR": None}[outcome]
    return Inspection.model_validate(
        {
            "id": str(ULID()), "station": "press-1", "sequence": 0, "outcome": outcome, "score": score,
            "threshold": 2.0, "captured_at": utc_now(), "bundle": "b" * 64, "timings_ms": {"total": 12.0}, **fields,
        }
    )  # fmt: skip
