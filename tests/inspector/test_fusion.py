from dataclasses import replace

import numpy as np
import pytest

from inspector.errors import DataError
from inspector.fusion import Fusion, PartSettings, fit_fusion
from inspector.inspection import Features
from inspector.scorers.euclidean import EuclideanSettings
from inspector.scorers.knn import KnnSettings
from inspector.scorers.known import KnownSettings
from inspector.scorers.patches import PatchesSettings

EUCLIDEAN = PartSettings(distance=EuclideanSettings())
POOLED = PartSettings(of="pooled", distance=KnnSettings(k=2))
KNOWN = PartSettings(distance=KnownSettings())
PATCHES = PartSettings(distance=PatchesSettings(bank_size=50))


def unit(n, d, *, seed, spread=0.1):
    points = np.eye(d)[0] + np.random.default_rng(seed).normal(scale=spread, size=(n, d))
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def features(n, seed=0):
    return Features(embedding=unit(n, 4, seed=seed), pooled=unit(n, 6, seed=seed + 100, spread=0.3))


def test_one_distance_keeps_its_own_unit():
    normals, queries = features(40), features(5, seed=1)

    fused = fit_fusion((EUCLIDEAN,), normals)

    np.testing.assert_allclose(fused.score(queries), EuclideanSettings().fit(normals).score(queries), rtol=1e-6)


def test_several_are_the_sum_of_their_parts_on_the_scale_of_the_normals():
    fused = fit_fusion((EUCLIDEAN, POOLED), features(400))
    fresh = features(400, seed=7)

    np.testing.assert_allclose(fused.score(fresh), sum(part.score(fresh) for part in fused.parts), rtol=1e-5)
    for part in fused.parts:
        scores = part.score(fresh)
        assert abs(np.median(scores)) < 0.3
        assert 0.7 < scores.std() < 1.4


def test_the_scale_is_the_median_and_deviation_of_every_fourth_normal_when_fitted_on_the_others():
    normals = features(40)
    part = fit_fusion((EUCLIDEAN, POOLED), normals).parts[0]

    unseen, seen = normals.embedding[::4], np.delete(normals.embedding, np.s_[::4], axis=0)
    distances = np.linalg.norm(unseen - seen.mean(axis=0), axis=1)

    assert (part.centre, part.spread) == pytest.approx((np.median(distances), distances.std()), rel=1e-4)
    np.testing.assert_allclose(part.scorer.mean, normals.embedding.mean(axis=0), rtol=1e-6)


def test_the_scale_is_measured_on_normals_that_the_part_has_not_seen():
    """kNN scores what it was fitted on far too low: each normal is its own nearest neighbour."""
    normals = features(40)
    part = fit_fusion((EUCLIDEAN, POOLED), normals).parts[1]

    assert part.centre > np.median(part.scorer.score(Features(normals.pooled)))


def test_a_distance_that_is_mostly_rounding_has_little_say():
    collapsed = Features(embedding=unit(40, 4, seed=0, spread=1e-7), pooled=unit(40, 6, seed=1))

    fused = fit_fusion((EUCLIDEAN, POOLED), collapsed)
    nudged = Features(embedding=collapsed.embedding + np.float32(1e-6), pooled=collapsed.pooled)

    np.testing.assert_allclose(fused.parts[0].score(nudged), fused.parts[0].score(collapsed), atol=1e-2)


def test_known_anomalies_raise_the_score_of_their_like():
    normals, cracks = features(40), Features(embedding=np.roll(unit(10, 4, seed=3), 1, axis=1))

    without, fused = fit_fusion((EUCLIDEAN, KNOWN), normals), fit_fusion((EUCLIDEAN, KNOWN), normals, [cracks])

    assert [part.record.kind for part in without.parts] == ["euclidean"]
    assert fused.score(cracks).min() > fused.score(normals).max() + 5


def test_known_alone_without_anomalies_is_refused():
    with pytest.raises(DataError, match="no other distance than 'known'"):
        fit_fusion((KNOWN,), features(40))


def test_too_few_normals_are_refused():
    with pytest.raises(DataError, match="at least 8 normal pictures, got 7"):
        fit_fusion((EUCLIDEAN, POOLED), features(7))


def with_patches(n, seed):
    return replace(features(n, seed), patches=unit(6 * n, 5, seed=seed).reshape(n, 2, 3, 5))


@pytest.mark.parametrize(
    "settings",
    [(EUCLIDEAN,), (EUCLIDEAN, POOLED), (POOLED, KNOWN, PATCHES), 12 * (EUCLIDEAN,)],
    ids=["one", "two", "mixed", "more than ten"],
)
def test_scores_survive_the_bundles_arrays(settings):
    normals, queries = with_patches(40, seed=0), with_patches(5, seed=1)
    fused = fit_fusion(settings, normals, [features(3, seed=9)])

    again = Fusion.from_arrays(tuple(part.record for part in fused.parts), fused.arrays())

    np.testing.assert_array_equal(again.score(queries), fused.score(queries))


def test_pooled_features_are_asked_for_where_there_are_none():
    with pytest.raises(ValueError, match="without pooled features"):
        fit_fusion((POOLED,), Features(unit(40, 4, seed=0)))


def test_arrays_of_other_parts_are_refused():
    fused = fit_fusion((EUCLIDEAN, POOLED), features(40))
    records = tuple(part.record for part in reversed(fused.parts))

    with pytest.raises((KeyError, TypeError)):
        Fusion.from_arrays(records, fused.arrays())
