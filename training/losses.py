"""What pulls the embeddings of one class together and pushes those of others apart."""

import difflib
import inspect
from typing import Any, Final

from pydantic import Field, PositiveFloat
from pytorch_metric_learning import losses as metric_losses
from pytorch_metric_learning.losses.base_metric_loss_function import BaseMetricLossFunction
from torch import Tensor, nn
from torch.nn import functional

from inspector.errors import ConfigError
from inspector.settings import Settings

SHORT_NAMES: Final = {
    "arcface": "ArcFaceLoss",
    "cosface": "CosFaceLoss",
    "triplet": "TripletMarginLoss",
    "contrastive": "ContrastiveLoss",
    "multi_similarity": "MultiSimilarityLoss",
    "proxy_anchor": "ProxyAnchorLoss",
    "supcon": "SupConLoss",
}


class LossSettings(Settings):
    """The loss of metric learning."""

    kind: str = "l2_softmax"
    """``l2_softmax``, a short name (arcface, triplet, ...) or a class of pytorch-metric-learning's losses."""
    alpha: PositiveFloat = 16.0
    """Length that L2-softmax gives every embedding before the dense layer."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Keyword arguments of a loss of pytorch-metric-learning, such as ``margin``."""


class L2SoftmaxLoss(nn.Module):
    """Cross entropy of a dense layer on embeddings of one fixed length.

    Ranjan, Castillo and Chellappa, "L2-constrained Softmax Loss for Discriminative Face Verification" (2017),
    section 4.1, with a fixed alpha. The dense layer is dropped after training.
    """

    def __init__(self, embedding_dim: int, classes: int, alpha: float) -> None:
        super().__init__()
        self.alpha = alpha
        self.dense = nn.Linear(embedding_dim, classes)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """(n, d) unit vectors and (n,) class numbers to a scalar."""
        return functional.cross_entropy(self.dense(self.alpha * embeddings), labels)


def make_loss(settings: LossSettings, embedding_dim: int, classes: int) -> nn.Module:
    """The loss for so many classes. Raises ConfigError for a name or an option that is not known."""
    if settings.kind == "l2_softmax":
        if settings.options:
            raise ConfigError(f"loss.options: l2_softmax takes none, got {', '.join(settings.options)}")
        return L2SoftmaxLoss(embedding_dim, classes, settings.alpha)
    kind = _metric_loss(settings.kind)
    # Some hand their arguments on to the class that they derive from.
    wanted = {name for each in kind.__mro__[:-1] for name in inspect.signature(each).parameters}
    sizes = {"num_classes": classes, "embedding_size": embedding_dim}
    try:
        loss: nn.Module = kind(**{name: size for name, size in sizes.items() if name in wanted}, **settings.options)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"loss.options: {settings.kind}: {error}") from error
    return loss


def _metric_loss(name: str) -> type[nn.Module]:
    kind = getattr(metric_losses, SHORT_NAMES.get(name, name), None)
    if isinstance(kind, type) and issubclass(kind, BaseMetricLossFunction):
        return kind
    near = difflib.get_close_matches(name, ["l2_softmax", *SHORT_NAMES], n=1)
    raise ConfigError(f"loss.kind: no loss '{name}'" + (f"; did you mean '{near[0]}'?" if near else ""))
