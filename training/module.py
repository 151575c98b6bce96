"""The LightningModule: metric learning of an embedding."""

import math
from typing import Any

import pytorch_lightning as pl
import torch
from pydantic import NonNegativeFloat, PositiveFloat
from torch import Tensor, nn

from inspector.errors import ConfigError
from inspector.settings import Settings


class OptimiserSettings(Settings):
    """AdamW under a one-cycle learning rate."""

    learning_rate: PositiveFloat = 1e-3
    """Peak learning rate of the head and the loss."""
    trunk_factor: PositiveFloat = 0.1
    """The backbone's learning rate as a share of the head's, where the backbone is trained at all."""
    weight_decay: NonNegativeFloat = 1e-3
    """Decoupled weight decay."""


class MetricLearning(pl.LightningModule):
    """Trains ``model``, inputs to (n, d) unit vectors, by ``loss`` of embeddings and labels.

    The model is the whole network on pictures or, with a frozen backbone, its head on pooled features.
    """

    def __init__(self, model: nn.Module, loss: nn.Module, optimiser: OptimiserSettings) -> None:
        super().__init__()
        self.model = model
        self.loss = loss
        self.optimiser = optimiser

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """One batch of inputs and class numbers to its loss."""
        inputs, labels = batch
        loss: Tensor = self.loss(self.model(inputs), labels)
        self.log("loss", loss, prog_bar=True)
        return loss

    def configure_optimizers(self) -> Any:
        """AdamW, the backbone slower than the head, the rate rising and falling once.

        Raises ConfigError for a training without an end.
        """
        settings = self.optimiser
        steps = self.trainer.estimated_stepping_batches
        if math.isinf(steps):
            raise ConfigError("trainer: give max_epochs or max_steps: the learning rate rises and falls once over them")
        named = [(name, parameter) for name, parameter in self.named_parameters() if parameter.requires_grad]
        trunk = [parameter for name, parameter in named if name.startswith("model.trunk.")]
        rest = [parameter for name, parameter in named if not name.startswith("model.trunk.")]
        groups: list[dict[str, Any]] = [
            {"params": parameters, "lr": settings.learning_rate * factor}
            for parameters, factor in ((rest, 1.0), (trunk, settings.trunk_factor))
            if parameters
        ]
        optimiser = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, [group["lr"] for group in groups], total_steps=int(steps)
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Goes on to the end that is configured now, which may be another than the checkpoint's."""
        for schedule in checkpoint["lr_schedulers"]:
            for key in ("total_steps", "_schedule_phases"):
                schedule.pop(key, None)
