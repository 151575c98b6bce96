"""Metric learning: of a head on features that never change, or of the whole network on pictures."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, get_type_hints

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pytorch_lightning.callbacks import ModelCheckpoint, RichProgressBar
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

from inspector.errors import ConfigError, DataError
from training.config import TrainingConfig
from training.losses import make_loss
from training.module import MetricLearning
from training.network import Head
from training.sampling import WeightedTypeSampler

LAST: Final = "last"
"""The name of the checkpoint that every epoch, and an interruption, overwrites."""


class Start(StrEnum):
    """Where the learning begins."""

    FRESH = "fresh"
    RESUME = "resume"
    """At the last checkpoint, and on to the configured end."""
    CHECKPOINT = "checkpoint"
    """At the last checkpoint, which is taken as it is."""


@dataclass(frozen=True, slots=True)
class Run:
    """``folder`` receives checkpoints and logs; without it nothing is written."""

    folder: Path | None = None
    start: Start = Start.FRESH


UNRECORDED: Final = Run()


@dataclass(frozen=True, slots=True)
class Draws:
    """Pooled features of everything that the sampler drew: (n, width), with the (n,) class and picture of each draw."""

    pooled: Tensor
    labels: Tensor
    pictures: Tensor

    def without(self, pictures: Sequence[int], labels: Sequence[int] = ()) -> "Draws":
        """The draws of other pictures, and of other classes."""
        kept = ~torch.isin(self.pictures, torch.tensor(pictures)) & ~torch.isin(self.labels, torch.tensor(labels))
        return Draws(self.pooled[kept], self.labels[kept], self.pictures[kept])


def learn_head(config: TrainingConfig, draws: Draws, classes: int, run: Run = UNRECORDED) -> Head:
    """A head of its own, learned on one thread.

    Its products are so small that threads wait for each other longer than they compute.
    """
    pl.seed_everything(config.seed, workers=True, verbose=False)
    head = Head(draws.pooled.shape[1], config.network)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        batch = min(config.batch_size, len(draws.labels))
        features = TensorDataset(draws.pooled, draws.labels)
        _learn(config, head, DataLoader(features, batch, shuffle=True, drop_last=True), classes, run)
    finally:
        torch.set_num_threads(threads)
    return head


def learn_network(
    config: TrainingConfig,
    network: nn.Module,
    pictures: Dataset[Any],
    sampler: WeightedTypeSampler,
    *,
    classes: int,
    run: Run,
) -> None:
    """Fine-tune everything, in place, on pictures that are augmented as they are drawn."""
    loader: DataLoader[Any] = DataLoader(pictures, config.batch_size, sampler=sampler, drop_last=True)
    if not len(loader):
        raise DataError(f"{len(sampler)} draws do not fill one batch of {config.batch_size}: lower batch_size")
    _learn(config, network, loader, classes, run)


def _learn(config: TrainingConfig, model: nn.Module, loader: DataLoader[Any], classes: int, run: Run) -> None:
    module = MetricLearning(model, make_loss(config.loss, config.network.embedding_dim, classes), config.optimiser)
    checkpoint = None if run.start is Start.FRESH else _last_checkpoint(run.folder)
    if checkpoint:
        _restore(module, checkpoint)
    if run.start is not Start.CHECKPOINT:
        trainer = _trainer(config, run.folder)
        # Lightning leaves each module in the mode that it finds it in.
        module.train()
        try:
            trainer.fit(module, loader, ckpt_path=checkpoint, weights_only=True)
        except SystemExit as error:  # Lightning's answer to Ctrl-C and SIGTERM, after the checkpoint
            raise KeyboardInterrupt from error
    # The trainer's precision was for learning; what the bundle computes is single.
    model.float().cpu().eval()


def check_options(options: Mapping[str, Any]) -> None:
    """Raises ConfigError for what Lightning's Trainer would not take, before anything else is begun."""
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


def _trainer(config: TrainingConfig, folder: Path | None) -> pl.Trainer:
    kept = folder is not None
    options: dict[str, Any] = {"enable_progress_bar": kept, "enable_checkpointing": kept, "enable_model_summary": False}
    options |= {"logger": _loggers(folder) if folder else False, "log_every_n_steps": 10}
    # On a GPU the same seed does not give the same model without it. Where there is no such kernel, it warns.
    options |= {"deterministic": "warn", **config.trainer}
    if not kept:
        options |= {"enable_progress_bar": False, "enable_checkpointing": False, "logger": False}
    callbacks = list(options.get("callbacks") or [])
    if folder and options["enable_checkpointing"]:
        # A version in its name would hide it behind the last checkpoint of an earlier fit.
        callbacks.append(
            ModelCheckpoint(folder / "checkpoints", LAST, save_on_exception=True, enable_version_counter=False)
        )
    if folder and options["enable_progress_bar"]:
        callbacks.append(RichProgressBar(console_kwargs={"stderr": True}))
    try:
        return pl.Trainer(**options | {"callbacks": callbacks})
    except (TypeError, ValueError, MisconfigurationException) as error:
        raise ConfigError(f"trainer: Lightning does not take these options: {error}") from error


def _loggers(folder: Path) -> list[Logger]:
    """Curves in a folder of their own for each fit, so that one begun anew or resumed does away with no other's."""
    table = CSVLogger(folder, name="logs")
    return [table, TensorBoardLogger(folder, name="logs", version=table.version)]


def _last_checkpoint(folder: Path | None) -> Path:
    checkpoint = folder and folder / "checkpoints" / f"{LAST}.ckpt"
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
