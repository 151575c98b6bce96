import os
import subprocess
from types import SimpleNamespace

import pytest

from inspector.doctor import disks
from inspector.doctor.disks import look_at_disks
from inspector.doctor.findings import Mark
from tests.inspector.doctor.subjects import a_subject, marks, the_bad


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """The state directory that systemd would have made for whoever runs the test."""
    monkeypatch.setattr(disks, "STATE", tmp_path)


def keeping(folder, section="record"):
    return a_subject(folder, **{section: {"folder": "records"}})


@pytest.mark.parametrize("section", ["record", "archive"])
def test_a_folder_with_room_that_can_be_made_or_is_ours_is_good(tmp_path, section):
    for _ in range(2):
        findings = marks(look_at_disks(keeping(tmp_path, section)))
        assert set(findings.values()) == {Mark.GOOD}
        assert set(findings) == {f"{section}: room", f"{section}: {tmp_path / 'records'}"}
        (tmp_path / "records").mkdir(exist_ok=True)


def test_nothing_is_looked_at_where_nothing_is_kept(tmp_path):
    assert not list(look_at_disks(a_subject(tmp_path)))


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(disks.shutil, "disk_usage", lambda _: SimpleNamespace(total=100e9, free=4e9))

    assert "4.0 of 100.0 GB" in the_bad(look_at_disks(keeping(tmp_path))).says


def test_files_that_belong_to_somebody_else_are_told(tmp_path):
    """As after `sudo inspector run`, or a backup that was copied back."""
    if os.geteuid():
        pytest.skip("only root can give files away")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "press-1.sqlite").touch()
    for path in (tmp_path, tmp_path / "records"):
        os.chown(path, 4711, 4711)

    told = the_bad(look_at_disks(keeping(tmp_path)))

    assert "press-1.sqlite" in told.says
    subprocess.run(told.advice.split(), check=True)
    assert set(marks(look_at_disks(keeping(tmp_path))).values()) == {Mark.GOOD}


def test_a_disk_over_the_network_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(disks, "OVER_A_NETWORK", {disks._file_system(tmp_path)})

    assert "over a network" in the_bad(look_at_disks(keeping(tmp_path))).says


def test_the_deepest_mount_is_the_one_that_holds_a_file():
    assert disks._file_system(disks.Path("/proc/self")) == "proc"


def test_a_disk_that_is_mounted_read_only_is_told(tmp_path):
    disk = tmp_path / "records"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("nobody may mount a file system here")
    try:
        assert "read-only" in the_bad(look_at_disks(keeping(tmp_path))).says
    finally:
        subprocess.run(["umount", disk], check=True)
