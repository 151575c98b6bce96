import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.covariance import LedoitWolf

from inspector.errors import DataError
from inspector.inspection import Features
from inspector.naming import TypeNamer

SHIFTS = {"crack": (0, 0, 3, 0, 0, 0), "fray": (0, 0, 0, 0, 2, 0), "break": (0, 0, -3, 0, 0, 1)}


def around(shift=(0,) * 6, n=20, seed=0):
    """Rows of length 1, that scatter more in one direction than in another."""
    scales = np.array([0, 0.3, 0.2, 0.1, 0.1, 0.05])
    points = np.eye(6)[0] + scales * (np.random.default_rng(seed).normal(size=(n, 6)) + shift)
    return Features((points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32))


NORMALS = around(n=60)
ANOMALIES = [around(shift, n=6, seed=seed) for seed, shift in enumerate(SHIFTS.values(), start=1)]


@pytest.fixture(scope="module")
def namer():
    return TypeNamer.fit(NORMALS, ANOMALIES)


def test_similarities_are_cosines_in_the_space_in_which_normals_scatter_by_1(namer):
    pooled = around(n=10, seed=9).embedding
    reference = LedoitWolf().fit(NORMALS.embedding.astype(np.float64))
    whiten = np.linalg.cholesky(reference.precision_)

    def cosine(a, b):
        a, b = a @ whiten, b @ whiten
        return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))

    shifts = [own.embedding.astype(np.float64).mean(axis=0) - reference.location_ for own in ANOMALIES]
    expected = [[cosine(picture - reference.location_, shift) for shift in shifts] for picture in pooled]

    np.testing.assert_allclose(namer.similarities(pooled), expected, atol=1e-5)


@pytest.mark.parametrize("number", range(len(SHIFTS)))
def test_pictures_of_a_type_are_most_like_it(namer, number):
    more = around(list(SHIFTS.values())[number], n=30, seed=20 + number)

    likely = namer.probabilities(namer.similarities(more.embedding))

    assert np.mean(likely.argmax(axis=1) == number) > 0.8


def test_what_lies_the_other_way_is_unknown():
    """As far from normal as the known type, and as different from it as can be."""
    namer = TypeNamer.fit(NORMALS, ANOMALIES[:1])
    opposite = around(SHIFTS["break"], n=30, seed=9).embedding

    likely = namer.probabilities(namer.similarities(opposite))

    assert np.mean(likely.argmax(axis=1) == 1) > 0.9


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=5), st.floats(0.01, 10), st.floats(-1, 1))
def test_probabilities_are_the_softmax_of_similarities_and_unknown(similar, temperature, unknown):
    namer = TypeNamer(None, None, None, temperature, unknown)

    (likely,) = namer.probabilities(np.array([similar]))

    exponents = [np.exp((each - max(*similar, unknown)) / temperature) for each in [*similar, unknown]]
    np.testing.assert_allclose(likely, np.array(exponents) / sum(exponents), atol=1e-12)
    assert 0 <= likely.max() <= 1


def test_a_type_that_was_not_known_has_no_probability():
    namer = TypeNamer(None, None, None)

    (likely,) = namer.probabilities(np.array([[0.5, -np.inf]]))

    assert likely[1] == 0
    assert likely.sum() == pytest.approx(1)


def test_the_higher_the_temperature_the_less_sure(namer):
    similar = namer.similarities(ANOMALIES[0].embedding)

    cold, hot = (namer.calibrated(each, 0.2).probabilities(similar).max(axis=1) for each in (0.1, 1.0))

    assert (hot < cold).all()


def test_unknown_is_as_likely_as_a_type_of_that_similarity(namer):
    (likely,) = namer.calibrated(0.3, unknown=0.4).probabilities(np.array([[0.4, 0.1, -0.2]]))

    assert likely[0] == pytest.approx(likely[-1])


def test_a_picture_at_the_mean_of_the_normals_is_like_nothing(namer):
    np.testing.assert_array_equal(namer.similarities(namer.mean[None]), 0)


def test_a_batch_is_named_as_its_pictures_one_by_one(namer):
    pooled = around(n=30, seed=9).embedding

    one_by_one = np.concatenate([namer.similarities(picture[None]) for picture in pooled])

    np.testing.assert_allclose(namer.similarities(pooled), one_by_one, rtol=1e-9, atol=1e-12)


def test_survives_a_file_without_pickle(namer):
    calibrated, file = namer.calibrated(0.7, 0.3), io.BytesIO()

    np.savez(file, allow_pickle=False, **calibrated.arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        again = TypeNamer.from_arrays(dict(arrays))

    pooled = around(n=10, seed=9).embedding
    np.testing.assert_array_equal(
        again.probabilities(again.similarities(pooled)), calibrated.probabilities(calibrated.similarities(pooled))
    )


def test_normals_that_are_all_alike_are_refused():
    same = Features(np.tile(NORMALS.embedding[:1], (5, 1)))

    with pytest.raises(DataError, match="do not vary"):
        TypeNamer.fit(same, ANOMALIES)
