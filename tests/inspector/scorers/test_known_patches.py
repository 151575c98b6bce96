from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.errors import DataError
from inspector.inspection import Features
from inspector.scorers.known_patches import SHRINKAGE, KnownPatches, KnownPatchesSettings

ROWS, COLUMNS, CHANNELS = 3, 4, 6
SCALES = np.geomspace(1, 0.1, CHANNELS)
WHERE = (1, 2)
"""Place of every defect."""


def pictures(n, *, defect=None, size=6.0, seed=0):
    """Noise, larger in one channel than in another, and perhaps in one place something else in channel ``defect``."""
    patches = np.random.default_rng(seed).normal(size=(n, ROWS, COLUMNS, CHANNELS)) * SCALES
    if defect is not None:
        patches[:, *WHERE, defect] += size * SCALES[defect]
    return Features(np.ones((n, 1), np.float32), patches=patches.astype(np.float32))


NORMALS, CRACK, FRAY = pictures(60), pictures(5, defect=2, seed=1), pictures(5, defect=4, seed=2)


def fit(*anomalies, weights=None, normals=NORMALS, **settings):
    return KnownPatchesSettings(**settings).fit(normals, anomalies, weights or [1.0] * len(anomalies))


def obvious_direction(normals, anomalies, novel):
    """By a dense covariance, one picture and one patch at a time: the direction of one type."""
    flat = normals.patches.reshape(-1, CHANNELS).astype(np.float64)
    mean, covariance = flat.mean(axis=0), np.cov(flat, rowvar=False, bias=True)
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.eye(CHANNELS) * np.trace(covariance) / CHANNELS
    inverse = np.linalg.inv(shrunk)
    shifts = []
    for picture in anomalies.patches:
        candidates = [patch - mean for row in picture for patch in row.astype(np.float64)]
        shifts += sorted(candidates, key=lambda shift: shift @ inverse @ shift)[-novel:]
    shift = np.mean(shifts, axis=0)
    return mean, inverse @ shift / np.sqrt(shift @ inverse @ shift)


@pytest.mark.parametrize(("novel_share", "novel"), [(0.001, 1), (0.25, 3), (1.0, 12)])
def test_equals_the_obvious_loop(novel_share, novel):
    queries = pictures(4, defect=3, seed=5)
    mean, direction = obvious_direction(NORMALS, CRACK, novel)

    scorer = fit(CRACK, novel_share=novel_share)

    expected = [[[(patch - mean) @ direction for patch in row] for row in picture] for picture in queries.patches]
    np.testing.assert_allclose(scorer.map(queries), expected, atol=1e-4)


@pytest.mark.parametrize(("worst_share", "worst"), [(0.001, 1), (0.25, 3), (1.0, 12)])
def test_the_score_is_the_mean_of_the_most_suspicious_share(worst_share, worst):
    scorer, queries = fit(CRACK, worst_share=worst_share), pictures(7, seed=5)

    places = np.sort(scorer.map(queries).reshape(7, -1), axis=1)

    np.testing.assert_allclose(scorer.score(queries), places[:, -worst:].mean(axis=1), rtol=1e-6)


def test_a_defect_that_nobody_outlined_is_found_where_it_is():
    heat = fit(CRACK).map(pictures(20, defect=2, seed=6))

    assert {np.unravel_index(grid.argmax(), grid.shape) for grid in heat} == {WHERE}


def test_known_defects_score_above_normal_pictures_and_above_other_defects():
    scorer = fit(CRACK)
    known, other, normal = (
        scorer.score(own) for own in (pictures(30, defect=2, seed=6), pictures(30, defect=4, seed=7), pictures(30))
    )

    assert known.min() > normal.max()
    assert known.mean() > other.mean() + 2


def test_places_of_normals_are_at_0_and_scatter_by_about_1():
    places = fit(CRACK).map(pictures(100, seed=8))

    assert abs(places.mean()) < 0.1
    assert 0.8 < places.std() < 1.2


@given(st.floats(0.1, 10), st.floats(0.1, 10))
def test_several_types_are_the_weighted_mean_of_each_alone(a, b):
    queries = pictures(3, seed=5)

    both = fit(CRACK, FRAY, weights=[a, b]).map(queries)

    alone = [fit(own).map(queries) for own in (CRACK, FRAY)]
    np.testing.assert_allclose(both, (a * alone[0] + b * alone[1]) / (a + b), rtol=1e-4, atol=1e-4)


def test_a_larger_weight_raises_the_scores_of_its_type():
    plain, heavy = (fit(CRACK, FRAY, weights=[1, weight]).score(FRAY) for weight in (1, 3))

    assert (heavy > plain).all()


def test_of_many_normal_patches_so_many_are_drawn_and_always_the_same():
    drawn = [fit(CRACK, candidates=100) for _ in range(2)]

    np.testing.assert_array_equal(drawn[0].direction, drawn[1].direction)
    assert not np.array_equal(drawn[0].direction, fit(CRACK).direction)
    assert drawn[0].score(CRACK).min() > drawn[0].score(NORMALS).max()


def test_survives_its_arrays():
    scorer = fit(CRACK, FRAY, worst_share=0.3)

    again = KnownPatches.from_arrays(scorer.arrays())

    np.testing.assert_array_equal(again.score(NORMALS), scorer.score(NORMALS))


def test_without_an_anomaly_it_cannot_be_fitted():
    with pytest.raises(DataError, match="at least one anomaly type"):
        fit()


def test_normals_without_patches_are_refused():
    with pytest.raises(DataError, match="got none"):
        fit(CRACK, normals=replace(NORMALS, patches=None))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_anomalies_that_are_no_numbers_are_refused(value):
    spoilt = pictures(5, defect=2, seed=1)
    spoilt.patches[3, 0, 0, 0] = value

    with pytest.raises(DataError, match="NaN or infinity"):
        fit(CRACK, spoilt)


def test_pictures_without_patches_cannot_be_scored():
    with pytest.raises(ValueError, match="no patches"):
        fit(CRACK).score(Features(np.ones((2, 1), np.float32)))
