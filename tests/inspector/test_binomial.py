import pytest
from scipy import stats

from inspector.binomial import at_least, at_most, bounds

CASES = [(0, 1, 0.5), (3, 50, 0.02), (50, 50, 0.9), (200, 1000, 0.3), (0, 10, 0.0), (10, 10, 1.0), (1, 10, 0.0)]


@pytest.mark.parametrize(("count", "trials", "share"), CASES)
def test_tails_are_those_of_scipy(count, trials, share):
    assert at_most(count, trials, share) == pytest.approx(stats.binom.cdf(count, trials, share), rel=1e-9, abs=1e-12)
    assert at_least(count, trials, share) == pytest.approx(
        stats.binom.sf(count - 1, trials, share), rel=1e-9, abs=1e-12
    )


@pytest.mark.parametrize(("count", "trials"), [(0, 1), (0, 50), (3, 50), (50, 50), (200, 1000)])
def test_bounds_are_those_of_clopper_and_pearson(count, trials):
    doubt = 1e-3
    interval = stats.binomtest(count, trials).proportion_ci(1 - 2 * doubt, method="exact")

    assert bounds(count, trials, doubt) == pytest.approx((interval.low, interval.high), abs=1e-9)


def test_nothing_is_known_of_no_trials():
    assert bounds(0, 0, 1e-3) == (0.0, 1.0)
