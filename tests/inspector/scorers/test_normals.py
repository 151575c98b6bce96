import numpy as np
import pytest

from inspector.errors import DataError
from inspector.inspection import Features
from inspector.scorers.normals import usable


def test_embeddings_come_back_in_double_precision():
    embedding = np.eye(3, dtype=np.float32)

    doubles = usable(Features(embedding))

    assert doubles.dtype == np.float64
    np.testing.assert_array_equal(doubles, embedding)


@pytest.mark.parametrize("n", [0, 1])
def test_says_how_many_normals_are_needed(n):
    with pytest.raises(DataError, match=f"at least 2 normal pictures, got {n}"):
        usable(Features(np.ones((n, 4), dtype=np.float32)))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_says_which_embedding_is_spoilt(value):
    embedding = np.ones((5, 4), dtype=np.float32)
    embedding[[2, 4], 1] = value

    with pytest.raises(DataError, match=r"2 of 5 normal pictures hold NaN or infinity, the first at index 2"):
        usable(Features(embedding))
