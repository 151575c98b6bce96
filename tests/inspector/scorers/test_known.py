import numpy as np
import pytest

from inspector.errors import DataError
from inspector.inspection import Features
from inspector.scorers.known import KnownSettings

NORMAL, CRACK, FRAY = np.eye(3, dtype=np.float32)


def around(direction, n=20, seed=0):
    points = direction + np.random.default_rng(seed).normal(scale=0.02, size=(n, 3))
    return Features((points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32))


@pytest.fixture
def scorer():
    return KnownSettings().fit(around(NORMAL), [around(CRACK), around(FRAY)], [1.0, 1.0])


def test_types_are_the_mean_directions_of_their_pictures(scorer):
    for direction, own in zip(scorer.types, (around(CRACK), around(FRAY)), strict=True):
        mean = np.mean(list(own.embedding), axis=0)
        np.testing.assert_allclose(direction, mean / np.linalg.norm(mean), atol=1e-6)


def test_equals_the_obvious_loop(scorer):
    queries = np.random.default_rng(1).normal(size=(10, 3)).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)

    expected = [max(float(q @ t) for t in scorer.types) - float(q @ scorer.normal) for q in queries]

    np.testing.assert_allclose(scorer.score(Features(queries)), expected, atol=1e-6)


def test_any_known_type_scores_above_every_normal(scorer):
    normal = scorer.score(around(NORMAL, seed=2))

    for known in (CRACK, FRAY):
        assert scorer.score(around(known, seed=2)).min() > normal.max()


def test_without_an_anomaly_it_cannot_be_fitted():
    with pytest.raises(DataError, match="at least one anomaly type"):
        KnownSettings().fit(around(NORMAL), [], [])
