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


def test_distances_are_exact():
    bank, queries = features(5), features(3, seed=1)
    scorer = PatchesSettings().fit(bank)

    flat = bank.patches.reshape(-1, 6)
    expected = [
        [[min(np.linalg.norm(patch - each) for each in flat) for patch in row] for row in picture]
        for picture in queries.patches
    ]

    np.testing.assert_allclose(scorer.distances(queries), expected, atol=1e-4)


def test_the_score_is_the_mean_of_the_worst_share():
    scorer = PatchesSettings(worst_share=0.25).fit(features(5))
    queries = features(3, seed=1)

    worst = np.sort(scorer.distances(queries).reshape(3, -1), axis=1)[:, -3:]

    np.testing.assert_allclose(scorer.score(queries), worst.mean(axis=1), rtol=1e-6)


def test_the_bank_is_no_larger_than_asked_and_made_of_normal_patches():
    normals = features(30)
    scorer = PatchesSettings(bank_size=50, candidates=200).fit(normals)

    assert scorer.bank.shape == (50, 6)
    known = {patch.tobytes() for patch in normals.patches.reshape(-1, 6)}
    assert {patch.tobytes() for patch in scorer.bank} <= known


def test_one_odd_place_is_found():
    normals = features(20)
    queries = features(1, seed=1)
    scorer = PatchesSettings().fit(normals)
    before = scorer.score(queries)
    queries.patches[0, 1, 2] += 50

    assert scorer.score(queries) > before + 10
    assert np.unravel_index(scorer.distances(queries)[0].argmax(), (3, 4)) == (1, 2)


def test_normals_without_patches_are_refused():
    with pytest.raises(DataError, match="got none"):
        PatchesSettings().fit(Features(np.ones((5, 2), np.float32)))
