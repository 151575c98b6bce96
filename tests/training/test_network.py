import pytest
import torch

from training.network import Head, Network, NetworkSettings, UnitLength


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Network(NetworkSettings(input_size=(64, 64)), learned=True).eval()


@pytest.fixture
def pictures():
    torch.manual_seed(1)
    return 255 * torch.rand(3, 3, 64, 64)


def test_sees_unit_vectors_and_a_grid_of_patches(network, pictures):
    embedding, pooled, patches = network.see(pictures)

    assert embedding.shape == (3, 64)
    assert pooled.shape == (3, 2 * (112 + 320))
    assert patches.shape == (3, 4, 4, 112 + 320)
    for vectors in (embedding, pooled):
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))


def test_pooled_features_are_mean_and_deviation_of_each_map(network, pictures):
    trunk = network.trunk
    with torch.no_grad():
        maps = trunk.maps((pictures - trunk.mean) / trunk.std)
        pooled, _ = trunk(pictures)

    expected = torch.cat([each for m in maps for each in (m.mean((2, 3)), m.std((2, 3), correction=0))], 1)
    torch.testing.assert_close(pooled, expected, atol=2e-3, rtol=1e-3)


def test_patches_join_the_levels_on_the_finest_grid(pictures):
    """The slow way: each place averaged with those of its eight neighbours that lie in the picture."""
    trunk = Network(NetworkSettings(input_size=(64, 64)), learned=False).eval().trunk
    with torch.no_grad():
        fine, coarse = trunk.maps((pictures - trunk.mean) / trunk.std)
        _, patches = trunk(pictures)

    def averaged(seen, row, column):
        return seen[:, :, max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].mean((2, 3))

    for row, column in [(0, 0), (0, 2), (2, 1), (3, 3)]:
        torch.testing.assert_close(patches[:, :112, row, column], averaged(fine, row, column), atol=1e-4, rtol=1e-4)
    # A corner of the enlarged map lies outside the outermost centres: it is the coarse corner itself.
    torch.testing.assert_close(patches[:, 112:, 0, 0], averaged(coarse, 0, 0), atol=1e-4, rtol=1e-4)


def test_the_order_in_which_levels_are_named_changes_nothing(pictures):
    def patches(levels):
        torch.manual_seed(0)
        network = Network(NetworkSettings(input_size=(64, 64), levels=(32,), patch_levels=levels), learned=False)
        return network.eval().see(pictures)[2]

    assert torch.equal(patches((32, 8)), patches((8, 32)))
    assert patches((32, 8)).shape == (3, 8, 8, 40 + 320)


def test_the_head_does_not_learn_from_a_picture_to_another(network, pictures):
    together, _, _ = network.see(pictures)
    alone, _, _ = network.see(pictures[:1])

    torch.testing.assert_close(together[:1], alone, atol=1e-5, rtol=1e-4)


def test_a_frozen_trunk_has_no_gradient_and_keeps_its_statistics(pictures):
    network = Network(NetworkSettings(input_size=(64, 64), train="head"), learned=True).train()
    before = {name: value.clone() for name, value in network.trunk.named_buffers()}

    network(pictures).sum().backward()

    assert all(parameter.grad is None for parameter in network.trunk.parameters())
    assert all(parameter.grad is not None for parameter in network.head.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.trunk.named_buffers())


def test_a_pretrained_trunk_that_is_tuned_learns_but_keeps_its_statistics(pictures):
    network = Network(NetworkSettings(input_size=(64, 64), train="all"), learned=True).train()
    before = {name: value.clone() for name, value in network.trunk.named_buffers()}

    network(pictures).sum().backward()

    assert all(parameter.grad is not None for parameter in network.trunk.parameters())
    assert all(torch.equal(value, before[name]) for name, value in network.trunk.named_buffers())


def test_a_trunk_from_scratch_learns_its_statistics(pictures):
    settings = NetworkSettings(backbone="light", weights="none", levels=(8,), patch_levels=(8,), train="all")
    network = Network(settings, learned=True).train()
    before = network.trunk.maps.entry[1].running_mean.clone()

    network(pictures[:, :, :16, :16])

    assert not torch.equal(network.trunk.maps.entry[1].running_mean, before)


def test_patches_are_standardised_channel_by_channel(pictures):
    network = Network(NetworkSettings(input_size=(64, 64)), learned=False).eval()
    with torch.no_grad():
        for _ in range(2):
            _, raw = network.trunk(pictures)
            network.trunk.standardise_patches(raw.mean((0, 2, 3)), raw.std((0, 2, 3)))
        _, patches = network.trunk(pictures)

    torch.testing.assert_close(patches.mean((0, 2, 3)), torch.zeros(432), atol=1e-4, rtol=0)
    torch.testing.assert_close(patches.std((0, 2, 3)), torch.ones(432), atol=1e-3, rtol=0)


def test_with_nothing_to_tell_apart_the_head_only_divides_by_the_length(pictures):
    network = Network(NetworkSettings(input_size=(64, 64)), learned=False).eval()
    embedding, pooled, _ = network.see(pictures)

    assert isinstance(network.head, UnitLength)
    assert torch.equal(embedding, pooled)


@pytest.mark.parametrize(("weights", "read"), [("package", "package"), ("own.pth", "/site/own.pth"), ("/own.pth",) * 2])
def test_a_weights_file_is_looked_for_beside_the_configuration(weights, read):
    settings = NetworkSettings.model_validate({"weights": weights}, context={"folder": "/site"})

    assert settings.weights == read


def test_the_head_trains_on_the_batchs_own_statistics():
    head = Head(6, NetworkSettings(embedding_dim=4)).train()
    head(torch.randn(50, 6) + 9)

    assert head.layers[0].running_mean.mean() > 0.5
