import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.covariance import LedoitWolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from inspector.errors import DataError
from inspector.inspection import Features
from inspector.scorers.discriminant import Discriminant, DiscriminantSettings


def scattered(n, *, at=(0, 0, 0, 0, 0), seed=0):
    """More in one direction than in another."""
    points = np.array(at) + np.random.default_rng(seed).normal(size=(n, 5)) * [1, 0.5, 0.2, 0.2, 0.1]
    return Features(points.astype(np.float32))


NORMALS = scattered(200)
CRACK, FRAY = scattered(10, at=(0, 2, 0, 0, 0), seed=1), scattered(4, at=(0, 0, 0, 0, 1), seed=2)


def fit(*anomalies, weights=None, normals=NORMALS):
    return DiscriminantSettings().fit(normals, anomalies, weights or [1.0] * len(anomalies))


class CovarianceOfNormals:
    """For scikit-learn, which asks for that of each class and takes their mean."""

    covariance_ = LedoitWolf().fit(NORMALS.embedding.astype(np.float64)).covariance_

    def fit(self, _):
        return self


def test_one_type_ranks_as_sklearns_analysis_with_the_normals_covariance():
    both = np.concatenate([NORMALS.embedding, CRACK.embedding]).astype(np.float64)
    labels = np.repeat([0, 1], [len(NORMALS), len(CRACK)])
    queries = scattered(50, at=(0, 1, 0, 0, 0), seed=3)

    analysis = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=CovarianceOfNormals())
    decision = analysis.fit(both, labels).decision_function(queries.embedding.astype(np.float64))

    scores = fit(CRACK).score(queries)

    # The same but for its unit, and for the place of zero.
    unit = np.sqrt(analysis.coef_[0] @ CovarianceOfNormals.covariance_ @ analysis.coef_[0])
    np.testing.assert_allclose(np.diff(scores), np.diff(decision) / unit, atol=1e-5)


def test_normals_are_at_0_and_scatter_by_about_1():
    scores = fit(CRACK).score(scattered(2000, seed=4))

    assert abs(scores.mean()) < 0.2
    assert 0.8 < scores.std() < 1.2


def test_the_mean_of_an_only_type_is_at_its_mahalanobis_distance():
    normals = NORMALS.embedding.astype(np.float64)
    shift = CRACK.embedding.astype(np.float64).mean(axis=0) - normals.mean(axis=0)

    scores = fit(CRACK).score(CRACK)

    expected = np.sqrt(shift @ LedoitWolf().fit(normals).precision_ @ shift)
    assert scores.mean() == pytest.approx(expected, rel=1e-5)


@given(st.floats(0.1, 10), st.floats(0.1, 10))
def test_several_types_are_the_weighted_mean_of_each_alone(a, b):
    queries = scattered(20, seed=5)

    both = fit(CRACK, FRAY, weights=[a, b]).score(queries)

    alone = [fit(own).score(queries) for own in (CRACK, FRAY)]
    np.testing.assert_allclose(both, (a * alone[0] + b * alone[1]) / (a + b), rtol=1e-4, atol=1e-4)


def test_a_larger_weight_raises_the_scores_of_its_type():
    plain, heavy = (fit(CRACK, FRAY, weights=[1, weight]).score(FRAY) for weight in (1, 3))

    assert heavy.mean() > plain.mean()


def test_a_single_anomaly_is_enough():
    one = Features(CRACK.embedding[:1])

    assert fit(one).score(CRACK).min() > fit(one).score(NORMALS).mean()


def test_fewer_normals_than_dimensions_are_enough():
    few = Features(NORMALS.embedding[:4])

    assert fit(CRACK, normals=few).score(CRACK).mean() > 1


def test_anomalies_that_look_like_the_normals_say_nothing():
    twins = Features(np.array([[1, 0], [-1, 0], [0, 2], [0, -2]], dtype=np.float32))

    np.testing.assert_array_equal(fit(twins, normals=twins).score(twins), 0)


def test_survives_its_arrays():
    scorer = fit(CRACK, FRAY)

    again = Discriminant.from_arrays(scorer.arrays())

    np.testing.assert_array_equal(again.score(NORMALS), scorer.score(NORMALS))


def test_without_an_anomaly_it_cannot_be_fitted():
    with pytest.raises(DataError, match="at least one anomaly type"):
        fit()
