import numpy as np
import pytest
import torch

from tests.parts import good_parts, scratched_parts, small_config
from training.augment import Augmentation, AugmentSettings, ColourPca
from training.dataset import PictureDataset
from training.features import BATCH, embed, pooled_draws
from training.network import Network
from training.sampling import WeightedTypeSampler


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Network(small_config().network, learned=True)


def tensors(parts):
    return torch.from_numpy(parts.transpose(0, 3, 1, 2).astype(np.float32))


def test_features_are_what_the_network_sees_in_the_datasets_order(network):
    parts = good_parts(2 * BATCH + 3)
    done = []

    features = embed(network.train(), PictureDataset(parts, [0] * len(parts)), done.append)

    with torch.no_grad():
        embedding, pooled, patches = network.eval().see(tensors(parts[[0, BATCH, -1]]))
    rows = [0, BATCH, len(parts) - 1]
    np.testing.assert_allclose(features.embedding[rows], embedding, atol=1e-5)
    np.testing.assert_allclose(features.pooled[rows], pooled, atol=1e-5)
    np.testing.assert_allclose(features.patches[rows], patches, atol=1e-4)
    assert len(features) == len(parts)
    assert done == [BATCH, BATCH, 3]


def test_features_are_plain_arrays_in_row_order(network):
    features = embed(network, PictureDataset(good_parts(3), [0, 0, 0]))

    for array in (features.embedding, features.pooled, features.patches):
        assert array.dtype == np.float32
        assert array.flags.c_contiguous


def test_draws_are_computed_once_for_every_epoch_of_the_sampler(network):
    pixels, labels = np.concatenate([good_parts(6), scratched_parts(2)]), [0] * 6 + [1] * 2
    augmentation = Augmentation(AugmentSettings(), ColourPca.fit(pixels))
    pictures = PictureDataset(pixels, labels, augmentation)
    sampler = WeightedTypeSampler(labels, normal=0, weights={1: 1.0}, seed=3)

    features, drawn = pooled_draws(network, pictures, sampler, epochs=2).tensors

    expected = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        expected += [pictures[draw] for draw in sampler]
    with torch.no_grad():
        pooled, _ = network.eval().trunk(torch.stack([picture for picture, _ in expected]))
    torch.testing.assert_close(features, pooled, atol=1e-4, rtol=1e-4)
    assert drawn.tolist() == [label for _, label in expected]
    assert len(features) == 2 * len(sampler) == 24


def test_draws_can_be_learned_from(network):
    """They were computed without gradients, and must still enter a computation with them."""
    labels = [0] * 4
    features, _ = pooled_draws(
        network,
        PictureDataset(good_parts(4), labels),
        WeightedTypeSampler(labels, normal=0, weights={}, seed=0),
        epochs=1,
    ).tensors

    network.head.train()(features).sum().backward()

    assert any(parameter.grad.abs().sum() > 0 for parameter in network.head.parameters())
