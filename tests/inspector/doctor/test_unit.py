"""In a real systemd: tests/deploy/test_machine.py."""

import shutil
from dataclasses import replace

import pytest

from inspector.doctor import unit
from inspector.doctor.findings import Mark
from inspector.doctor.unit import look_at_unit
from tests.inspector.doctor.subjects import a_subject, marks, the_bad

SHOWN = {"LoadState": "loaded", "UnitFileState": "enabled", "NeedDaemonReload": "no", "MemoryDenyWriteExecute": "yes"}
UNIT = "inspector@line-1.service"


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """What systemd says of the unit of a line that is installed."""
    if not shutil.which("systemctl"):
        pytest.skip("needs systemd")
    said = dict(SHOWN)
    monkeypatch.setattr(unit, "INSTALLED", tmp_path)
    monkeypatch.setattr(unit.Path, "exists", lambda _: True)
    monkeypatch.setattr(unit, "_shown", lambda name: said if name == UNIT else {})
    return said


def test_a_unit_that_is_enabled_is_good(tmp_path, asked):
    assert marks(look_at_unit(a_subject(tmp_path))) == {UNIT: Mark.GOOD}


def test_one_that_is_not_may_be_meant_so(tmp_path, asked):
    asked["UnitFileState"] = "disabled"

    assert marks(look_at_unit(a_subject(tmp_path))) == {UNIT: Mark.UNCLEAR}


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"LoadState": "not-found"}, "does not know"), ({"NeedDaemonReload": "yes"}, "has changed")],
)
def test_what_is_wrong_is_told(tmp_path, asked, changes, says):
    asked.update(changes)

    assert says in the_bad(look_at_unit(a_subject(tmp_path))).says


def test_openvino_needs_its_drop_in(tmp_path, asked):
    subject = a_subject(tmp_path, engine="openvino")
    assert "OpenVINO" in the_bad(look_at_unit(subject)).says

    asked["MemoryDenyWriteExecute"] = "no"
    assert marks(look_at_unit(subject)) == {UNIT: Mark.GOOD}


def test_a_configuration_that_lies_elsewhere_has_no_unit(tmp_path, asked):
    assert not list(look_at_unit(replace(a_subject(tmp_path), line="/srv/line-1.yaml")))
