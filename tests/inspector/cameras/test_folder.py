import os
import shutil
import time

import cv2
import numpy as np
import pytest
from prometheus_client import REGISTRY

from inspector.cameras.folder import FolderSettings
from inspector.errors import CameraError, FrameError
from inspector.inspection import EndOfFrames, Reason
from tests.network_cameras import next_frame

PNG = cv2.imencode(".png", np.full((6, 8, 3), (10, 20, 30), np.uint8))[1].tobytes()


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    path.mkdir()
    return path


@pytest.fixture
def station(request):
    return request.node.name


@pytest.fixture
def open_folder(folder, station):
    return lambda mode, **settings: FolderSettings(path=folder, mode=mode, **settings).open(station)


def put(folder, *names, data=PNG):
    for name in names:
        (folder / name).write_bytes(data)


def set_age(path, age_s):
    changed_s = time.time() - age_s
    os.utime(path, (changed_s, changed_s))


def part_ids(camera, count):
    return [next_frame(camera).part_id for _ in range(count)]


def vanished(station):
    return REGISTRY.get_sample_value("inspector_frames_dropped_total", {"station": station, "reason": "vanished"})


def read_until_error(camera):
    for _ in range(100):
        assert camera.read(timeout_s=0.1) is None


class TestEveryMode:
    @pytest.fixture(params=["once", "loop", "watch"])
    def mode(self, request):
        return request.param

    def test_only_pictures_count(self, folder, open_folder, mode):
        put(folder, "good.PNG", "notes.txt", ".hidden.png", "png")
        (folder / "subfolder.png").mkdir()
        (folder / "circle.png").symlink_to("circle.png")
        (folder / "dangling.png").symlink_to("nowhere.png")

        camera = open_folder(mode)

        assert part_ids(camera, 1) == ["good"]
        if mode == "watch":
            assert camera.read(timeout_s=0.1) is None
        elif mode == "once":
            with pytest.raises(EndOfFrames):
                camera.read(timeout_s=0)
        else:
            assert part_ids(camera, 2) == ["good", "good"]

    def test_a_link_to_a_picture_is_a_picture(self, folder, open_folder, mode, tmp_path):
        put(tmp_path, "real.png")
        (folder / "link.png").symlink_to(tmp_path / "real.png")

        assert part_ids(open_folder(mode), 1) == ["link"]

    @pytest.mark.parametrize("data", [b"", PNG[:-20], b"no picture"], ids=["empty", "truncated", "garbage"])
    def test_a_bad_picture_is_told_once_and_the_next_one_follows(self, folder, open_folder, mode, data):
        put(folder, "2_good.png")
        put(folder, "1_bad.png", data=data)
        set_age(folder / "1_bad.png", 60)
        camera = open_folder(mode, settle_s=0.01)
        frames, errors = [], []

        while not (frames and errors):
            try:
                frames.append(next_frame(camera).part_id)
            except FrameError as error:
                errors.append(error)

        assert frames == ["2_good"]
        assert [(error.part_id, error.reason) for error in errors] == [("1_bad", Reason.UNREADABLE_PICTURE)]
        assert str(folder / "1_bad.png") in str(errors[0])

    def test_a_missing_folder_does_not_open(self, folder, open_folder, station, mode):
        folder.rmdir()

        with pytest.raises(CameraError, match="No such file") as caught:
            open_folder(mode)

        assert station in str(caught.value)
        assert str(folder) in str(caught.value)

    @pytest.mark.parametrize("data", [PNG, b"no picture"], ids=["good", "bad"])
    def test_a_name_that_is_not_utf8_gives_an_id_that_json_can_hold(self, folder, open_folder, mode, data):
        put(folder, os.fsdecode(b"caf\xe9.png"), data=data)
        set_age(folder / os.fsdecode(b"caf\xe9.png"), 60)
        camera = open_folder(mode, settle_s=0.01)

        try:
            part_id = next_frame(camera).part_id
        except FrameError as error:
            part_id = error.part_id

        assert part_id == "caf\\xe9"

    def test_a_file_in_the_folders_place_does_not_open(self, folder, open_folder, mode):
        folder.rmdir()
        folder.write_text("not a folder")

        with pytest.raises(CameraError, match="Not a directory"):
            open_folder(mode)

    def test_a_file_that_vanished_was_never_a_frame(self, folder, open_folder, station, mode):
        put(folder, "1.png", "2.png", "3.png")
        camera = open_folder(mode)
        (folder / "2.png").unlink()

        assert part_ids(camera, 2) == ["1", "3"]
        assert vanished(station) == 1

    def test_a_folder_that_vanished_is_a_lost_camera(self, folder, open_folder, station, mode):
        put(folder, "1.png", "2.png")
        camera = open_folder(mode)
        part_ids(camera, 1)
        shutil.rmtree(folder)

        with pytest.raises(CameraError, match=str(folder)):
            read_until_error(camera)
        assert vanished(station) == 0

    def test_a_rate_spreads_the_frames(self, folder, open_folder, mode):
        put(folder, "1.png", "2.png")
        camera = open_folder(mode, rate_hz=0.001)

        assert part_ids(camera, 1) == ["1"]
        assert camera.read(timeout_s=0.01) is None

    def test_the_frame_is_taken_before_it_is_decoded(self, folder, open_folder, mode, monkeypatch):
        put(folder, "1.png")
        camera = open_folder(mode)
        decoding_began_s = []

        def read_picture(path):
            decoding_began_s.append(time.monotonic())
            return np.zeros((1, 1, 3), np.uint8)

        monkeypatch.setattr("inspector.cameras.folder.read_picture", read_picture)

        assert next_frame(camera).monotonic_s <= decoding_began_s[0]


def test_replay_is_in_natural_order(folder, open_folder):
    put(folder, "part_10.png", "part_2.png", "Part_1.png", "part_02b.png")

    assert part_ids(open_folder("once"), 4) == ["Part_1", "part_2", "part_02b", "part_10"]


def test_once_ends_for_good(folder, open_folder):
    put(folder, "1.png")
    camera = open_folder("once")
    part_ids(camera, 1)
    put(folder, "2.png")

    for _ in range(2):
        with pytest.raises(EndOfFrames):
            camera.read(timeout_s=0.1)


def test_loop_takes_what_the_folder_holds_by_then(folder, open_folder):
    put(folder, "1.png", "2.png")
    camera = open_folder("loop")
    part_ids(camera, 2)
    put(folder, "0.png")
    (folder / "2.png").unlink()

    assert part_ids(camera, 3) == ["0", "1", "0"]


def test_loop_waits_for_an_emptied_folder_to_be_filled(folder, open_folder):
    put(folder, "1.png")
    camera = open_folder("loop")
    part_ids(camera, 1)
    (folder / "1.png").unlink()

    assert camera.read(timeout_s=0.1) is None
    put(folder, "2.png")
    assert part_ids(camera, 2) == ["2", "2"]


def test_watch_takes_each_file_once_the_oldest_first(folder, open_folder):
    put(folder, "b.png", "c.png", "a.png")
    for name, age_s in {"c.png": 30, "a.png": 20, "b.png": 20}.items():
        set_age(folder / name, age_s)
    camera = open_folder("watch")
    assert part_ids(camera, 3) == ["c", "a", "b"]

    put(folder, "0.png")

    assert part_ids(camera, 1) == ["0"]
    assert camera.read(timeout_s=0.1) is None


def test_watch_forgets_a_deleted_file(folder, open_folder):
    put(folder, "part.png")
    camera = open_folder("watch")
    part_ids(camera, 1)
    (folder / "part.png").unlink()
    assert camera.read(timeout_s=0.1) is None

    put(folder, "part.png")

    assert part_ids(camera, 1) == ["part"]


def test_watch_waits_for_a_file_that_is_being_written(folder, open_folder):
    put(folder, "slow.png", data=PNG[:40])
    camera = open_folder("watch", settle_s=60)
    assert camera.read(timeout_s=0.1) is None
    put(folder, "quick.png")
    assert part_ids(camera, 1) == ["quick"]

    put(folder, "slow.png")

    assert part_ids(camera, 1) == ["slow"]
    assert camera.read(timeout_s=0.1) is None


def test_watch_is_not_deceived_by_a_writer_whose_clock_is_wrong(folder, open_folder):
    put(folder, "slow.png", data=PNG[:40])
    set_age(folder / "slow.png", 3600)

    assert open_folder("watch", settle_s=60).read(timeout_s=0.1) is None


def test_watch_gives_up_on_a_file_that_stays_bad(folder, open_folder):
    put(folder, "bad.png", data=b"")
    camera = open_folder("watch", settle_s=0.01)

    with pytest.raises(FrameError):
        read_until_error(camera)
    assert camera.read(timeout_s=0.1) is None


def test_watch_counts_a_file_that_vanishes_while_it_is_waited_for(folder, open_folder, station):
    put(folder, "slow.png", data=PNG[:40])
    camera = open_folder("watch", settle_s=60)
    assert camera.read(timeout_s=0.1) is None

    (folder / "slow.png").unlink()

    assert camera.read(timeout_s=0.2) is None
    assert vanished(station) == 1


def test_watch_looks_less_often_into_a_folder_that_takes_long_to_list(folder, open_folder, monkeypatch):
    camera = open_folder("watch")
    scandir, looks = os.scandir, []

    def slow_scandir(path):
        looks.append(path)
        time.sleep(0.1)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", slow_scandir)

    assert camera.read(timeout_s=0.5) is None
    assert len(looks) == 1
