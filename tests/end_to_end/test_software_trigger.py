"""A trigger of the PLC's makes an industrial camera take its picture, in the camera's own process."""

import cv2
import pytest

from inspector.bundle import read_bundle
from inspector.inspection import Outcome
from tests.industrial import basler_settings
from tests.inspector.test_triggered_station import Place
from tests.parts import SIZE, good_parts


@pytest.fixture
def camera(tmp_path):
    cv2.imwrite(str(tmp_path / "part.png"), good_parts(1)[0])
    settings = basler_settings(
        isolate=True,
        features={
            "PixelFormat": "BGR8Packed",
            "TestImageSelector": "Off",
            "ImageFilename": str(tmp_path / "part.png"),
            "ImageFileMode": "On",
        },
        region={"width": SIZE, "height": SIZE},
        trigger={"source": "Software"},
    )
    camera = settings.open("press-1")
    yield camera
    camera.close()


def test_each_trigger_is_answered_by_a_picture_of_its_own(small_bundle, camera):
    with Place(read_bundle(small_bundle), camera) as place:
        for count in (1, 2, 3):
            trigger = place.send(f"t{count}")
            answer = place.answer(count)

            assert (answer.trigger_id, answer.outcome) == (trigger.id, Outcome.PASS)
