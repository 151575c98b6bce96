from threading import Event

import pytest

from inspector.cameras.folder import FolderSettings
from inspector.doctor import cameras
from inspector.doctor.cameras import look_at_cameras
from inspector.doctor.findings import Mark
from inspector.doctor.running import Running
from inspector.errors import CameraError
from tests.industrial import basler_settings
from tests.inspector.doctor.subjects import a_subject, the_bad
from tests.parts import good_parts, write_parts


def test_a_camera_gives_a_picture(tmp_path):
    write_parts(tmp_path / "pictures", good_parts(1))

    (finding,) = look_at_cameras(a_subject(tmp_path))

    assert finding.mark is Mark.GOOD
    assert "16 x 16" in finding.says


def test_a_camera_that_is_not_there_is_told(tmp_path):
    assert "pictures" in the_bad(look_at_cameras(a_subject(tmp_path))).says


def test_a_picture_that_cannot_be_judged_is_told(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "part.png").write_bytes(b"no picture")

    assert "cannot be judged" in the_bad(look_at_cameras(a_subject(tmp_path))).says


def test_a_replay_without_a_picture_is_told(tmp_path):
    (tmp_path / "pictures").mkdir()
    camera = {"kind": "folder", "path": "pictures", "mode": "once"}

    assert "no picture at all" in the_bad(look_at_cameras(a_subject(tmp_path, station={"camera": camera}))).says


def test_a_watched_folder_may_be_empty(tmp_path, monkeypatch):
    monkeypatch.setattr(cameras, "FRAME_WITHIN_S", 0.1)
    (tmp_path / "pictures").mkdir()
    camera = {"kind": "folder", "path": "pictures", "mode": "watch"}

    (finding,) = look_at_cameras(a_subject(tmp_path, station={"camera": camera}))

    assert finding.mark is Mark.UNCLEAR


def test_a_camera_that_the_station_triggers_is_triggered(tmp_path):
    camera = basler_settings(trigger={"source": "Software"}).model_dump(exclude_unset=True) | {"kind": "basler"}

    (finding,) = look_at_cameras(a_subject(tmp_path, station={"camera": camera}))

    assert finding.mark is Mark.GOOD


def test_a_camera_that_hangs_does_not_hang_the_doctor(tmp_path, monkeypatch):
    given_up = Event()

    def hang(*_):
        given_up.wait()
        raise CameraError("nobody asks any more")

    monkeypatch.setattr(cameras, "HANGS_AFTER_S", 0.1)
    monkeypatch.setattr(FolderSettings, "open", hang)
    assert "hangs" in the_bad(look_at_cameras(a_subject(tmp_path))).says
    given_up.set()


@pytest.mark.parametrize(("is_up", "mark"), [(True, Mark.GOOD), (False, Mark.BAD)])
def test_what_a_running_line_has_open_is_left_alone(tmp_path, is_up, mark):
    """There is no folder that could be opened."""
    (finding,) = look_at_cameras(a_subject(tmp_path, running=Running({"press-1": is_up})))

    assert finding.mark is mark
