import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inspector.scorers.neighbours import BLOCK, Neighbours


@pytest.mark.parametrize("n", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_blocks_do_not_show(n):
    rng = np.random.default_rng(0)
    points, queries = rng.normal(size=(40, 8)), rng.normal(size=(n, 8))

    distances, rows = Neighbours.among(points).nearest(queries, 3)

    every = np.linalg.norm(queries[:, None] - points, axis=2)
    np.testing.assert_allclose(np.sort(distances), np.sort(every)[:, :3])
    np.testing.assert_array_equal(np.sort(rows), np.sort(np.argsort(every)[:, :3]))


@given(
    arrays(np.float32, st.tuples(st.integers(3, 12), st.just(2)), elements=st.integers(-1, 1).map(float)),
    st.integers(1, 2),
)
def test_no_point_is_its_own_neighbour_among_duplicates_neither(points, k):
    distances, _ = Neighbours.among(points).nearest_others(k)

    for index, point in enumerate(points):
        others = np.linalg.norm(np.delete(points, index, axis=0) - point, axis=1)
        np.testing.assert_allclose(np.sort(distances[index]), np.sort(others)[:k], rtol=1e-6)


def test_more_duplicates_than_neighbours():
    distances, rows = Neighbours.among(np.ones((6, 4), dtype=np.float32)).nearest_others(2)

    assert distances.shape == rows.shape == (6, 2)
    assert not distances.any()
