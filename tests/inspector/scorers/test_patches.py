import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.errors import DataError
from inspector.inspection import Features
from inspector.scorers.patches import PatchesSettings, greedy_k_centre


def features(n, seed=0, rows=3, columns=4, channels=6):
    rng = np.random.default_rng(seed)
    return Features(
        embedding=np.ones((n, 1), np.float32),
        patches=rng.standard_normal((n, rows, columns, channels), dtype=np.float32),
    )


@given(n=st.integers(1, 60), k=st.integers(1, 40), seed=st.integers(0, 5))
def test_greedy_k_centre_equals_the_obvious_loop(n, k, seed):
    points = np.random.default_rng(seed).standard_normal((n, 3), dtype=np.float32)

    chosen = [0]
    while len(chosen) < min(n, k):
        gaps = [min(float(np.sum((p - points[c]) ** 2)) for c in chosen) for p in points]
        chosen.append(int(np.argmax(gaps)))

    expected = range(n) if n <= k else chosen
    assert greedy_k_centre(points, k).tolist() == list(expected)


@given(seed=st.integers(0, 20))
def test_no_choice_of_as_many_covers_the_points_twice_as_well(seed):
    points = np.random.default_rng(seed).standard_normal((9, 2), dtype=np.float32)
    gaps = np.linalg.norm(points[:, None] - points, axis=2)

    def radius(rows):
        return gaps[:, list(rows)].min(axis=1).max()

    best = min(radius(rows) for rows in itertools.combinations(range(9), 3))
    assert radius(greedy_k_centre(points, 3)) <= 2 * best + 1e-5


def test_points_that_are_all_alike_are_no_trouble():
    assert len(greedy_k_centre(np.ones((20, 3), np.float32), 5)) == 5


def test_distances_are_exact():
    bank, queries = features(5), features(3, seed=1)
    scorer = PatchesSettings().fit(bank)

    flat = bank.patches.reshape(-1, 6)
    expected = [
        [[min(np.linalg.norm(patch - each) for each in flat) for patch in row] for row in picture]
        for picture in queries.patches
    ]

    np.testing.assert_allclose(scorer.map(queries), expected, atol=1e-4)


def test_distances_are_exact_in_many_dimensions_far_from_the_origin():
    rng = np.random.default_rng(0)
    bank, queries = ((5 + rng.standard_normal((2, 4, 4, 112))).astype(np.float32) for _ in range(2))
    scorer = PatchesSettings().fit(Features(np.ones((2, 1), np.float32), patches=bank))

    gaps = queries.reshape(-1, 1, 112).astype(np.float64) - bank.reshape(1, -1, 112)
    expected = np.linalg.norm(gaps, axis=2).min(axis=1)

    distances = scorer.map(Features(np.ones((2, 1), np.float32), patches=queries))
    np.testing.assert_allclose(distances.ravel(), expected, atol=1e-4)


def test_a_patch_of_the_bank_is_at_distance_0():
    """A distance by products alone would be a rounding error that looks like one."""
    normals = features(3, channels=112)
    scorer = PatchesSettings().fit(normals)

    np.testing.assert_array_equal(scorer.map(normals), 0)


def test_the_bank_has_a_patch_of_every_kind_however_rare():
    rng = np.random.default_rng(0)
    kinds = 20 * np.eye(8, dtype=np.float32)[[*np.repeat(np.arange(7), 170), 7, 7]]
    patches = (kinds + 0.1 * rng.standard_normal(kinds.shape)).astype(np.float32).reshape(149, 2, 4, 8)

    bank = PatchesSettings(bank_size=8).fit(Features(np.ones((149, 1), np.float32), patches=patches)).bank.patches

    assert sorted(bank.argmax(axis=1)) == list(range(8))


def test_the_same_normals_give_the_same_bank():
    settings = PatchesSettings(bank_size=20, candidates=100)

    np.testing.assert_array_equal(*(settings.fit(features(30)).bank.patches for _ in range(2)))


def test_a_single_patch_is_the_least_that_a_score_is_made_of():
    scorer = PatchesSettings(worst_share=0.001).fit(features(5))
    queries = features(3, seed=1)

    np.testing.assert_array_equal(scorer.score(queries), scorer.map(queries).max(axis=(1, 2)))


def test_the_score_is_the_mean_of_the_worst_share():
    scorer = PatchesSettings(worst_share=0.25).fit(features(5))
    queries = features(3, seed=1)

    worst = np.sort(scorer.map(queries).reshape(3, -1), axis=1)[:, -3:]

    np.testing.assert_allclose(scorer.score(queries), worst.mean(axis=1), rtol=1e-6)


def test_the_bank_is_no_larger_than_asked_and_made_of_normal_patches():
    normals = features(30)
    scorer = PatchesSettings(bank_size=50, candidates=200).fit(normals)

    assert scorer.bank.patches.shape == (50, 6)
    known = {patch.tobytes() for patch in normals.patches.reshape(-1, 6)}
    assert {patch.tobytes() for patch in scorer.bank.patches} <= known


def test_one_odd_place_is_found():
    normals = features(20)
    queries = features(1, seed=1)
    scorer = PatchesSettings().fit(normals)
    before = scorer.score(queries)
    queries.patches[0, 1, 2] += 50

    assert scorer.score(queries) > before + 10
    assert np.unravel_index(scorer.map(queries)[0].argmax(), (3, 4)) == (1, 2)


def test_pictures_without_patches_cannot_be_scored():
    with pytest.raises(ValueError, match="no patches"):
        PatchesSettings().fit(features(5)).score(Features(np.ones((2, 1), np.float32)))


def test_normals_without_patches_are_refused():
    with pytest.raises(DataError, match="got none"):
        PatchesSettings().fit(Features(np.ones((5, 2), np.float32)))


@pytest.mark.parametrize("worst_share", [0.001, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("odd", [0, 1, 40])
def test_a_score_is_that_of_the_whole_map_though_it_looks_at_few_places(worst_share, odd):
    scorer = PatchesSettings(worst_share=worst_share).fit(features(20, rows=14, columns=14, channels=40))
    queries = features(6, seed=1, rows=14, columns=14, channels=40)
    queries.patches.reshape(6, -1, 40)[:, :odd] *= 3

    np.testing.assert_array_equal(scorer.score(queries), scorer.score_of_map(scorer.map(queries)))


@pytest.mark.filterwarnings("ignore:invalid value")
def test_one_place_that_is_not_a_number_makes_the_score_none():
    queries = features(2, seed=1)
    queries.patches[1, 0, 0, 0] = np.nan

    scores = PatchesSettings().fit(features(5)).score(queries)

    assert np.isnan(scores).tolist() == [False, True]
