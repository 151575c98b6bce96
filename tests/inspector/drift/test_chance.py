import math

import numpy as np
import pytest
from scipy.stats import chi2

from inspector.drift.chance import HALF, chi_square, index_limit, shift_limit, stability_index


def indices(counts, reference):
    return stability_index(np.array(counts), np.array(reference))


def test_the_index_is_the_sum_over_the_bins():
    counts, reference = [12, 30, 58], [40, 40, 20]

    slow = 0.0
    for count, expected in zip(counts, reference, strict=True):
        p = (count + HALF) / (sum(counts) + 3 * HALF)
        q = (expected + HALF) / (sum(reference) + 3 * HALF)
        slow += (p - q) * math.log(p / q)

    assert indices([counts], [reference]) == pytest.approx([slow])


def test_the_index_of_a_known_example():
    """Shares of 10, 20, 30, 40 % against a fourth each, without the halves that so large counts drown."""
    shares = np.array([0.1, 0.2, 0.3, 0.4])
    known = ((shares - 0.25) * np.log(shares / 0.25)).sum()

    assert known == pytest.approx(0.2282, abs=1e-4)
    assert indices([[100_000, 200_000, 300_000, 400_000]], [[1_000_000] * 4]) == pytest.approx([known], abs=1e-4)


def test_the_index_is_0_for_equal_shares_and_the_same_from_both_sides():
    assert indices([[50, 50], [5, 95]], [[50, 50], [5, 95]]) == pytest.approx([0, 0])
    assert indices([[10, 90]], [[30, 70]]) == pytest.approx(indices([[30, 70]], [[10, 90]]))


def test_an_empty_bin_is_rare_and_not_impossible():
    assert 0 < indices([[0, 100]], [[20, 80]])[0] < 1


@pytest.mark.parametrize("freedom", [1, 2, 2.5, 4, 9, 30, 300])
@pytest.mark.parametrize("tail", [1e-2, 1e-4, 1e-6, 1e-8])
def test_chi_square_errs_to_the_side_of_silence(freedom, tail):
    exact = chi2.isf(tail, freedom)

    assert 0.99 * exact < chi_square(freedom, tail) < 1.3 * exact


@pytest.mark.parametrize("size", [20, 50, 200])
@pytest.mark.parametrize("shape", ["normal", "exponential", "ties"])
def test_samples_of_one_distribution_exceed_the_index_limit_no_more_often_than_they_may(size, shape):
    rng, window, bins, tail, runs = np.random.default_rng(size), 300, 4, 0.02, 4000
    draw = {
        "normal": rng.standard_normal,
        "exponential": rng.standard_exponential,
        "ties": lambda shape: rng.integers(0, 6, shape).astype(float),
    }[shape]
    over = 0
    for _ in range(runs):
        reference, parts = draw(size), draw(window)
        edges = np.quantile(reference, np.arange(1, bins) / bins)
        counts = [np.bincount(np.searchsorted(edges, each), minlength=bins) for each in (parts, reference)]
        over += indices(counts[:1], counts[1:])[0] > index_limit(bins, (window, size), tail)

    assert over / runs < tail + 3 * math.sqrt(tail * (1 - tail) / runs)


@pytest.mark.parametrize("decay", [1.0, 0.5, 0.05])
def test_means_of_one_distribution_exceed_the_shift_limit_as_often_as_they_may(decay):
    """From directions that all have a share in the variance to one that has nearly all of it."""
    rng, sizes, tail, runs = np.random.default_rng(0), (300, 100), 0.01, 20_000
    shares = decay ** np.arange(12) / (decay ** np.arange(12)).sum()
    # Twelve dimensions of variance 1, of which the principal directions have these shares.
    between = rng.standard_normal((runs, 12)) * np.sqrt(12 * shares * sum(1 / size for size in sizes))
    shift = np.sqrt((between**2).mean(axis=1))

    limit = shift_limit(((shares**2).sum(), (shares**3).sum()), sizes, tail)

    assert (shift > limit).mean() == pytest.approx(tail, abs=0.4 * tail)
