import numpy as np
import pytest
import torch

from tests.parts import good_parts, scratched_parts, small_config
from training.augment import Augmentation, AugmentSettings, ColourPca
from training.dataset import PictureDataset
from training.features import (
    BATCH,
    LEAST_CHANNEL_SPREAD,
    PatchScale,
    Seen,
    embed,
    pooled_draws,
    see,
    standardise_patches,
)
from training.network import Network, NetworkSettings, UnitLength
from training.sampling import Draw, WeightedTypeSampler
from training.tiling import TilesSettings


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Network(small_config().network, learned=True)


def plain(parts):
    return PictureDataset(parts, [0] * len(parts))


def tensors(parts):
    return torch.from_numpy(parts.transpose(0, 3, 1, 2).astype(np.float32))


def test_features_are_what_the_network_sees_in_the_datasets_order(network):
    parts = good_parts(2 * BATCH + 3)
    done = []

    features = embed(network.train(), plain(parts), done.append)

    with torch.no_grad():
        embedding, pooled, patches = network.eval().see(tensors(parts[[0, BATCH, -1]]))
    rows = [0, BATCH, len(parts) - 1]
    np.testing.assert_allclose(features.embedding[rows], embedding, atol=1e-5)
    np.testing.assert_allclose(features.pooled[rows], pooled, atol=1e-5)
    np.testing.assert_allclose(features.patches[rows], patches, atol=1e-4)
    assert len(features) == len(parts)
    assert done == [BATCH, BATCH, 3]


def test_features_are_plain_arrays_in_row_order(network):
    features = embed(network, plain(good_parts(3)))

    for array in (features.embedding, features.pooled, features.patches):
        assert array.dtype == np.float32
        assert array.flags.c_contiguous


def test_tiles_fill_a_batch_as_pictures_do():
    settings = small_config().network.model_copy(update={"tiles": TilesSettings(rows=1, columns=3, overlap=0)})
    done = []

    see(Network(settings, learned=False).trunk, plain(np.concatenate(3 * [good_parts(5)], axis=2)), done.append)

    assert done == [2, 2, 1]  # 2 pictures of 3 tiles each are nearest to BATCH


class TestSeen:
    def test_some_of_the_pictures_are_those_seen_alone(self, network):
        parts = good_parts(6)

        some, alone = see(network.trunk, plain(parts)).take(np.array([4, 1])), see(network.trunk, plain(parts[[4, 1]]))

        assert len(some) == 2
        np.testing.assert_allclose(some.pooled, alone.pooled, atol=1e-5)
        np.testing.assert_allclose(some.patches, alone.patches, atol=1e-5)

    def test_a_head_changes_nothing_but_the_embedding(self, network):
        seen = see(network.trunk, plain(good_parts(4)))

        learned, own = seen.through(network.head.train()), seen.through(UnitLength())

        np.testing.assert_array_equal(own.embedding, own.pooled)
        assert learned.embedding.shape == (4, 8)
        np.testing.assert_array_equal(learned.pooled, own.pooled)
        assert learned.patches is own.patches is seen.patches
        for vectors in (learned.embedding, learned.pooled):
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)


class TestPooledDraws:
    LABELS = (0,) * 6 + (1,) * 2

    @pytest.fixture
    def pictures(self):
        pixels = np.concatenate([good_parts(6), scratched_parts(2)])
        return PictureDataset(pixels, self.LABELS, Augmentation(AugmentSettings(), ColourPca.fit(pixels)))

    def test_are_the_pictures_augmented_as_drawn(self, network, pictures):
        drawn = WeightedTypeSampler(self.LABELS, normal=0, weights={1: 1.0}, seed=3).draws(2)
        done = []

        draws = pooled_draws(network.trunk, pictures, drawn, done.append)

        expected = [pictures[draw] for draw in drawn]
        with torch.no_grad():
            pooled, _ = network.eval().trunk(torch.stack([picture for picture, _ in expected]))
        torch.testing.assert_close(draws.pooled, pooled, atol=1e-4, rtol=1e-4)
        assert draws.labels.tolist() == [label for _, label in expected]
        assert draws.pictures.tolist() == [draw.index for draw in drawn]
        assert sum(done) == len(drawn) == 24

    def test_a_picture_drawn_twice_differs_by_its_seed_alone(self, network, pictures):
        drawn = [Draw(7, (0, 0, 0)), Draw(7, (0, 0, 1)), Draw(7, (0, 0, 0))]

        first, other, again = pooled_draws(network.trunk, pictures, drawn).pooled

        assert torch.equal(first, again)
        assert not torch.equal(first, other)


class TestPatchScale:
    def test_brings_the_normals_to_mean_0_and_spread_1_in_the_trunk_too(self):
        torch.manual_seed(0)
        trunk = Network(NetworkSettings(input_size=(64, 64)), learned=False).trunk
        parts = np.random.default_rng(0).integers(0, 256, (12, 64, 64, 3), dtype=np.uint8)

        raw = see(trunk, plain(parts))
        scaled = standardise_patches(trunk, raw).applied(raw)

        spread = scaled.patches.std(axis=(0, 1, 2))
        np.testing.assert_allclose(scaled.patches.mean(axis=(0, 1, 2)), 0, atol=1e-3)
        assert np.median(spread) == pytest.approx(1, abs=1e-2)
        np.testing.assert_allclose(see(trunk, plain(parts)).patches, scaled.patches, atol=1e-3)

    def test_a_channel_that_never_moves_does_not_drown_the_others(self):
        rng = np.random.default_rng(0)
        patches = rng.normal(5, 2, (30, 4, 4, 7)).astype(np.float32)
        patches[..., 3] = 1
        seen = Seen(np.ones((30, 2), np.float32), patches)
        twitch = Seen(seen.pooled[:1], patches[:1] + np.float32(0.02))

        scale = PatchScale.of(seen)

        assert scale.std[3] == pytest.approx(LEAST_CHANNEL_SPREAD * np.median(scale.std), rel=1e-2)
        np.testing.assert_allclose(scale.applied(seen).patches[..., 3], 0)
        assert (scale.applied(twitch).patches[..., 3] < 1.1).all()
        np.testing.assert_array_equal(scale.applied(seen).pooled, seen.pooled)
