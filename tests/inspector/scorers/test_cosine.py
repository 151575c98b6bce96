import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cosine

from inspector.errors import DataError
from inspector.inspection import Features
from inspector.scorers.cosine import Cosine, CosineSettings


@pytest.mark.parametrize(("n", "d"), [(2, 2), (21, 1280), (500, 64)])
def test_equals_scipy(n, d):
    rng = np.random.default_rng(0)
    normals, queries = rng.normal(size=(n, d)).astype(np.float32), rng.normal(size=(50, d)).astype(np.float32)

    scores = CosineSettings().fit(Features(normals)).score(Features(queries))

    mean = normals.astype(np.float64).mean(axis=0)
    np.testing.assert_allclose(scores, [cosine(query, mean) for query in queries.astype(np.float64)], atol=1e-6)


@pytest.mark.parametrize(("query", "score"), [((3, 0), 0), ((0, 2), 1), ((-1, 0), 2)])
def test_along_across_and_against_the_mean_direction(query, score):
    scorer = Cosine(direction=np.array([1, 0], dtype=np.float32))

    assert scorer.score(Features(np.array([query], dtype=np.float32))) == pytest.approx(score)


@pytest.mark.parametrize("angle", [1e-5, 1e-4, 1e-3])
def test_small_angles_are_not_lost_in_rounding(angle):
    scorer = Cosine(direction=np.array([1, 0], dtype=np.float32))

    scores = scorer.score(Features(np.array([[np.cos(angle), np.sin(angle)]], dtype=np.float32)))

    np.testing.assert_allclose(scores, angle**2 / 2, rtol=1e-3)


@given(st.floats(1e-3, 1e3))
def test_length_says_nothing(length):
    rng = np.random.default_rng(0)
    scorer = CosineSettings().fit(Features(rng.normal(size=(5, 8)).astype(np.float32)))
    queries = rng.normal(size=(10, 8)).astype(np.float32)

    scores = scorer.score(Features(queries * np.float32(length)))

    np.testing.assert_allclose(scores, scorer.score(Features(queries)), atol=1e-6)


def test_zeros_have_no_direction():
    scorer = Cosine(direction=np.array([1, 0], dtype=np.float32))

    assert np.isnan(scorer.score(Features(np.zeros((1, 2), dtype=np.float32)))).all()


@pytest.mark.parametrize(
    "normals",
    [
        pytest.param([[1, 2], [-1, -2]], id="opposite"),
        pytest.param([[1, 0], [-0.5, 0.75**0.5], [-0.5, -(0.75**0.5)]], id="a star, but for rounding"),
        pytest.param([[0, 0], [0, 0]], id="zeros"),
    ],
)
def test_normals_that_cancel_out_are_refused(normals):
    with pytest.raises(DataError, match="no direction in common"):
        CosineSettings().fit(Features(np.array(normals, dtype=np.float32)))
