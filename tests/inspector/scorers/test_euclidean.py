import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from inspector.inspection import Features
from inspector.scorers.euclidean import Euclidean, EuclideanSettings

coordinates = st.floats(-10, 10, width=32)


@pytest.mark.parametrize(("n", "d"), [(2, 1), (21, 1280), (500, 64)])
def test_equals_scipy(n, d):
    rng = np.random.default_rng(0)
    normals, queries = rng.normal(size=(n, d)).astype(np.float32), rng.normal(size=(50, d)).astype(np.float32)

    scores = EuclideanSettings().fit(Features(normals)).score(Features(queries))

    expected = cdist(queries.astype(np.float64), normals.astype(np.float64).mean(axis=0, keepdims=True))[:, 0]
    np.testing.assert_allclose(scores, expected, atol=1e-4)


@given(arrays(np.float32, (6, 3), elements=coordinates), arrays(np.float32, 3, elements=coordinates))
def test_does_not_depend_on_where_the_origin_is(points, shift):
    def scores(points):
        return EuclideanSettings().fit(Features(points[:3])).score(Features(points[3:]))

    np.testing.assert_allclose(scores(points + shift), scores(points), atol=1e-4)


@given(arrays(np.float32, 4, elements=coordinates), arrays(np.float32, (3, 4), elements=coordinates))
def test_survives_its_arrays(mean, queries):
    scorer = Euclidean(mean)

    again = Euclidean.from_arrays(scorer.arrays())

    np.testing.assert_array_equal(again.score(Features(queries)), scorer.score(Features(queries)))
