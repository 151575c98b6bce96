import json

import cv2
import numpy as np
import pytest
import yaml

from inspector.cli import main
from inspector.pictures import read_picture
from training.config import DataSettings
from training.data import scan

SIMULATOR = {"kind": "simulator", "width": 96, "height": 72, "rate_hz": 500, "defects": {"crack": 0.3, "burnt": 0.2}}


@pytest.fixture
def captured(tmp_path, capsys):
    def captured(camera, *options):
        """Exit status, and what was said."""
        config = {"stations": [{"name": "press-1", "bundle": "not-there-yet", "camera": camera}]}
        (tmp_path / "line.yaml").write_text(yaml.safe_dump(config))
        line = ["capture", str(tmp_path / "line.yaml"), "--station", "press-1", "--to", str(tmp_path / "set")]
        status = main([*line, *options])
        return status, capsys.readouterr()

    return captured


def replay(tmp_path, *levels):
    folder = tmp_path / "replay"
    folder.mkdir()
    for number, level in enumerate(levels):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((40, 50), level, np.uint8))
    return {"kind": "folder", "path": str(folder), "mode": "once"}


def test_a_simulated_camera_makes_a_set_that_training_takes(captured, tmp_path):
    status, said = captured(SIMULATOR, "--label", "truth", "--count", "30", "--json")

    pictures = scan(DataSettings(root=tmp_path / "set"))
    counts = json.loads(said.out)["kept"]
    assert status == 0
    assert sum(counts.values()) == 30
    assert len(pictures.normal) == counts["normal"]
    assert {name: len(files) for name, files in pictures.anomalies.items()} == {
        name: count for name, count in counts.items() if name != "normal"
    }
    assert set(pictures.anomalies) == {"crack", "burnt"}


def test_what_looks_alike_is_left_out_and_what_there_is_is_kept_under_the_label(captured, tmp_path):
    status, said = captured(replay(tmp_path, 50, 51, 120, 119, 50), "--label", "lid.old", "--json")

    assert status == 0
    assert json.loads(said.out)["kept"] == {"lid.old": 2}
    assert json.loads(said.out)["alike"] == 3
    kept = sorted((tmp_path / "set" / "lid.old").iterdir())
    assert [read_picture(path)[0, 0, 0] for path in kept] == [50, 120]
    assert read_picture(tmp_path / "set" / "_preview" / "lid.old.png").size


def test_pictures_that_are_no_good_are_counted_and_left_out(captured, tmp_path):
    camera = replay(tmp_path, 50, 90, 130)
    (tmp_path / "replay" / "1.png").write_bytes(b"")

    status, said = captured(camera, "--label", "normal")

    assert status == 0
    assert "kept: 2 normal; like one that is there: 0; no good: 1" in said.out


def test_a_second_run_of_the_same_names_overwrites_nothing(captured, tmp_path):
    camera = replay(tmp_path, 50)
    captured(camera, "--label", "normal")

    status, said = captured(camera, "--label", "normal", "--min-difference", "0")

    assert status == 78
    assert "0.png is there already" in said.err


def test_between_two_pictures_so_much_time_passes_as_was_asked_for(captured, tmp_path):
    status, said = captured(replay(tmp_path, 50, 90, 130), "--label", "normal", "--every", "1000", "--json")

    assert status == 0
    assert json.loads(said.out)["kept"] == {"normal": 1}


def test_ctrl_c_is_a_good_end(captured, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("inspector.capture.command.Harvest.take", interrupted)

    status, said = captured(replay(tmp_path, 50), "--label", "normal")

    assert status == 0
    assert "kept: none" in said.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--label", "../up"], "--label: '../up' cannot be a folder's name"),
        (["--label", "_hidden"], "cannot be a folder's name"),
        (["--label", "truth"], "only a camera of kind simulator"),
        (["--label", "normal", "--station", "press-9"], "--station: there is no press-9; there are press-1"),
    ],
)
def test_a_mistake_is_told(captured, tmp_path, options, message):
    status, said = captured(replay(tmp_path, 50), *options)

    assert status == 78
    assert message in said.err
    assert not (tmp_path / "set").exists()


def test_a_lost_camera_is_told(captured):
    status, said = captured({"kind": "folder", "path": "/nowhere/at/all"}, "--label", "normal")

    assert status == 69
    assert "station press-1: cannot list the folder /nowhere/at/all" in said.err


def test_a_disk_that_takes_no_more_is_told(captured, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("inspector.capture.collection.write_whole", full)

    status, said = captured(replay(tmp_path, 50), "--label", "normal")

    assert status == 69
    assert "No space left on device" in said.err
