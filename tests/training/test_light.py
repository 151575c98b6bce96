import pytest
import torch
from torch import nn

from inspector.errors import ConfigError
from training.light import light_trunk


@pytest.fixture
def trunk():
    torch.manual_seed(0)
    return light_trunk((2, 4, 8))[0].eval()


def test_the_light_network_has_the_sources_ten_convolutions(trunk):
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


def test_every_convolution_is_followed_by_batch_normalisation_and_relu(trunk):
    kinds = [type(module) for module in trunk.modules() if not list(module.children())]

    assert kinds == 10 * [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]


def test_maps_are_at_the_strides_2_4_and_8(trunk):
    maps = trunk(torch.zeros(2, 3, 32, 24))

    assert [each.shape for each in maps] == [(2, 64, 16, 12), (2, 128, 8, 6), (2, 256, 4, 3)]


def test_levels_come_in_the_order_asked_for_with_their_channels(trunk):
    some, channels, _ = light_trunk((8, 2))
    some.load_state_dict(trunk.state_dict())
    pictures = torch.rand(1, 3, 16, 16)

    first, _, last = trunk(pictures)

    assert channels == [256, 64]
    for here, there in zip(some.eval()(pictures), (last, first), strict=True):
        assert torch.equal(here, there)


def test_a_level_that_the_light_network_lacks():
    with pytest.raises(ConfigError, match=r"network\.levels: .* at strides \[2, 4, 8\], not at \[16\]"):
        light_trunk((8, 16))
