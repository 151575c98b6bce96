import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.scorers.bank import COARSE, CROWDED, FINE, MemoryBank


def points(n, width, seed, axes=None, scatter=1.0):
    """Random ones about the origin, most of them along the first ``axes``."""
    rng = np.random.default_rng(seed)
    lengths = np.full(width, 0.05 if axes else 1.0)
    lengths[:axes] = 1
    return (scatter * lengths * rng.standard_normal((n, width))).astype(np.float32)


def obvious(queries, patches):
    return np.array([min(np.linalg.norm((query - patch).astype(float)) for patch in patches) for query in queries])


@given(
    n=st.integers(1, 80),
    width=st.sampled_from([1, 5, COARSE, COARSE + 1, FINE + 20]),
    axes=st.sampled_from([None, 3]),
    far=st.sampled_from([0.0, 0.3, 20.0]),
    seed=st.integers(0, 10),
)
def test_the_nearest_is_found_whatever_the_bounds_leave_out(n, width, axes, far, seed):
    patches, queries = points(n, width, seed, axes), points(9, width, seed + 1, axes) + np.float32(far)

    distances = MemoryBank.of(patches).nearest(queries)

    np.testing.assert_allclose(distances, obvious(queries, patches), rtol=1e-5, atol=1e-5)


def test_far_from_the_origin_too():
    patches, queries = 100 + points(200, 150, 0, axes=10), 100 + points(20, 150, 1, axes=10)

    np.testing.assert_allclose(MemoryBank.of(patches).nearest(queries), obvious(queries, patches), rtol=1e-5)


def test_where_nothing_can_be_left_out_all_are_compared(monkeypatch):
    """In noise of many dimensions every patch is about as far as any other."""
    patches, queries = points(300, 2 * FINE, 0), points(5, 2 * FINE, 1)
    asked = []
    of_all = MemoryBank.nearest_of_all
    monkeypatch.setattr(MemoryBank, "nearest_of_all", lambda bank, rows: asked.append(len(rows)) or of_all(bank, rows))

    np.testing.assert_allclose(MemoryBank.of(patches).nearest(queries), obvious(queries, patches), rtol=1e-5)
    assert sum(asked) == 5


def test_most_distances_are_never_computed(monkeypatch):
    patches, queries = points(3000, 200, 0, axes=8), points(50, 200, 1, axes=8)
    computed = []
    distances = MemoryBank.distances
    monkeypatch.setattr(
        MemoryBank, "distances", lambda bank, who, rows: computed.append(len(rows)) or distances(bank, who, rows)
    )

    MemoryBank.of(patches).nearest(queries)

    assert sum(computed) < CROWDED * 50 * 3000


@given(
    n=st.integers(1, 60),
    shape=st.sampled_from([(5, None), (COARSE + 10, 3), (FINE + 20, 3), (FINE + 20, None)]),
    k=st.integers(1, 30),
    scatter=st.sampled_from([0.5, 1.0, 5.0]),
    seed=st.integers(0, 10),
)
def test_the_farthest_are_those_of_the_whole(n, shape, k, scatter, seed):
    patches, queries = points(n, shape[0], seed, shape[1]), points(30, shape[0], seed + 1, shape[1], scatter)

    farthest = MemoryBank.of(patches).farthest(queries, k)

    np.testing.assert_allclose(np.sort(farthest), np.sort(obvious(queries, patches))[-k:], rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_query_that_is_not_finite_is_among_the_farthest():
    patches, queries = points(50, 30, 0), points(20, 30, 1)
    queries[17, 3] = np.nan

    assert np.isnan(MemoryBank.of(patches).farthest(queries, 2)).sum() == 1


def test_a_patch_of_the_bank_is_at_distance_0():
    patches = points(500, 150, 0, axes=10)

    np.testing.assert_array_equal(MemoryBank.of(patches).nearest(patches), 0)


def test_twins_are_no_trouble():
    patches = np.repeat(points(3, 30, 0), 40, axis=0)

    np.testing.assert_array_equal(MemoryBank.of(patches).nearest(patches[::40]), 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_query_that_is_not_finite_has_no_distance_and_disturbs_no_other(value):
    patches, queries = points(50, 30, 0), points(4, 30, 1)
    expected = MemoryBank.of(patches).nearest(queries)
    queries[2, 7] = value

    distances = MemoryBank.of(patches).nearest(queries)

    assert np.isnan(distances).tolist() == [False, False, True, False]
    np.testing.assert_array_equal(distances[[0, 1, 3]], expected[[0, 1, 3]])
