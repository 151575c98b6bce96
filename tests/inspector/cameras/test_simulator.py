import time
from contextlib import closing
from typing import get_args

import pytest
from prometheus_client import REGISTRY
from pydantic import ValidationError

from inspector.cameras.drill import FAULTS, SILENCES
from inspector.cameras.simulated_defects import TYPES
from inspector.cameras.simulated_line import Line
from inspector.cameras.simulator import DefectType, SimulatorSettings, truth_of
from inspector.checks import CheckSettings, FreshCamera, Freshness
from inspector.errors import CameraError, FrameError
from tests.broker import wait_until
from tests.network_cameras import next_frame

SMALL = {"width": 160, "height": 120}


def settings(**changes):
    return SimulatorSettings(**SMALL | {"rate_hz": 100} | changes)


def test_every_type_can_be_asked_for():
    assert set(get_args(DefectType)) == set(TYPES)


def test_the_identity_tells_the_truth_of_what_is_drawn():
    drawn = Line(120, 160, 3, {"burnt": 0.5}, 0.04)
    with closing(settings(seed=3, defects={"burnt": 0.5}).open("s1")) as camera:
        frames = [next_frame(camera) for _ in range(5)]

    for frame in frames:
        number = int(frame.part_id.partition("-")[0])
        assert truth_of(frame.part_id) == drawn.truth(number)
        assert (frame.pixels == drawn.picture(number)).all()
        assert (frame.exposed, frame.device_frame) == (True, number)


@pytest.mark.parametrize("part_id", ["cell0815", "000001-rust"])
def test_another_cameras_part_has_no_truth(part_id):
    with pytest.raises(ValueError, match=part_id):
        truth_of(part_id)


def test_shares_above_one_are_refused():
    with pytest.raises(ValidationError, match="more than 1 together"):
        settings(defects={"crack": 0.6, "hair": 0.6})


class TestDrill:
    @pytest.fixture
    def word(self, tmp_path):
        return tmp_path / "drill"

    @pytest.fixture
    def camera(self, word, request):
        inner = settings(drill=word, read_timeout_s=0.4).open(request.node.name)
        with closing(FreshCamera(inner, Freshness("s1", CheckSettings()))) as camera:
            next_frame(camera)
            yield camera

    def test_every_word_is_in_the_documentation(self):
        said = SimulatorSettings.model_fields["drill"].description

        assert all(f"``{word}``" in said for word in (*FAULTS, *SILENCES))

    def test_a_camera_that_comes_back_shows_other_parts(self, camera, word):
        shown = next_frame(camera).device_frame

        with closing(settings(drill=word).open("s1")) as again:
            assert next_frame(again).device_frame > shown

    @pytest.mark.parametrize(("said", "reason"), [("repeat", "repeated_frame"), ("lose_packets", "incomplete_frame")])
    def test_frames_that_are_no_good_are_errors_until_the_drill_is_over(self, camera, word, said, reason):
        word.write_text(said)
        with pytest.raises(FrameError) as caught:
            read_on(camera)
        assert caught.value.reason == reason

        word.unlink()
        wait_until(lambda: is_good(camera), "a good frame")

    def test_lost_packets_are_counted(self, camera, word, request):
        word.write_text("lose_packets")
        labels = {"station": request.node.name, "trouble": "packets_lost"}

        wait_until(lambda: REGISTRY.get_sample_value("inspector_camera_troubles_total", labels) >= 14, "the counts")

    @pytest.mark.parametrize("said", ["lose", "freeze", "hang", "late"])
    def test_silence_and_loss_are_a_lost_camera(self, camera, word, said):
        word.write_text(said)

        with pytest.raises(CameraError):
            read_on(camera)

    @pytest.mark.parametrize(
        ("said", "is_so"),
        [
            ("black", lambda pixels: pixels.max() < 16),
            ("white", lambda pixels: pixels.min() > 250),
            ("size", lambda pixels: pixels.shape == (60, 160, 3)),
            ("blur", lambda pixels: abs(pixels[:, 1:].astype(int) - pixels[:, :-1]).max() < 40),
        ],
    )
    def test_pictures_are_spoilt(self, camera, word, said, is_so):
        word.write_text(said)

        wait_until(lambda: is_so(next_frame(camera).pixels), said)


def read_on(camera):
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        camera.read(0.1)


def is_good(camera):
    try:
        return camera.read(0.1) is not None
    except FrameError:
        return False
