import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.neighbors import LocalOutlierFactor

from inspector.inspection import Features
from inspector.scorers.lof import LofSettings


def expected(normals, queries, k):
    """sklearn caps k itself; its warning of that is no finding here."""
    reference = LocalOutlierFactor(n_neighbors=min(k, len(normals) - 1), novelty=True)
    return -reference.fit(normals.astype(np.float64)).score_samples(queries.astype(np.float64))


@pytest.mark.parametrize(
    ("n", "d", "k"), [(2, 1, 1), (2, 3, 20), (21, 1280, 20), (20, 1280, 20), (21, 1280, 3), (500, 64, 20)]
)
def test_equals_sklearn(n, d, k):
    rng = np.random.default_rng(0)
    normals, queries = rng.normal(size=(n, d)).astype(np.float32), rng.normal(size=(200, d)).astype(np.float32)

    scores = LofSettings(k=k).fit(Features(normals)).score(Features(queries))

    np.testing.assert_allclose(scores, expected(normals, queries, k), rtol=1e-4)


def test_equals_sklearn_on_groups_of_different_density():
    rng = np.random.default_rng(0)
    centres, scales = rng.normal(size=(2, 8)) * 10, np.array([[0.1], [3.0]])
    points = (centres[:, None] + rng.normal(size=(2, 120, 8)) * scales[:, None]).astype(np.float32)
    normals, queries = points[:, :100].reshape(-1, 8), points[:, 100:].reshape(-1, 8)

    scores = LofSettings().fit(Features(normals)).score(Features(queries))

    np.testing.assert_allclose(scores, expected(normals, queries, 20), atol=1e-4)


def test_equals_sklearn_on_more_than_k_duplicates():
    rng = np.random.default_rng(0)
    normals = np.concatenate([np.tile(rng.normal(size=4), (8, 1)), rng.normal(size=(20, 4))]).astype(np.float32)
    queries = np.concatenate([normals[:1], rng.normal(size=(5, 4)).astype(np.float32)])

    scores = LofSettings(k=5).fit(Features(normals)).score(Features(queries))

    np.testing.assert_allclose(scores, expected(normals, queries, 5), rtol=1e-4)


def test_another_copy_of_a_picture_is_normal_among_its_duplicates():
    """Also in many dimensions, where a squared distance by products would not be 0 but a rounding error."""
    picture = np.random.default_rng(0).normal(size=(1, 1280)).astype(np.float32)

    scores = LofSettings(k=5).fit(Features(np.tile(picture, (30, 1)))).score(Features(picture))

    np.testing.assert_allclose(scores, 1)


def test_around_one_for_normals():
    rng = np.random.default_rng(0)
    normals, more = rng.uniform(size=(2, 500, 2)).astype(np.float32)

    scores = LofSettings().fit(Features(normals)).score(Features(more))

    assert np.median(scores) == pytest.approx(1, abs=0.05)


@given(st.floats(0.01, 100))
def test_does_not_depend_on_the_unit(unit):
    rng = np.random.default_rng(0)
    normals, queries = rng.normal(size=(2, 30, 5)).astype(np.float32)

    def scores(unit):
        return LofSettings(k=5).fit(Features(normals * unit)).score(Features(queries * unit))

    np.testing.assert_allclose(scores(np.float32(unit)), scores(np.float32(1)), rtol=1e-4)


def test_k_is_positive():
    with pytest.raises(ValidationError):
        LofSettings(k=0)
