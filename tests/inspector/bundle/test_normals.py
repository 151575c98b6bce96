import numpy as np
import pytest

from inspector.bundle import Normals, NormalsRecord, compared, read_bundle
from inspector.bundle.normals import ARRAYS, Spread
from inspector.errors import BundleError
from inspector.inspection import Features
from tests.inspector.bundle.changes import change_arrays, change_manifest
from tests.parts import SIZE


def some_normals(**changes):
    numbers = np.arange(101, dtype=np.float32)
    fields = {
        "picture_size": (480, 640),
        "score": numbers,
        "brightness": numbers[::-1],
        "sharpness": 2 * numbers,
        "mean": np.zeros(3, np.float32),
        "spread": np.ones(3, np.float32),
        "camera": np.eye(2, 3, dtype=np.float32),
        "shares": (0.5, 0.25),
    }
    return Normals(**fields | changes)


def test_the_record_has_the_quantiles():
    record = some_normals().record

    assert record.pictures == 101
    assert record.picture_size == (480, 640)
    assert record.brightness == record.score
    assert list(record.sharpness.model_dump().values()) == [0, 2, 10, 100, 190, 198, 200]


def test_normals_go_through_arrays_unchanged():
    normals = some_normals()

    again = Normals.from_arrays(normals.record, normals.arrays())

    assert again.shares == normals.shares
    assert again.picture_size == normals.picture_size
    for name in ARRAYS:
        assert np.array_equal(getattr(again, name), getattr(normals, name))


@pytest.mark.parametrize(
    "changes", [{"score": np.zeros(7)}, {"mean": np.zeros(4)}, {"camera": np.zeros((2, 4))}, {"shares": np.zeros(3)}]
)
def test_arrays_that_do_not_fit_the_record_are_refused(changes):
    normals = some_normals()

    with pytest.raises(ValueError):
        Normals.from_arrays(normals.record, normals.arrays() | changes)


def test_a_bundle_carries_its_held_out_normals(small_bundle):
    bundle = read_bundle(small_bundle)

    assert isinstance(bundle.manifest.normals, NormalsRecord)
    assert bundle.manifest.normals.pictures == bundle.manifest.calibration.normals == 99
    assert bundle.manifest.normals.picture_size == (SIZE, SIZE)
    assert bundle.manifest.normals.brightness == Spread.of(bundle.normals.brightness)
    assert (bundle.normals.score > bundle.threshold).sum() == bundle.manifest.calibration.observed_false_rejects


def test_a_bundle_without_them_is_read_all_the_same(bundle_copy):
    change_manifest(bundle_copy, normals=None)

    assert read_bundle(bundle_copy).normals is None


def test_normals_that_lack_an_array_are_refused(bundle_copy):
    change_arrays(bundle_copy, lambda arrays: {name: each for name, each in arrays.items() if name != "normals.score"})

    with pytest.raises(BundleError, match=r"scorer\.npz: does not hold the normals"):
        read_bundle(bundle_copy)


def test_the_backbones_own_features_are_compared_where_there_are_any():
    embedding, pooled = np.ones((2, 3), np.float32), np.ones((2, 5), np.float32)

    assert compared(Features(embedding, pooled)) is pooled
    assert compared(Features(embedding)) is embedding
