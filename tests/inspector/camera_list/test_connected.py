"""Cameras that answer: simulated, each by what its vendor ships."""

import json

import pytest
import yaml
from pydantic import TypeAdapter

from inspector.cameras import CameraSettings
from inspector.cli import main
from tests.gige_camera import GigECamera, only_user
from tests.industrial import FIRST_BASLER, aravis_settings, basler_settings, simulated_producer
from tests.network_cameras import next_frame


@pytest.fixture
def listed(capsys):
    aravis_settings(serial="1")
    basler_settings()
    with only_user(), GigECamera():
        assert main(["cameras", "--json", "--cti", str(simulated_producer())]) == 0
        yield {(each["kind"], each["serial"]): each for each in json.loads(capsys.readouterr().out)["cameras"]}


def test_the_snippet_of_each_opens_the_camera_that_it_is_listed_for(listed):
    for which in (("aravis", "TEST01"), ("genicam", "1"), ("basler", FIRST_BASLER)):
        settings = TypeAdapter(CameraSettings).validate_python(yaml.safe_load(listed[which]["snippet"])["camera"])
        camera = settings.open("s1")
        assert next_frame(camera).pixels.any()
        camera.close()
