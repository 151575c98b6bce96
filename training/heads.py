"""The heads that metric learning makes for a fit, and for each fold that leaves something out."""

from collections.abc import Sequence

import numpy as np
from torch import nn

from training.config import TrainingConfig
from training.learn import Run, learn_head
from training.leftout import Fold
from training.network import Network, UnitLength
from training.seen import NORMAL, SeenSet


class Heads:
    """The heads that metric learning makes of all draws, or of those that a fold does not leave out."""

    def __init__(self, config: TrainingConfig, network: Network, seen: SeenSet) -> None:
        self._config, self._seen = config, seen
        self._network_head = network.head
        self._types = list(range(NORMAL + 1, NORMAL + 1 + len(seen.anomalies)))
        self._classes = NORMAL + 1 + len(seen.anomalies) + seen.auxiliary
        self._starts = np.cumsum([len(seen.normal), *(len(own) for own in seen.anomalies.values())])
        self.fixed = seen.draws is None
        """The network was trained as a whole, or there is nothing to learn: all folds have the same head."""
        self.normals_teach = bool(seen.auxiliary) or config.network.train == "all"
        """A head can be learned from normals and auxiliary classes alone."""
        self._measured = any(part.is_of_embedding for part in config.scorers)

    def learn(self, run: Run) -> nn.Module:
        """The head of everything."""
        if self._seen.draws is None:
            return self._network_head
        return learn_head(self._config, self._seen.draws, self._classes, run)

    def of_normals(self, learned: nn.Module) -> nn.Module:
        """The head of normals and auxiliary classes, given that of everything."""
        return learned if self.fixed or not self._types else self._normals_only(())

    def without(self, fold: Fold) -> nn.Module:
        """The head that did not see what the fold leaves out."""
        if self._seen.draws is None or not self._measured:
            return self._network_head
        whole = () if fold.whole_type is None else (NORMAL + 1 + fold.whole_type,)
        return learn_head(self._config, self._seen.draws.without(self._pictures(fold), whole), self._classes)

    def of_normals_without(self, fold: Fold) -> nn.Module:
        """The same, of normals and auxiliary classes alone."""
        return self._network_head if self.fixed else self._normals_only(fold.normals.tolist())

    def _normals_only(self, pictures: Sequence[int]) -> nn.Module:
        if self._seen.draws is None or not self.normals_teach or not self._measured:
            return UnitLength()
        return learn_head(self._config, self._seen.draws.without(pictures, self._types), self._classes)

    def _pictures(self, fold: Fold) -> list[int]:
        """What the fold leaves out, by its place among all pictures."""
        of_types = (
            start + row for start, rows in zip(self._starts, fold.anomalies, strict=False) for row in rows.tolist()
        )
        return [*fold.normals.tolist(), *map(int, of_types)]
