"""From a configuration and pictures to a fitted model, and to its bundle."""

import difflib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pytorch_lightning.callbacks import ModelCheckpoint, RichProgressBar
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger
from torch.utils.data import DataLoader

from inspector.bundle import AnomalyType, Calibration
from inspector.errors import ConfigError, DataError
from inspector.fusion import Fusion, fit_fusion
from inspector.inspection import Features, Floats, Pixels
from training.augment import Augmentation, ColourPca
from training.calibrate import calibrate
from training.config import AnomalyTypeSettings, TrainingConfig
from training.dataset import PictureDataset
from training.features import Progress, embed, pooled_draws, silent
from training.losses import make_loss
from training.module import MetricLearning
from training.network import Network, NetworkSettings
from training.sampling import WeightedTypeSampler

log = logging.getLogger(__name__)

NORMAL = 0
"""Label of the normal class; anomaly types follow in order, auxiliary classes after them."""


LAST = "last"
"""The name of the checkpoint that every epoch, and an interruption, overwrites."""

LEAST_CHANNEL_SPREAD = np.float32(0.01)
"""Of the median channel's standard deviation."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Everything that a fit may look at. Pictures are (n, height, width, 3) uint8 at the network's input size."""

    normal: Pixels
    held_out: Pixels
    """Normals that only calibrate."""
    anomalies: dict[str, Pixels]
    auxiliary: dict[str, Pixels]


@dataclass(frozen=True, slots=True)
class FittedModel:
    """What a fit makes, in training's own code; the bundle must say the same."""

    network: Network
    scorer: Fusion
    anomaly_types: tuple[AnomalyType, ...]
    prototypes: Floats
    """(t, d) mean direction of each anomaly type, rows of length 1."""
    calibration: Calibration

    def features(self, pictures: Pixels) -> Features:
        """The features of (n, height, width, 3) uint8 pictures at the network's input size."""
        return embed(self.network, PictureDataset(pictures, [NORMAL] * len(pictures)))

    def score(self, pictures: Pixels) -> Floats:
        """(n,) scores of the same."""
        return self.scorer.score(self.features(pictures))


class Start(StrEnum):
    """Where the learning begins."""

    FRESH = "fresh"
    RESUME = "resume"
    """At the last checkpoint, and on to the configured end."""
    CHECKPOINT = "checkpoint"
    """At the last checkpoint, which is taken as it is."""


Tracker = Callable[[str, int], AbstractContextManager[Progress]]
"""Opens a progress display for a named piece of work of so many pictures."""


def untracked(_: str, __: int) -> AbstractContextManager[Progress]:
    """For callers that show no progress."""
    return nullcontext(silent)


def fit_model(
    config: TrainingConfig,
    data: TrainingSet,
    *,
    run_dir: Path | None,
    start: Start = Start.FRESH,
    track: Tracker = untracked,
) -> FittedModel:
    """Learn the embedding, fit the scorers on the normals and calibrate on the held-out ones.

    ``run_dir`` receives checkpoints and logs; without it nothing is written. Raises DataError or ConfigError, and
    KeyboardInterrupt on Ctrl-C or SIGTERM, which leave a checkpoint once the learning has begun.
    """
    pl.seed_everything(config.seed, workers=True, verbose=False)
    classes = [data.normal, *data.anomalies.values(), *data.auxiliary.values()]
    network = Network(config.network, learned=len(classes) > 1)
    if len(classes) > 1:
        _learn(network, config, classes, list(data.anomalies), run_dir=run_dir, start=start, track=track)
    else:
        log.warning("no anomaly and no auxiliary pictures: the embedding is the backbone's own, nothing is learned")
    with track("features of the normals", len(data.normal)) as progress:
        normals = embed(network, PictureDataset(data.normal, [NORMAL] * len(data.normal)), progress)
    normals = _standardise_patches(network, normals)
    anomalies = [embed(network, PictureDataset(own, [NORMAL] * len(own))) for own in data.anomalies.values()]
    scorer = fit_fusion(config.scorers, normals, anomalies)
    with track("calibration", len(data.held_out)) as progress:
        held_out = embed(network, PictureDataset(data.held_out, [NORMAL] * len(data.held_out)), progress)
    return FittedModel(
        network=network,
        scorer=scorer,
        anomaly_types=_anomaly_types(config, data),
        prototypes=_prototypes(anomalies),
        calibration=calibrate(scorer.score(held_out), config.false_reject_rate),
    )


def _learn(
    network: Network,
    config: TrainingConfig,
    classes: Sequence[Pixels],
    anomaly_names: Sequence[str],
    *,
    run_dir: Path | None,
    start: Start,
    track: Tracker,
) -> None:
    """Metric learning of the head on features computed once, or of the whole network on pictures."""
    labels = [label for label, pictures in enumerate(classes) for _ in pictures]
    augmentation = Augmentation(config.augment, ColourPca.fit(classes[NORMAL]))
    pictures = PictureDataset(np.concatenate(classes), labels, augmentation)
    weights = {
        label: config.data.anomalies.get(name, AnomalyTypeSettings()).weight
        for label, name in enumerate(anomaly_names, start=NORMAL + 1)
    }
    loss = make_loss(config.loss, config.network.embedding_dim, len(classes))
    module = MetricLearning(network.head if config.network.train == "head" else network, loss, config.optimiser)
    checkpoint = None if start is Start.FRESH else _last_checkpoint(run_dir)
    if checkpoint:
        _restore(module, checkpoint)
    if start is Start.CHECKPOINT:
        return
    trainer = _trainer(config, run_dir)
    sampler = WeightedTypeSampler(labels, normal=NORMAL, weights=weights, seed=config.seed)
    loader = _loader(network, config, pictures, sampler, track)
    # Lightning leaves each module in the mode that it finds it in, and the features were computed in evaluation mode.
    module.train()
    with _threads_for(config.network):
        try:
            trainer.fit(module, loader, ckpt_path=checkpoint, weights_only=True)
        except SystemExit as error:  # Lightning's answer to Ctrl-C and SIGTERM, after the checkpoint
            raise KeyboardInterrupt from error
    # The trainer's precision was for learning; what the bundle computes is single.
    network.float().cpu().eval()


@contextmanager
def _threads_for(network: NetworkSettings) -> Iterator[None]:
    """One for a head: its products are so small that threads wait for each other longer than they compute."""
    before = torch.get_num_threads()
    if network.train == "head":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _loader(
    network: Network, config: TrainingConfig, pictures: PictureDataset, sampler: WeightedTypeSampler, track: Tracker
) -> DataLoader[Any]:
    """Pictures, or the pooled features of all their versions where these never change."""
    if config.network.train == "all":
        loader: DataLoader[Any] = DataLoader(pictures, config.batch_size, sampler=sampler, drop_last=True)
    else:
        with track("features of augmented pictures", config.views * len(sampler)) as progress:
            features = pooled_draws(network, pictures, sampler, config.views, progress)
        loader = DataLoader(features, config.batch_size, shuffle=True, drop_last=True)
    if not len(loader):
        raise DataError(f"{len(sampler)} draws do not fill one batch of {config.batch_size}: lower batch_size")
    return loader


def _trainer(config: TrainingConfig, run_dir: Path | None) -> pl.Trainer:
    _check_options(config.trainer)
    kept = run_dir is not None
    options: dict[str, Any] = {"enable_progress_bar": kept, "enable_checkpointing": kept, "enable_model_summary": False}
    options |= {"logger": _loggers(run_dir) if run_dir else False, "log_every_n_steps": 10, **config.trainer}
    callbacks = list(options.get("callbacks") or [])
    if run_dir and options["enable_checkpointing"]:
        # A version in its name would hide it behind the last checkpoint of an earlier fit.
        callbacks.append(
            ModelCheckpoint(run_dir / "checkpoints", LAST, save_on_exception=True, enable_version_counter=False)
        )
    if run_dir and options["enable_progress_bar"]:
        callbacks.append(RichProgressBar(console_kwargs={"stderr": True}))
    try:
        return pl.Trainer(**options | {"callbacks": callbacks})
    except (TypeError, ValueError, MisconfigurationException) as error:
        raise ConfigError(f"trainer: Lightning does not take these options: {error}") from error


def _check_options(options: Mapping[str, Any]) -> None:
    types = get_type_hints(pl.Trainer.__init__)
    faults = {name: _fault(name, value, types) for name, value in options.items()}
    if any(faults.values()):
        raise ConfigError("\n".join(f"trainer.{name}: {fault}" for name, fault in faults.items() if fault))


def _fault(name: str, value: Any, types: Mapping[str, Any]) -> str:
    """What is wrong with an option of Lightning's Trainer, as its own annotations have it; nothing if nothing is."""
    if name not in types:
        near = difflib.get_close_matches(name, types, n=1)
        return "Lightning's Trainer has no such option" + (f"; did you mean '{near[0]}'?" if near else "")
    try:
        TypeAdapter(types[name], config=ConfigDict(arbitrary_types_allowed=True, strict=True)).validate_python(value)
    except ValidationError as error:
        return "; or ".join(dict.fromkeys(each["msg"] for each in error.errors()))
    return ""


def _loggers(run_dir: Path) -> list[Logger]:
    """Curves in a folder of their own for each fit, so that one begun anew or resumed does away with no other's."""
    table = CSVLogger(run_dir, name="logs")
    return [table, TensorBoardLogger(run_dir, name="logs", version=table.version)]


def _last_checkpoint(run_dir: Path | None) -> Path:
    checkpoint = run_dir and run_dir / "checkpoints" / f"{LAST}.ckpt"
    if not checkpoint or not checkpoint.exists():
        raise DataError(f"nothing to resume or export: there is no {checkpoint}; run fit without --resume")
    return checkpoint


def _restore(module: MetricLearning, checkpoint: Path) -> None:
    """The module as the checkpoint has it, also on a machine without the GPU that it was written on."""
    try:
        module.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"])
    except Exception as error:  # torch.load has no exception of its own: a damaged file raises what its bytes lead to
        raise DataError(
            f"{checkpoint}: damaged, or made with another network, loss or set of classes than the configuration's; "
            "run fit without --resume"
        ) from error


def _standardise_patches(network: Network, normals: Features) -> Features:
    """Bring the patches' channels to one scale, in the network and in features that it has already given."""
    patches = normals.patches
    if patches is None:
        return normals
    mean, std = patches.mean(axis=(0, 1, 2)), patches.std(axis=(0, 1, 2))
    # A channel that hardly ever moves on normals would drown the others with its first twitch.
    std = np.maximum(std, LEAST_CHANNEL_SPREAD * np.median(std)) + np.float32(1e-6)
    network.trunk.standardise_patches(torch.from_numpy(mean), torch.from_numpy(std))
    return replace(normals, patches=(patches - mean) / std)


def _prototypes(anomalies: Sequence[Features]) -> Floats:
    if not anomalies:
        return np.zeros((0, 0), np.float32)
    stacked = np.stack([own.embedding.mean(axis=0) for own in anomalies])
    unit: Floats = stacked / np.linalg.norm(stacked, axis=1, keepdims=True)
    return unit


def _anomaly_types(config: TrainingConfig, data: TrainingSet) -> tuple[AnomalyType, ...]:
    types = []
    for name, pictures in data.anomalies.items():
        settings = config.data.anomalies.get(name, AnomalyTypeSettings())
        types.append(AnomalyType(name=name, weight=settings.weight, critical=settings.critical, pictures=len(pictures)))
    return tuple(types)
