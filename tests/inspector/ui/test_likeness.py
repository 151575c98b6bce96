import numpy as np
import pytest

from inspector.bundle import read_manifest
from inspector.pictures import encode_png
from inspector.ui.likeness import Likeness
from tests.parts import good_parts, scratched_parts


@pytest.fixture
def likeness(small_bundle, tmp_path):
    return Likeness(lambda: [tmp_path / "nothing", small_bundle])


@pytest.fixture
def digest(small_bundle):
    return read_manifest(small_bundle)[1]


def picture(folder, pixels):
    path = folder / "picture.png"
    path.write_bytes(encode_png(pixels))
    return path


@pytest.mark.parametrize(("parts", "nearer"), [(good_parts, "normal"), (scratched_parts, "anomaly")])
def test_a_part_is_most_like_its_own_kind(likeness, digest, tmp_path, parts, nearer):
    matches = likeness.nearest(digest, picture(tmp_path, parts(1, seed=9)[0]))

    assert (matches.normal.label, matches.anomaly.label) == ("normal", "scratch")
    similar = {"normal": matches.normal.similarity, "anomaly": matches.anomaly.similarity}
    assert max(similar, key=similar.get) == nearer
    assert all(-1 <= each <= 1.0001 for each in similar.values())


def test_a_golden_picture_is_most_like_itself(likeness, digest, small_bundle):
    manifest, _ = read_manifest(small_bundle)
    file = next(each.file for each in manifest.golden if each.label == "scratch")

    match = likeness.nearest(digest, small_bundle / "golden" / file).anomaly

    assert match.file == file
    assert match.similarity == pytest.approx(1, abs=1e-5)


def test_a_bundle_that_is_gone_has_nothing_to_say(likeness, tmp_path):
    assert likeness.nearest("0" * 64, picture(tmp_path, np.zeros((8, 8, 3), np.uint8))) is None


def test_golden_pictures_are_given_by_name_and_nothing_else_is(likeness, digest, small_bundle, tmp_path):
    assert likeness.golden(digest, "normal-0.png") is None  # of a bundle that nobody has asked for
    likeness.nearest(digest, picture(tmp_path, good_parts(1)[0]))

    assert likeness.golden(digest, "normal-0.png") == small_bundle / "golden" / "normal-0.png"
    for file in ("../bundle.json", "../scorer.npz", "nothing.png", ""):
        assert likeness.golden(digest, file) is None
    assert likeness.golden("0" * 64, "normal-0.png") is None


def test_the_types_of_a_model_are_told_as_long_as_it_is_there(likeness, digest):
    assert [(each.name, each.critical) for each in likeness.types(digest)] == [("scratch", True)]
    assert likeness.types("0" * 64) == ()
