import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.covariance import LedoitWolf, ShrunkCovariance

from inspector.errors import DataError
from inspector.inspection import Features
from inspector.scorers.mahalanobis import MahalanobisSettings

SHAPES = [(3, 7), (7, 7), (8, 7), (40, 1), (21, 1280), (300, 16)]


def sample(n, d):
    """Normals that scatter a thousand times more in one direction than in another, and queries that do not."""
    rng = np.random.default_rng(n * d)
    normals = rng.normal(size=(n, d)) * np.geomspace(1, 1e-3, d)
    return normals.astype(np.float32), rng.normal(size=(50, d)).astype(np.float32)


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_auto_equals_sklearn(n, d):
    normals, queries = sample(n, d)

    scores = MahalanobisSettings().fit(Features(normals)).score(Features(queries))

    expected = LedoitWolf().fit(normals.astype(np.float64)).mahalanobis(queries.astype(np.float64))
    np.testing.assert_allclose(scores, np.sqrt(expected), atol=1e-4)


@pytest.mark.parametrize(("n", "d"), [(300, 16), (21, 64)])
@pytest.mark.parametrize("shrinkage", [0.1, 1.0])
def test_a_given_shrinkage_equals_sklearn(n, d, shrinkage):
    normals, queries = sample(n, d)

    scores = MahalanobisSettings(shrinkage=shrinkage).fit(Features(normals)).score(Features(queries))

    reference = ShrunkCovariance(shrinkage=shrinkage).fit(normals.astype(np.float64))
    np.testing.assert_allclose(scores, np.sqrt(reference.mahalanobis(queries.astype(np.float64))), rtol=1e-6)


def test_no_shrinkage_equals_the_dense_inverse_covariance():
    normals, queries = sample(300, 16)

    scores = MahalanobisSettings(shrinkage=0).fit(Features(normals)).score(Features(queries))

    centred = queries - normals.astype(np.float64).mean(axis=0)
    precision = np.linalg.inv(np.cov(normals.astype(np.float64), rowvar=False, bias=True))
    np.testing.assert_allclose(scores, np.sqrt(np.vecdot(centred @ precision, centred)), rtol=1e-6)


def test_of_few_normals_only_their_directions_are_stored():
    arrays = MahalanobisSettings().fit(Features(sample(21, 1280)[0])).arrays()

    assert arrays["excess"].shape == (20, 1280)


def test_a_picture_along_the_main_axis_keeps_its_digits():
    """Where two nearly equal numbers are subtracted, and single precision would not do."""
    rng = np.random.default_rng(0)
    normals = (rng.normal(size=(21, 64)) * np.geomspace(1, 1e-4, 64)).astype(np.float32)
    mean = normals.mean(axis=0)
    axis = np.linalg.svd(normals - mean)[2][0]
    queries = (mean + rng.normal(size=(50, 1)) * axis).astype(np.float32)

    scores = MahalanobisSettings(shrinkage=1e-7).fit(Features(normals)).score(Features(queries))

    reference = ShrunkCovariance(shrinkage=1e-7).fit(normals.astype(np.float64))
    np.testing.assert_allclose(scores, np.sqrt(reference.mahalanobis(queries.astype(np.float64))), rtol=1e-4)


@given(st.floats(0.01, 100))
def test_does_not_depend_on_the_unit(unit):
    normals, queries = sample(30, 5)

    def scores(unit):
        return MahalanobisSettings().fit(Features(normals * unit)).score(Features(queries * unit))

    np.testing.assert_allclose(scores(np.float32(unit)), scores(np.float32(1)), rtol=1e-4)


@pytest.mark.parametrize(
    ("normals", "shrinkage"),
    [
        pytest.param(np.eye(2, 5), "auto", id="two pictures: Ledoit and Wolf shrink nothing"),
        pytest.param(np.ones((30, 5)) / 3, "auto", id="the same picture many times"),
        pytest.param(np.random.default_rng(0).normal(size=(5, 5)), 0.0, id="no shrinkage of too few"),
    ],
)
def test_a_distance_that_is_blind_in_a_direction_is_refused(normals, shrinkage):
    with pytest.raises(DataError, match="do not vary in every direction"):
        MahalanobisSettings(shrinkage=shrinkage).fit(Features(normals.astype(np.float32)))


@pytest.mark.parametrize("shrinkage", [-0.1, 1.1, float("nan"), "full"])
def test_shrinkage_is_a_share(shrinkage):
    with pytest.raises(ValidationError):
        MahalanobisSettings.model_validate({"shrinkage": shrinkage})
