"""The examples that people copy are settings."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from inspector.cameras import CameraSettings
from tests.industrial import aravis_settings, basler_settings, genicam_settings

ROOT = Path(__file__).parents[3]


def in_the_page():
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "inspector" / "CAMERAS.md").read_text(), re.DOTALL)
    return [document["camera"] for block in blocks for document in yaml.safe_load_all(block)]


def in_the_configuration():
    lines = (ROOT / "configs" / "inspector" / "line.yaml").read_text().splitlines()
    return [yaml.safe_load(line.strip(" #"))["camera"] for line in lines if line.strip().startswith("# camera: {")]


@pytest.mark.parametrize("settings", [*in_the_page(), *in_the_configuration()], ids=lambda settings: settings["kind"])
def test_an_example_is_valid(settings):
    needed = {"aravis": lambda: aravis_settings(serial="1"), "genicam": genicam_settings, "basler": basler_settings}
    needed.get(settings["kind"], lambda: None)()

    assert TypeAdapter(CameraSettings).validate_python(settings).kind == settings["kind"]


def test_each_industrial_kind_has_an_example_in_both_places():
    assert {settings["kind"] for settings in in_the_page()} >= {"aravis", "genicam", "basler"}
    assert {settings["kind"] for settings in in_the_configuration()} == {"aravis", "genicam", "basler"}
