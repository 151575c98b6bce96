import io
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.bundle import score_tolerance
from inspector.fusion import (
    FEWEST_NEIGHBOURS,
    LEAST_SPREAD,
    ONSET,
    OVERALL_SHARE,
    PEERS,
    ROUNDING,
    Fusion,
    Part,
    PartRecord,
    PartSettings,
    deviations,
    fused,
    neighbourhood,
    viewed,
)
from inspector.inspection import Features
from inspector.scorers.discriminant import DiscriminantSettings
from inspector.scorers.euclidean import EuclideanSettings
from inspector.scorers.known_patches import KnownPatchesSettings
from inspector.scorers.mahalanobis import MahalanobisSettings
from inspector.scorers.patches import PatchesSettings

EUCLIDEAN = PartSettings(distance=EuclideanSettings())
POOLED = PartSettings(of="pooled", distance=MahalanobisSettings())
PATCHES = PartSettings(distance=PatchesSettings(bank_size=50))
DISCRIMINANT = PartSettings(of="pooled", distance=DiscriminantSettings())
KNOWN_PATCHES = PartSettings(distance=KnownPatchesSettings())
ALL = (EUCLIDEAN, POOLED, PATCHES, DISCRIMINANT, KNOWN_PATCHES)

SHARE_OF_SPREAD = 3e-4
"""That rounding may move a part by: training sets each part's least spread so."""


def features(n, seed=0, *, spread=0.3, shift=0.0):
    """Pictures that differ from each other by ``spread``, and from normal ones by ``shift``.

    Their patches always differ by 1: the network standardises them.
    """
    rng = np.random.default_rng(seed)

    def vectors(d):
        points = np.linspace(1, 2, d) + spread * rng.normal(size=(n, d)) + shift * np.eye(d)[1]
        return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)

    patches = rng.normal(size=(n, 2, 3, 5)) + shift * np.eye(5)[1]
    return Features(embedding=vectors(4), pooled=vectors(6), patches=patches.astype(np.float32))


def nudged(seen, by, seed=0):
    """The features as another machine might round them."""
    rng = np.random.default_rng(seed)

    def moved(vectors):
        noise = rng.standard_normal(vectors.shape)
        noise *= np.linalg.norm(vectors, axis=-1, keepdims=True) / np.linalg.norm(noise, axis=-1, keepdims=True)
        return (vectors + by * noise).astype(np.float32)

    return Features(moved(seen.embedding), moved(seen.pooled), moved(seen.patches))


def fitted(settings, normals, references, gain=1.0):
    """Fitted on normals, with the scale that other normals give it."""
    cracks = features(6, seed=9, shift=3)
    parts = []
    for part in settings:
        seen, anomalies = viewed(normals, part.of), viewed(cracks, part.of)
        scorer = part.distance.fit(seen, [anomalies], [1.0]) if part.is_evidence else part.distance.fit(seen)
        left_out = viewed(references, part.of)
        scores = scorer.score(left_out)
        moved = np.abs(scorer.score(viewed(nudged(references, 1e-6), part.of)) - scores).max()
        record = PartRecord(kind=part.distance.kind, of=part.of)
        parts.append(Part(record, scorer, scores, float(moved) / SHARE_OF_SPREAD))
    return Fusion(tuple(parts), references.pooled, gain, heat=(0.5, 0.25))


@cache
def example(*settings, gain=1.0):
    return fitted(settings, features(40), features(60, seed=1), gain)


def deviation_of_one(scores, references, floor, weights, near):
    """(n,) of a single part."""
    return deviations(scores[:, None], references[:, None], [floor], weights, near)[:, 0]


def obvious_deviation(score, pooled, part, references):
    """One picture, one neighbour at a time."""
    similar = [float(pooled.astype(float) @ each.astype(float)) for each in references]
    ranked = sorted(range(len(similar)), key=lambda row: -similar[row])
    k = max(FEWEST_NEIGHBOURS, round(PEERS * len(ranked)))
    left_out = similar[ranked[k]]
    total = sum(similar[row] - left_out for row in ranked[:k]) + k * ROUNDING
    weights = {row: (similar[row] - left_out) / total for row in ranked[:k]}
    rest = 1 - sum(weights.values())
    weights = [weights.get(row, 0) + rest / len(similar) for row in range(len(similar))]
    own = part.references.astype(float)
    mean = sum(weight * each for weight, each in zip(weights, own, strict=True))
    variance = sum(weight * (each - mean) ** 2 for weight, each in zip(weights, own, strict=True))
    spread = OVERALL_SHARE * own.std() + (1 - OVERALL_SHARE) * variance**0.5
    return (score - mean) / max(spread, part.floor, LEAST_SPREAD)


@pytest.mark.parametrize("references", [12, 60], ids=["fewest neighbours", "a share of them"])
@pytest.mark.parametrize("spread", [0.01, 0.3], ids=["normals nearly alike", "normals that differ"])
@pytest.mark.parametrize("gain", [0.0, 0.5, 2.0])
def test_equals_the_obvious_loop(references, spread, gain):
    fusion = fitted(ALL, features(40, spread=spread), features(references, seed=1, spread=spread), gain)
    queries = features(8, seed=2, spread=spread, shift=spread)

    expected = []
    for row, pooled in enumerate(queries.pooled):
        said = [
            obvious_deviation(float(part.score(queries)[row]), pooled, part, fusion.references) for part in fusion.parts
        ]
        expected.append(sum(said[:3]) + gain * sum(max(each - ONSET, 0) for each in said[3:]))

    np.testing.assert_allclose(fusion.score(queries), expected, rtol=1e-3, atol=1e-3)


def test_fresh_normals_deviate_by_about_1_and_known_anomalies_by_more():
    fusion = fitted((POOLED,), features(200), features(200, seed=1))

    normal, cracks = fusion.score(features(300, seed=3)), fusion.score(features(30, seed=4, shift=3))

    assert abs(np.median(normal)) < 0.5
    assert 0.7 < normal.std() < 1.5
    assert cracks.min() > np.quantile(normal, 0.99)


def test_a_picture_is_compared_with_the_normals_that_look_like_it():
    """Grainy pictures score high and smooth ones low, all of them normal: a smooth one halfway up is abnormal."""
    rng = np.random.default_rng(0)
    smooth, grainy = (np.array(way) + rng.normal(0, 0.01, (50, 2)) for way in ([1, 0], [0, 1]))
    references = np.concatenate([smooth, grainy]).astype(np.float32)
    scores = np.concatenate([rng.normal(1, 0.1, 50), rng.normal(9, 0.1, 50)]).astype(np.float32)

    looks = np.array([[1, 0], [0, 1]], np.float32)
    of_smooth, of_grainy = deviation_of_one(np.array([5, 5], np.float32), scores, 0, *neighbourhood(looks, references))

    assert of_smooth > 2
    assert of_grainy < -2


class TestNeighbourhood:
    POOLED = features(60, seed=1).pooled

    @pytest.mark.parametrize(("references", "neighbours"), [(2, 1), (11, 10), (12, 10), (50, 10), (60, 12)])
    def test_neighbours_are_a_share_at_least_ten_but_never_all(self, references, neighbours):
        weights, near = neighbourhood(features(5).pooled, self.POOLED[:references])

        assert weights.shape == near.shape == (5, neighbours)

    def test_neighbours_are_the_most_similar_ones_and_the_nearest_weighs_most(self):
        pooled = features(5).pooled

        weights, near = neighbourhood(pooled, self.POOLED)

        np.testing.assert_array_equal(near, np.argsort(-(pooled @ self.POOLED.T), axis=1)[:, :12])
        assert (np.diff(weights, axis=1) <= 0).all()
        assert (weights >= 0).all()

    def test_a_picture_that_is_a_reference_is_compared_with_the_others_only(self):
        weights, near = neighbourhood(self.POOLED, self.POOLED, itself=np.arange(60))

        for row in range(60):
            others = np.delete(np.arange(60), row)
            alone, rows = neighbourhood(self.POOLED[row : row + 1], self.POOLED[others])
            np.testing.assert_array_equal(near[row], others[rows[0]])
            np.testing.assert_allclose(weights[row], alone[0], rtol=1e-5)

    def test_references_that_are_all_alike_count_alike(self):
        alike = np.tile(self.POOLED[:1], (60, 1))

        weights, _ = neighbourhood(self.POOLED[:3], alike)

        np.testing.assert_allclose(weights, 0, atol=1e-6)

    def test_a_batch_is_as_its_pictures_one_by_one(self):
        pooled = features(20).pooled

        weights, near = neighbourhood(pooled, self.POOLED)

        for row in range(20):
            alone, rows = neighbourhood(pooled[row : row + 1], self.POOLED)
            np.testing.assert_array_equal(near[row], rows[0])
            np.testing.assert_allclose(weights[row], alone[0], rtol=1e-5, atol=1e-9)


@given(seed=st.integers(0, 10_000), spread=st.sampled_from([1e-3, 1e-2, 0.3]))
def test_the_score_is_continuous_when_a_neighbour_enters_or_leaves(seed, spread):
    references = features(60, seed=1, spread=spread)
    fusion = fitted((POOLED, DISCRIMINANT), features(40, spread=spread), references)
    start, end = features(2, seed, spread=spread).pooled.astype(np.float64)
    scores = np.array([[fusion.parts[0].references.max(), fusion.parts[1].references.max()]])

    def at(place):
        return (start + place * (end - start))[None]

    def neighbours(place):
        return set(neighbourhood(at(place), fusion.references)[1][0].tolist())

    before, after = 0.0, 1.0
    if neighbours(after) == neighbours(before):
        return
    while after - before > 1e-12:
        middle = (before + after) / 2
        before, after = (middle, after) if neighbours(middle) == neighbours(0.0) else (before, middle)

    assert fusion.fuse(scores, at(before)) == pytest.approx(fusion.fuse(scores, at(after)), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("spread", [1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 1e-1])
@pytest.mark.parametrize(
    "settings", [(EUCLIDEAN,), (POOLED,), (PATCHES,), ALL], ids=["embedding", "pooled", "patches", "all"]
)
def test_rounding_moves_no_score_of_normals_that_are_nearly_alike(settings, spread):
    fusion = fitted(settings, features(40, spread=spread), features(60, seed=1, spread=spread))
    fresh = features(1000, seed=2, spread=spread)
    scores = fusion.score(fresh)

    for seed in range(5):
        again = fusion.score(nudged(fresh, 3e-7, seed))
        assert (np.abs(again - scores) <= [score_tolerance(score) for score in scores]).all()


def test_what_the_neighbours_leave_over_belongs_to_all_references():
    references = np.array([0, 0, 4, 8], np.float32)
    weights, near = np.array([[0.5, 0.1]], np.float32), np.array([[3, 0]])

    overall = np.array([0.1 + 0.1, 0.1, 0.1, 0.1 + 0.5])
    mean = overall @ references
    spread = OVERALL_SHARE * references.std() + (1 - OVERALL_SHARE) * np.sqrt(overall @ (references - mean) ** 2)

    said = deviation_of_one(np.array([9], np.float32), references, 0.0, weights, near)
    assert said == pytest.approx((9 - mean) / spread, rel=1e-5)


def test_a_part_that_rounding_moves_has_a_least_spread():
    scores, references = np.array([1.5], np.float32), np.full(60, 1, np.float32)
    neighbours = neighbourhood(features(1).pooled, features(60, seed=1).pooled)

    assert deviation_of_one(scores, references, 0.25, *neighbours) == pytest.approx(2)
    assert deviation_of_one(scores, references, 0.0, *neighbours) == pytest.approx(0.5 / LEAST_SPREAD)


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50), st.floats(-50, 50)), min_size=1, max_size=5),
    st.floats(0, 10),
)
def test_evidence_never_lowers_a_score(said, gain):
    deviating = np.array(said, dtype=np.float32)

    scores = fused(deviating, [False, True, True], gain)

    assert (scores >= deviating[:, 0]).all()


@given(st.floats(-50, 50), st.floats(-50, ONSET), st.floats(0, 10))
def test_evidence_below_its_onset_says_nothing(distance, evidence, gain):
    (score,) = fused(np.array([[distance, evidence]], np.float32), [False, True], gain)

    assert score == np.float32(distance)


def test_evidence_counts_from_the_onset_that_is_asked_for():
    assert fused(np.array([[2, 3]], np.float32), [False, True], gain=1, onset=0.5) == pytest.approx(4.5)


def test_evidence_counts_from_its_onset_times_the_gain():
    assert fused(np.array([[2, ONSET + 3]], np.float32), [False, True], gain=0.5) == pytest.approx(3.5)


def test_known_anomalies_raise_the_score_of_their_like_and_lower_none():
    queries = features(30, seed=3), features(30, seed=4, shift=3)

    (normal, cracks), (normal_with, cracks_with) = (
        [fusion.score(own) for own in queries] for fusion in (example(POOLED), example(POOLED, DISCRIMINANT))
    )

    assert (normal_with >= normal).all()
    assert (cracks_with > cracks + 1).all()


def test_a_gain_of_0_leaves_the_normals_alone_to_judge():
    queries = features(30, seed=4, shift=3)

    np.testing.assert_allclose(example(POOLED, DISCRIMINANT, gain=0.0).score(queries), example(POOLED).score(queries))


@pytest.mark.parametrize("n", [0, 1, 50])
def test_a_batch_scores_as_its_pictures_do_one_by_one(n):
    fusion, batch = example(*ALL), features(n, seed=2)

    def picture(row):
        here = slice(row, row + 1)
        return Features(batch.embedding[here], batch.pooled[here], batch.patches[here])

    scores = fusion.score(batch)

    assert (scores.shape, scores.dtype) == ((n,), np.float32)
    one_by_one = [fusion.score(picture(row))[0] for row in range(n)]
    np.testing.assert_allclose(scores, one_by_one, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("spoilt", ["embedding", "pooled", "patches"])
@pytest.mark.parametrize(
    "settings", [(EUCLIDEAN,), (POOLED,), (PATCHES,), ALL], ids=["embedding", "pooled", "patches", "all"]
)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:overflow:RuntimeWarning")
def test_a_feature_that_is_no_number_gives_its_picture_no_finite_score(settings, spoilt, value):
    """Also where no part looks at it: so that the station can tell, and answer ERROR."""
    seen = features(3, seed=2)
    getattr(seen, spoilt)[1, ..., 2] = value

    finite = np.isfinite(example(*settings).score(seen))

    np.testing.assert_array_equal(finite, [True, False, True])


@pytest.mark.parametrize(
    "settings", [(EUCLIDEAN,), ALL, 12 * (POOLED,)], ids=["one", "all kinds of parts", "more than ten"]
)
def test_scores_survive_a_file_without_pickle(settings):
    fusion, queries, file = example(*settings, gain=1.5), features(9, seed=2, shift=0.5), io.BytesIO()

    np.savez(file, allow_pickle=False, **fusion.arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        again = Fusion.from_arrays(tuple(part.record for part in fusion.parts), dict(arrays))

    np.testing.assert_array_equal(again.score(queries), fusion.score(queries))
    assert (again.gain, again.heat) == (fusion.gain, fusion.heat)
    assert [part.floor for part in again.parts] == [part.floor for part in fusion.parts]


def test_arrays_of_other_parts_are_refused():
    fusion = example(EUCLIDEAN, POOLED)
    records = tuple(part.record for part in reversed(fusion.parts))

    with pytest.raises((KeyError, TypeError)):
        Fusion.from_arrays(records, fusion.arrays())


def test_the_heat_map_is_the_memory_banks_in_spreads_of_normal_places():
    fusion, queries = example(*ALL), features(3, seed=2)

    np.testing.assert_allclose(fusion.heat_map(queries), (fusion.parts[2].scorer.map(queries) - 0.5) / 0.25, rtol=1e-5)


def test_without_a_memory_bank_there_is_no_heat_map():
    assert example(EUCLIDEAN, KNOWN_PATCHES).heat_map(features(3)) is None


def test_pooled_features_are_asked_for_where_there_are_none():
    with pytest.raises(ValueError, match="without pooled features"):
        example(EUCLIDEAN).score(replace(features(3), pooled=None))


def test_settings_tell_evidence_from_distances():
    assert [part for part in ALL if part.is_evidence] == [DISCRIMINANT, KNOWN_PATCHES]


def test_settings_tell_what_is_measured_in_what_metric_learning_made():
    """Patches are not, whatever ``of`` says."""
    assert [part for part in ALL if part.is_of_embedding] == [EUCLIDEAN]


def test_with_all_normals_as_peers_a_score_is_compared_with_all_alike():
    references = np.array([1, 2, 3, 6], np.float32)
    looks = features(4).pooled

    weights, near = neighbourhood(looks, looks, peers=1.0)

    said = deviation_of_one(np.array([5], np.float32), references, 0, weights[:1], near[:1])
    np.testing.assert_allclose(said, (5 - references.mean()) / references.std(), rtol=1e-6)
