import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError
from sklearn.neighbors import NearestNeighbors

from inspector.errors import DataError
from inspector.inspection import Features
from inspector.scorers.knn import KnnSettings


def expected(normals, queries, k):
    distances, _ = NearestNeighbors(n_neighbors=k).fit(normals.astype(np.float64)).kneighbors(queries)
    return distances.mean(axis=1)


@pytest.mark.parametrize(("n", "d", "k"), [(5, 1, 5), (21, 1280, 1), (21, 1280, 5), (500, 64, 20)])
def test_equals_sklearn(n, d, k):
    rng = np.random.default_rng(0)
    normals, queries = rng.normal(size=(n, d)).astype(np.float32), rng.normal(size=(200, d)).astype(np.float32)

    scores = KnnSettings(k=k).fit(Features(normals)).score(Features(queries))

    np.testing.assert_allclose(scores, expected(normals, queries, k), atol=1e-4)


def test_equals_sklearn_for_a_tight_group_far_from_the_origin():
    rng = np.random.default_rng(0)
    points = (1000 + rng.normal(scale=0.01, size=(60, 32))).astype(np.float32)

    scores = KnnSettings().fit(Features(points[:50])).score(Features(points[50:]))

    np.testing.assert_allclose(scores, expected(points[:50], points[50:], 5), atol=1e-4)


@given(st.data())
def test_equals_the_obvious_loop(data):
    grid = st.integers(-3, 3).map(float)
    normals = data.draw(arrays(np.float32, st.tuples(st.integers(3, 9), st.just(2)), elements=grid))
    query = data.draw(arrays(np.float32, 2, elements=grid))
    k = data.draw(st.integers(1, len(normals)))

    score = KnnSettings(k=k).fit(Features(normals)).score(Features(query[None]))

    distances = sorted(np.hypot(*(query - normal)) for normal in normals)
    np.testing.assert_allclose(score, np.mean(distances[:k]), rtol=1e-6)


def test_a_normal_picture_is_at_distance_zero_from_itself():
    normals = Features(np.random.default_rng(0).normal(size=(21, 1280)).astype(np.float32))

    assert not KnnSettings(k=1).fit(normals).score(normals).any()


def test_more_neighbours_than_normals_are_refused():
    normals = Features(np.eye(3, dtype=np.float32))

    with pytest.raises(DataError, match=r"needs at least 5 normal pictures, got 3: .* set k to 3 or less"):
        KnnSettings(k=5).fit(normals)


def test_k_is_positive():
    with pytest.raises(ValidationError):
        KnnSettings(k=0)
