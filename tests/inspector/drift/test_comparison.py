import numpy as np
import pytest

from inspector.drift.comparison import Comparison, Difference
from inspector.drift.reference import EMBEDDING, NUMBERS, Reference
from inspector.drift.settings import DriftSettings
from inspector.drift.window import Window
from tests.inspector.drift.parts import CAMERA, ELSEWHERE, THRESHOLD, some_normals, some_parts

LIMIT = 0.5


def compared(**changes):
    settings = DriftSettings()
    reference = Reference.of(some_normals(), THRESHOLD, settings)
    window = Window(settings.window, reference)
    return Comparison.of([window.add(part) for part in some_parts(settings.window, **changes)][-1], reference)


def comparison(*over, explained=0.0):
    values = {name: (2 if name in over else 0.5) * LIMIT for name in (*NUMBERS, EMBEDDING)}
    return Comparison(300, tuple(Difference(name, value, LIMIT) for name, value in values.items()), explained)


@pytest.mark.parametrize(
    ("over", "explained", "cause"),
    [
        ((), 0.9, None),
        (("score",), 0.9, "parts"),
        (("brightness",), 0.0, "camera"),
        (("sharpness", "score"), 0.0, "camera"),
        (("embedding",), 0.9, "camera"),
        (("embedding",), 0.1, "parts"),
        (("embedding", "brightness"), 0.1, "parts"),
        (("embedding",), 0.4, "parts"),
        (("embedding", "sharpness"), 0.4, "camera"),
        (("embedding", "brightness", "score"), 0.9, "camera"),
    ],
)
def test_the_cause_is_told_by_where_the_embedding_went_or_else_by_the_picture(over, explained, cause):
    assert comparison(*over, explained=explained).cause == cause


def test_parts_like_the_normals_are_said_to_be_so():
    same = compared()

    assert same.cause is None
    assert str(same) == "nothing changed in the last 300 parts"


def test_the_way_of_the_embedding_is_measured_in_spreads():
    normals = some_normals()
    way = 0.7 * normals.spread

    moved = compared(way=way).differences[-1]

    assert moved.of == EMBEDDING
    assert moved.value == pytest.approx(0.7, abs=0.05)


def test_what_the_camera_does_to_the_embedding_is_known_again_whatever_it_mixes():
    normals = some_normals()

    assert compared(way=(CAMERA[0] - 2 * CAMERA[1]) * normals.spread).explained > 0.95
    assert compared(way=ELSEWHERE * normals.spread).explained < 0.2


def test_without_any_known_change_of_the_camera_nothing_is_explained():
    reference = Reference.of(some_normals(camera=np.zeros((0, 40))), THRESHOLD, DriftSettings(window=60))
    window = Window(60, reference)

    assert Comparison.of([window.add(part) for part in some_parts(60, way=1)][-1], reference).explained == 0


def test_it_says_what_changed_from_what_to_what_and_by_how_much():
    said = str(compared(brightness=20))

    assert said.startswith("the camera, its lens or its light changed, as the last 300 parts show: brightness 14")
    assert ", was 1" in said
    assert "(PSI " in said
    assert "score" not in said


def test_it_says_how_far_the_embedding_went():
    said = str(compared(way=ELSEWHERE))

    assert said.startswith("the parts changed, or how they lie before the camera, as the last 300 parts show: ")
    assert "embedding moved by " in said
