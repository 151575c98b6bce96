import cv2
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from inspector.errors import DataError
from inspector.pictures import read_picture, resize
from training.augment import Augmentation, AugmentSettings, ColourPca
from training.dataset import PictureDataset, read_pictures
from training.sampling import Draw, WeightedTypeSampler

LABELS = [0, 0, 1]


@pytest.fixture
def paths(tmp_path):
    """Three pictures of 20 x 30."""
    paths = [tmp_path / name for name in ("a.png", "b.jpg", "c.bmp")]
    for seed, path in enumerate(paths):
        pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        assert cv2.imwrite(str(path), pixels)
    return paths


@pytest.fixture
def pixels(paths):
    return read_pictures(paths, (20, 30))


@pytest.fixture
def augmented(pixels):
    colours = ColourPca(vectors=np.eye(3), variances=np.full(3, 0.1))
    return PictureDataset(pixels, LABELS, Augmentation(AugmentSettings(noise=0.1), colours))


def test_pictures_are_read_in_order_and_resized_to_height_and_width(paths):
    told, were = [], set()

    pixels = read_pictures(paths, (8, 16), told.append, were)

    assert told == [1, 1, 1]
    assert were == {(20, 30)}
    assert pixels.dtype == np.uint8
    for own, path in zip(pixels, paths, strict=True):
        np.testing.assert_array_equal(own, resize(read_picture(path), 8, 16))


def test_no_pictures_are_an_empty_array():
    assert read_pictures([], (8, 16)).shape == (0, 8, 16, 3)


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_a_file_that_is_gone_or_broken_is_named(paths, spoil):
    spoil(paths[1])

    with pytest.raises(DataError, match=r"b\.jpg: .*\. Remove the file, or replace it"):
        read_pictures(paths, (8, 16))


def test_a_plain_index_gives_the_picture_itself_as_levels(augmented, pixels):
    tensor, label = augmented[2]

    assert len(augmented) == 3
    assert (tensor.dtype, tuple(tensor.shape), label) == (torch.float32, (3, 20, 30), 1)
    assert tensor.is_contiguous()
    np.testing.assert_array_equal(tensor.numpy().transpose(1, 2, 0), pixels[2])


def test_a_draw_augments_by_its_seed(augmented):
    first, again, other = (augmented[Draw(1, (0, 0, number))][0] for number in (3, 3, 4))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert not torch.equal(first, augmented[1][0])
    assert augmented[Draw(2, (0, 0, 3))][1] == 1


def test_augmenting_leaves_the_picture_in_memory_as_it_is(augmented, pixels):
    before = pixels.copy()

    augmented[Draw(1, (0, 0, 3))]

    np.testing.assert_array_equal(pixels, before)


def test_a_draw_without_augmentation_is_the_picture(pixels):
    dataset = PictureDataset(pixels, LABELS)

    assert torch.equal(dataset[Draw(1, (0, 0, 3))][0], dataset[1][0])


def test_workers_give_the_same_batches(augmented):
    sampler = WeightedTypeSampler(augmented.labels, normal=0, weights={1: 1}, seed=9)

    alone, shared = (
        list(DataLoader(augmented, batch_size=2, sampler=sampler, num_workers=workers)) for workers in (0, 2)
    )

    assert len(alone) == len(shared) == 2
    for (tensors, labels), (tensors_shared, labels_shared) in zip(alone, shared, strict=True):
        assert torch.equal(tensors, tensors_shared)
        assert torch.equal(labels, labels_shared)


def test_a_label_for_each_picture():
    with pytest.raises(ValueError, match="3 pictures but 2 labels"):
        PictureDataset(np.zeros((3, 8, 16, 3), np.uint8), [0, 0])
