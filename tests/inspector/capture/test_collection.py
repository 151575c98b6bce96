import numpy as np
import pytest

from inspector.capture.collection import Collection
from inspector.errors import ConfigError
from inspector.pictures import read_picture

NOISE = np.random.default_rng(0)


def picture(seed):
    """Of a part that lies somewhere, with noise that is never the same."""
    rng = np.random.default_rng(seed)
    y, x = rng.integers(10, 150, 2)
    pixels = np.full((200, 240, 3), 60.0)
    pixels[y : y + 40, x : x + 40] = 180
    return (pixels + NOISE.normal(0, 3, pixels.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture
def collection(tmp_path):
    return Collection(tmp_path / "set" / "normal", 4.0)


def test_a_picture_is_kept_without_loss_and_nothing_else_is_left(collection):
    one = picture(1)

    path = collection.keep(one, "a")

    assert np.array_equal(read_picture(path), one)
    assert list(collection.folder.iterdir()) == [path]


def test_noise_makes_no_new_picture_and_a_part_that_moved_does(collection):
    collection.keep(picture(1), "a")
    collection.keep(picture(2), "b")

    assert [collection.is_new(picture(seed)) for seed in (1, 2, 3)] == [False, False, True]


def test_what_was_there_before_counts(collection):
    collection.keep(picture(1), "a")
    (collection.folder / "half.png").write_bytes(b"no picture")

    again = Collection(collection.folder, 4.0)

    assert [again.is_new(picture(seed)) for seed in (1, 2)] == [False, True]


def test_a_difference_of_nothing_keeps_all(tmp_path):
    collection = Collection(tmp_path, 0.0)
    collection.keep(picture(1), "a")

    assert collection.is_new(picture(1))


def test_nothing_is_overwritten(collection):
    path = collection.keep(picture(1), "a")
    before = path.read_bytes()

    with pytest.raises(ConfigError, match=r"a\.png is there already"):
        collection.keep(picture(2), "a")

    assert path.read_bytes() == before
    assert list(collection.folder.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match="cannot use the folder"):
        Collection(tmp_path / "file" / "normal", 4.0)
