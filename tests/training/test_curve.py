import numpy as np
import pytest

from inspector.inspection import Features
from training.curve import worth_of_more


def features(pooled):
    """The embedding must not count."""
    return Features(np.zeros((len(pooled), 1), np.float32), np.asarray(pooled, np.float32))


def scattered(n, dimensions, seed):
    return features(np.random.default_rng(seed).uniform(size=(n, dimensions)))


@pytest.mark.parametrize("dimensions", [1, 2, 4])
def test_the_nearest_of_twice_as_many_is_nearer_as_the_dimension_has_it(dimensions):
    """In d dimensions the distance to the nearest of n falls with the d-th root of n."""
    worth = worth_of_more(scattered(2000, dimensions, 0), scattered(1000, dimensions, 1))

    assert worth == pytest.approx(1 - 2 ** (-1 / dimensions), abs=0.03)


def test_normals_that_are_all_alike_have_shown_all_there_is():
    assert worth_of_more(features(np.ones((20, 3))), features(np.ones((5, 3)))) == 0


def test_many_copies_of_a_few_are_worth_less_than_as_many_different_ones():
    few = np.random.default_rng(0).uniform(size=(8, 4))
    unseen = scattered(50, 4, 1)

    copies, different = (
        worth_of_more(features(np.tile(few, (16, 1))), unseen),
        worth_of_more(scattered(128, 4, 0), unseen),
    )

    assert copies < 0.01 < different


def test_two_normals_are_enough_to_ask():
    assert 0 <= worth_of_more(scattered(2, 3, 0), scattered(3, 3, 1)) <= 1


def test_is_the_same_each_time():
    normals, unseen = scattered(30, 3, 0), scattered(10, 3, 1)

    assert worth_of_more(normals, unseen) == worth_of_more(normals, unseen)


def test_features_without_pooled_ones_are_refused():
    bare = Features(np.ones((3, 2), np.float32))

    with pytest.raises(ValueError, match="without pooled features"):
        worth_of_more(bare, bare)
