import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.covariance import LedoitWolf, ShrunkCovariance, ledoit_wolf_shrinkage

from inspector.errors import DataError
from inspector.scorers.covariance import MANY, ROUNDING, Precision, ledoit_wolf

SHAPES = [(3, 7), (7, 7), (8, 7), (40, 7), (56, 7), (21, 640), (300, 16)]
"""Fewer samples than dimensions, as many, more, and from ``MANY`` a dimension on."""


def sample(n, d, largest=1.0, smallest=0.05):
    """Centred, scattering more in one direction than in another; the axes are not those of the coordinates."""
    rng = np.random.default_rng(n * d)
    turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
    points = rng.normal(size=(n, d)) * np.geomspace(largest, smallest, d) @ turn
    return points - points.mean(axis=0)


def vectors(d, n=30):
    return np.random.default_rng(d).normal(size=(n, d))


@pytest.mark.parametrize(("n", "d"), SHAPES)
@pytest.mark.parametrize("shrinkage", [None, 0.1, 1.0])
def test_squared_lengths_equal_sklearn(n, d, shrinkage):
    centred = sample(n, d)
    reference = LedoitWolf(assume_centered=True) if shrinkage is None else ShrunkCovariance(shrinkage=shrinkage)

    squared = Precision.of(centred, shrinkage).squared(vectors(d))

    np.testing.assert_allclose(squared, reference.fit(centred).mahalanobis(vectors(d)), rtol=1e-6)


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_times_equals_the_dense_inverse(n, d):
    centred = sample(n, d)
    inverse = ShrunkCovariance(shrinkage=0.2).fit(centred).precision_
    precision = Precision.of(centred, 0.2)

    for vector in vectors(d, 5):
        np.testing.assert_allclose(precision.times(vector), inverse @ vector, rtol=1e-6, atol=1e-6 * inverse.max())


@given(st.integers(2, 12), st.integers(1, 12), st.integers(0, 1000))
def test_squared_lengths_are_products_with_what_times_gives(n, d, seed):
    rng = np.random.default_rng(seed)
    centred, query = rng.normal(size=(n, d)), rng.normal(size=d)
    precision = Precision.of(centred - centred.mean(axis=0), 0.3)

    assert precision.squared(query[None])[0] == pytest.approx(query @ precision.times(query), rel=1e-6)


@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_shrinkage_equals_sklearn(n, d):
    centred = sample(n, d)
    variances = np.linalg.svd(centred, compute_uv=False) ** 2 / n

    assert ledoit_wolf(centred, variances) == pytest.approx(ledoit_wolf_shrinkage(centred), abs=1e-9)


def test_one_dimension_has_nothing_to_shrink():
    assert ledoit_wolf(np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([2.5])) == 0


def test_both_ways_to_the_axes_give_the_same_distances():
    """One sample more, an average one, takes the other way and hardly changes the covariance."""
    d = 40
    few = sample(MANY * d - 1, d)
    many = np.vstack([few, np.zeros(d)])

    fewer, more = (Precision.of(points, 0.1).squared(vectors(d)) for points in (few, many))

    np.testing.assert_allclose(more / fewer, (MANY * d) / (MANY * d - 1), rtol=1e-6)


def test_of_few_samples_only_their_directions_are_kept():
    assert Precision.of(sample(21, 640)).excess.shape == (20, 640)


def test_no_direction_scatters_by_less_than_rounding():
    """Where metric learning has drawn the normals together, distances grow no further."""
    d = 8
    at_the_floor = vectors(d) / np.sqrt(ROUNDING)

    drawn_together = Precision.of(sample(30, d, largest=1e-6, smallest=1e-7)).squared(vectors(d))

    np.testing.assert_allclose(drawn_together, np.vecdot(at_the_floor, at_the_floor), rtol=1e-6)


def test_a_direction_that_scatters_less_than_rounding_leaves_the_others_as_they_are():
    centred = sample(300, 6, largest=0.1, smallest=1e-5)
    variances, axes = np.linalg.eigh(centred.T @ centred / 300)

    squared = Precision.of(centred, 0).squared(axes.T)

    assert variances.min() < ROUNDING < variances.max()
    np.testing.assert_allclose(squared, 1 / np.maximum(variances, ROUNDING), rtol=1e-6)


@given(st.integers(0, 200), st.floats(-4, 0))
def test_no_squared_length_is_negative_by_rounding(seed, decades):
    """The worst case: along the axis in which normals of length 1 scatter as far as they can."""
    rng = np.random.default_rng(seed)
    centred = rng.normal(size=(20, 64)) * np.geomspace(1, 10.0**decades, 64) / 8
    centred -= centred.mean(axis=0)
    main = np.linalg.svd(centred)[2][0]
    queries = np.outer(np.geomspace(1e-7, 1, 10), main)

    assert (Precision.of(centred, 1e-4).squared(queries) >= 0).all()


@pytest.mark.parametrize(
    ("centred", "shrinkage"),
    [
        pytest.param(np.eye(2, 5) - np.eye(2, 5).mean(axis=0), None, id="two samples: Ledoit and Wolf shrink nothing"),
        pytest.param(np.zeros((30, 5)), None, id="the same sample many times"),
        pytest.param(sample(5, 5), 0.0, id="no shrinkage of too few"),
        pytest.param(sample(100, 5) * [1, 1, 1, 1, 0], 0.0, id="no shrinkage of many that lack a direction"),
    ],
)
def test_a_covariance_without_an_inverse_is_refused(centred, shrinkage):
    with pytest.raises(DataError, match="do not vary in every direction"):
        Precision.of(centred, shrinkage)
