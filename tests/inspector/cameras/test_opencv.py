import socket
import threading
from typing import ClassVar, get_args

import cv2
import numpy as np
import pytest
from prometheus_client import REGISTRY
from pydantic import ValidationError

from inspector.cameras.opencv import CONTROLS, Control, OpenCVSettings, refused
from inspector.errors import CameraError
from inspector.inspection import EndOfFrames
from tests.network_cameras import HttpCamera, RtspCamera, jpeg, next_frame

PASSWORD = "s3cr:t/@?"


def read_until_lost(camera, seen=None):
    for _ in range(200):
        frame = camera.read(timeout_s=0.1)
        if frame is not None and seen is not None:
            seen.append(frame)


class TestStream:
    @pytest.fixture(params=[HttpCamera, RtspCamera])
    def server(self, request):
        with request.param() as server:
            yield server

    @pytest.fixture
    def settings(self, server):
        return OpenCVSettings(source=server.url, read_timeout_s=0.5)

    @pytest.fixture
    def camera(self, settings):
        camera = settings.open("s1")
        yield camera
        camera.close()

    def test_every_frame_is_newer_than_the_one_before(self, camera):
        frames = [next_frame(camera) for _ in range(4)]

        assert [frame.sequence for frame in frames] == [0, 1, 2, 3]
        assert {frame.pixels.shape for frame in frames} == {(48, 64, 3)}
        levels = [round(frame.pixels.mean()) for frame in frames]
        assert levels == sorted(set(levels))

    def test_a_stall_is_a_lost_camera_that_hands_out_nothing_old(self, camera, server):
        next_frame(camera)
        server.hold()

        with pytest.raises(CameraError, match=server.address):
            read_until_lost(camera)
        with pytest.raises(CameraError):
            camera.read(timeout_s=0)

    def test_a_native_call_that_waits_for_nothing_comes_back_by_itself(self, camera, server):
        server.hold()
        (reader,) = (thread for thread in threading.enumerate() if thread.name == "camera of s1")

        reader.join(10)

        assert not reader.is_alive()

    def test_a_cut_is_a_lost_camera_and_opening_it_again_brings_it_back(self, settings, camera, server):
        next_frame(camera)
        server.cut()
        with pytest.raises(CameraError, match="stopped delivering"):
            read_until_lost(camera)

        again = settings.open("s1")

        assert next_frame(again).sequence == 0
        again.close()


def test_what_the_network_held_back_is_not_taken_for_new():
    with RtspCamera() as server:
        camera = OpenCVSettings(source=server.url, max_age_ms=200).open("held")
        next_frame(camera)
        server.hold()
        held_from = len(server.taken_s)
        while len(server.taken_s) < held_from + 60:
            camera.read(timeout_s=0.01)
        server.let_go()

        frame = next_frame(camera)

        number = max(n for n in range(len(server.taken_s)) if n & 0xFF == round(frame.pixels.mean()))
        assert frame.monotonic_s - server.taken_s[number] < 0.7
        assert REGISTRY.get_sample_value("inspector_frames_dropped_total", {"station": "held", "reason": "stale"}) >= 30
        camera.close()


def test_a_size_that_changes_shows_in_the_frames_and_stretches_none():
    with RtspCamera() as server:
        camera = OpenCVSettings(source=server.url).open("s1")
        next_frame(camera)
        server.size = 96, 128

        shapes = [next_frame(camera).pixels.shape]
        while shapes[-1] != (96, 128, 3):
            shapes.append(next_frame(camera).pixels.shape)
        camera.close()

    assert set(shapes[:-1]) <= {(48, 64, 3)}


def test_a_picture_that_was_cut_off_is_not_handed_out():
    with HttpCamera() as server:
        camera = OpenCVSettings(source=server.url).open("s1")
        noise = np.random.default_rng(0).integers(0, 255, (48, 64), np.uint8)
        half = server.packed(jpeg(noise))[:1500]
        frames = []
        server.cut(last_words=half)

        with pytest.raises(CameraError):
            read_until_lost(camera, frames)

        assert all(np.ptp(frame.pixels) == 0 for frame in frames)
        camera.close()


def test_a_server_that_accepts_and_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        source = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(CameraError, match="s1"):
            OpenCVSettings(source=source, open_timeout_s=0.2).open("s1")


class TestLogin:
    @pytest.fixture
    def server(self):
        with HttpCamera(login=f"line@4:{PASSWORD}") as server:
            yield server

    @pytest.fixture
    def password_file(self, tmp_path):
        path = tmp_path / "password"
        path.write_text(PASSWORD + "\n")
        return path

    def test_user_and_password_are_sent(self, server, password_file):
        source = server.url
        camera = OpenCVSettings(source=source, username="line@4", password_file=password_file).open("s1")

        assert next_frame(camera).camera_id == "s1"
        camera.close()

    def test_a_wrong_password_does_not_open(self, server, password_file):
        password_file.write_text("wrong")
        settings = OpenCVSettings(source=server.url, username="line@4", password_file=password_file, open_timeout_s=2)

        with pytest.raises(CameraError, match="user and password"):
            settings.open("s1")

    def test_a_missing_password_file_is_named(self, server, tmp_path):
        settings = OpenCVSettings(source=server.url, username="u", password_file=tmp_path / "nowhere")

        with pytest.raises(CameraError, match=r"s1: .*nowhere \(No such file"):
            settings.open("s1")

    @pytest.mark.parametrize("scheme", ["http", "rtsp", "nonsense"])
    def test_nothing_shows_the_password(self, scheme, password_file, capfd):
        with socket.create_server(("127.0.0.1", 0)) as server:
            nobody = f"127.0.0.1:{server.getsockname()[1]}"
        by_file = OpenCVSettings(source=f"{scheme}://{nobody}/x", username="u", password_file=password_file)
        in_address = OpenCVSettings(source=f"{scheme}://me:s3cr:t/@?@{nobody}/x?key=s3cr")

        for settings in (by_file, in_address):
            with pytest.raises(CameraError, match=nobody) as caught:
                settings.open("s1")
            assert "s3cr" not in str(caught.value)
        assert "s3cr" not in "".join(capfd.readouterr())


class TestDevice:
    @pytest.mark.parametrize("source", [987, "/dev/video987"])
    def test_one_that_is_not_there_is_named(self, source):
        with pytest.raises(CameraError, match="station s1: camera /dev/video987 cannot be opened"):
            OpenCVSettings(source=source).open("s1")

    @pytest.mark.parametrize(
        ("wishes", "refusal"),
        [
            ({"width": 640, "height": 480, "fps": 30}, None),
            ({"width": None, "height": None, "fps": None}, None),
            (
                {"width": 1920, "height": 1080, "fps": None},
                "was asked for width 1920, height 1080 and gives width 640, height 480",
            ),
            ({"width": None, "height": None, "fps": 60}, "was asked for fps 60 and gives fps 29.97"),
            ({"gain": 4, "auto_exposure": 1}, None),
            ({"gain": 9}, "was asked for gain 9 and gives gain 4"),
            (
                {"pixel_format": cv2.VideoWriter.fourcc(*"MJPG")},
                "was asked for pixel_format MJPG and gives pixel_format YUYV",
            ),
        ],
        ids=["granted", "nothing asked", "other size", "other rate", "controls", "other control", "other format"],
    )
    def test_what_it_gives_instead_is_shown(self, wishes, refusal):
        assert refused(StubbornDevice(), wishes) == refusal

    def test_every_control_is_one_of_opencvs(self):
        assert set(get_args(Control)) == CONTROLS.keys()

    def test_the_format_comes_first_and_what_is_automatic_before_what_it_would_change(self):
        device = StubbornDevice()

        refused(device, {"exposure_time_absolute": 50, "fps": 30, "auto_exposure": 1, "pixel_format": 1, "width": 640})

        assert device.asked == [
            cv2.CAP_PROP_FOURCC,
            cv2.CAP_PROP_FRAME_WIDTH,
            cv2.CAP_PROP_FPS,
            cv2.CAP_PROP_AUTO_EXPOSURE,
            cv2.CAP_PROP_EXPOSURE,
        ]


class StubbornDevice:
    """A device that says yes to everything and changes nothing."""

    VALUES: ClassVar = {
        cv2.CAP_PROP_FRAME_WIDTH: 640,
        cv2.CAP_PROP_FRAME_HEIGHT: 480,
        cv2.CAP_PROP_FPS: 29.97,
        cv2.CAP_PROP_GAIN: 4,
        cv2.CAP_PROP_AUTO_EXPOSURE: 1,
        cv2.CAP_PROP_EXPOSURE: 50,
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"YUYV"),
    }

    def __init__(self):
        self.asked = []

    def set(self, prop, value):
        self.asked.append(prop)
        return True

    def get(self, prop):
        return self.VALUES[prop]


class TestFile:
    LEVELS = (20, 90, 160, 230)

    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "clip.avi"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
        for level in self.LEVELS:
            writer.write(np.full((48, 64, 3), (0, 0, level), np.uint8))
        writer.release()
        return path

    def levels(self, camera, count):
        """The red of each frame, as the nearest of those that were written."""
        reds = [next_frame(camera).pixels[..., 0].mean() for _ in range(count)]
        return tuple(min(self.LEVELS, key=lambda level: abs(level - red)) for red in reds)

    def test_once_gives_every_frame_and_ends_for_good(self, path):
        camera = OpenCVSettings(source=str(path)).open("s1")

        assert self.levels(camera, 4) == self.LEVELS
        for _ in range(2):
            with pytest.raises(EndOfFrames):
                camera.read(timeout_s=1)

    def test_loop_starts_again_and_goes_on_counting(self, path):
        camera = OpenCVSettings(source=str(path), mode="loop").open("s1")

        assert self.levels(camera, 6) == self.LEVELS + self.LEVELS[:2]
        assert next_frame(camera).sequence == 6

    def test_a_rate_spreads_the_frames(self, path):
        camera = OpenCVSettings(source=str(path), rate_hz=0.001).open("s1")

        next_frame(camera)
        assert camera.read(timeout_s=0.01) is None

    def test_a_relative_path_is_taken_from_the_folder_of_the_configuration(self, path):
        settings = OpenCVSettings.model_validate({"source": "clip.avi"}, context={"folder": path.parent})

        assert settings.source == str(path)

    @pytest.mark.parametrize("mode", ["once", "loop"])
    def test_a_missing_file_is_named(self, tmp_path, mode):
        with pytest.raises(CameraError, match=r"station s1: video file .*/nowhere\.avi does not exist"):
            OpenCVSettings(source=str(tmp_path / "nowhere.avi"), mode=mode).open("s1")

    def test_what_is_no_video_is_told(self, tmp_path):
        (tmp_path / "text.avi").write_text("text")

        with pytest.raises(CameraError, match="is no video"):
            OpenCVSettings(source=str(tmp_path / "text.avi")).open("s1")

    @pytest.mark.parametrize("mode", ["once", "loop"])
    def test_a_file_without_a_frame_is_a_lost_camera(self, tmp_path, mode):
        path = tmp_path / "empty.avi"
        cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48)).release()
        camera = OpenCVSettings(source=str(path), mode=mode).open("s1")

        with pytest.raises(CameraError, match="holds no frame"):
            camera.read(timeout_s=1)
        camera.close()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": 0, "rate_hz": 5}, "rate_hz: only for a file, and the source is a device"),
        ({"source": "rtsp://cam", "width": 9, "height": 9}, "height, width: only for a device"),
        ({"source": "clip.avi", "username": "u"}, "username: only for a stream, and the source is a file"),
        ({"source": 0, "width": 640}, "width and height are asked for together"),
        ({"source": "clip.avi", "controls": {"gain": 1}}, "controls: only for a device"),
        ({"source": 0, "controls": {"gian": 1}}, "gain"),
        ({"source": 0, "pixel_format": "MJPEG"}, "pattern"),
        ({"source": "rtsp://cam", "password_file": "p"}, "needs a username"),
        ({"source": "rtsp://u:p@cam", "username": "u"}, "holds a user already"),
        ({"source": -1}, "number of a camera from 0"),
        ({"source": ""}, "number of a camera from 0"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        OpenCVSettings.model_validate(settings)
