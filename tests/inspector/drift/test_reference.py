import numpy as np
import pytest

from inspector.drift.chance import index_limit, shift_limit
from inspector.drift.reference import EMBEDDING, FEWEST_NORMALS, NUMBERS, Reference
from inspector.drift.settings import DriftSettings
from tests.inspector.drift.parts import some_normals

EVERYTHING = 1e9


def reference(n=200, threshold=EVERYTHING, **settings):
    return Reference.of(some_normals(n), threshold, DriftSettings(**settings))


def test_each_bin_has_an_equal_share_of_the_normals():
    counts = reference(200).counts

    assert counts.shape == (3, 10)
    assert (counts == 20).all()


@pytest.mark.parametrize(("normals", "window", "bins"), [(200, 300, 10), (30, 300, 6), (12, 300, 3), (200, 60, 3)])
def test_there_are_fewer_bins_where_they_would_be_nearly_empty(normals, window, bins):
    assert reference(normals, window=window).counts.shape == (3, bins)


def test_normals_that_fail_are_left_out():
    normals = some_normals(200)
    threshold = float(np.sort(normals.score)[149])

    own = Reference.of(normals, threshold, DriftSettings())

    assert own.counts.sum(axis=1).tolist() == [150, 150, 150]
    assert own.means[0] == pytest.approx(normals.score[normals.score <= threshold].mean())


def test_too_few_normals_are_no_reference():
    assert reference(FEWEST_NORMALS) is not None
    assert reference(FEWEST_NORMALS - 1) is None


def test_the_limits_are_what_chance_hardly_ever_does():
    normals = some_normals(100)

    own = Reference.of(normals, EVERYTHING, DriftSettings(window=200, false_alarms=0.5, psi=0.01, shift=0.01))

    # Every 20 parts four comparisons: 20,000 in 100,000 parts.
    tail = 0.5 / 20_000
    index = index_limit(own.counts.shape[1], (200, 100), tail)
    assert own.limits == pytest.approx(
        {**dict.fromkeys(NUMBERS, index), EMBEDDING: shift_limit(normals.shares, (200, 100), tail)}
    )


def test_what_is_sure_and_small_is_not_worth_an_alarm():
    assert reference(200, psi=5, shift=4).limits == {**dict.fromkeys(NUMBERS, 5), EMBEDDING: 4}
