"""A set that the trunk has seen once, and the training sets that splits of it make."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import torch

from inspector.inspection import Floats, Pixels
from training.augment import Augmentation, ColourPca
from training.benchmark.sets import PictureSet
from training.benchmark.splits import Rows, Split
from training.config import TrainingConfig
from training.dataset import PictureDataset, read_pictures
from training.features import PatchScale, Seen, pooled_draws, see
from training.learn import Draws
from training.network import Network
from training.sampling import Draw, WeightedTypeSampler
from training.seen import MADE_UP, NORMAL, SeenSet, label_weights, plain
from training.synthetic import cut_paste

VIEWS: Final = 4
"""Augmented versions of each picture, made once for all splits; a fit of its own makes new ones at each draw."""


@dataclass(frozen=True, slots=True)
class SeenPictures:
    """All pictures of a class as they are, and the pooled features of their augmented versions, (n, VIEWS, width)."""

    pixels: Pixels
    seen: Seen
    views: Floats


@dataclass(frozen=True, slots=True)
class SetSeen:
    """All classes of a set."""

    network: Network
    normal: SeenPictures
    anomalies: dict[str, SeenPictures]

    @classmethod
    def of(cls, config: TrainingConfig, pictures: PictureSet, progress: Callable[[int], None]) -> Self:
        """Read, augment and see everything. ``progress`` is told of each picture that the trunk has seen."""
        network = Network(config.network, learned=False)
        normal = read_pictures(pictures.normal, config.network.picture_size)
        # No split yet: the colours of all normals, which no figure is fitted to, serve every split's augmentation.
        augmentation = Augmentation(config.augment, ColourPca.fit(normal))

        def looked_at(pixels: Pixels) -> SeenPictures:
            plain = PictureDataset(pixels, [NORMAL] * len(pixels), augmentation)
            versions = [Draw(row, (config.seed, row, view)) for row in range(len(pixels)) for view in range(VIEWS)]
            views = pooled_draws(network.trunk, plain, versions, progress).pooled.numpy()
            seen = see(network.trunk, plain, progress)
            return SeenPictures(pixels, seen, views.reshape(len(pixels), VIEWS, -1))

        anomalies = {
            name: looked_at(read_pictures(own, config.network.picture_size)) for name, own in pictures.anomalies.items()
        }
        return cls(network, looked_at(normal), anomalies)


class OfSeed:
    """What the splits of one seed share: their normals, on the scale that they fix."""

    def __init__(self, config: TrainingConfig, whole: SetSeen, split: Split) -> None:
        self.config = config.model_copy(update={"seed": split.seed})
        self._whole = whole
        shuffled = np.random.default_rng(split.seed).permutation(split.train)
        count = round(config.data.holdout * len(shuffled))
        self._held_out, self._fitted = np.sort(shuffled[:count]), np.sort(shuffled[count:])
        self._scale = PatchScale.of(whole.normal.seen.take(self._fitted))
        self.normals = self._scaled(whole.normal, self._fitted)
        self.held_out = self._scaled(whole.normal, self._held_out)
        self.tested = self._scaled(whole.normal, split.test)

    def of_type(self, name: str, rows: Rows) -> Seen:
        """Anomalies on the scale of the normals."""
        return self._scaled(self._whole.anomalies[name], rows)

    def training(self, known: Mapping[str, Rows], config: TrainingConfig | None = None) -> SeenSet:
        """The training set with these anomalies, drawn by the weights of ``config``."""
        made_up, made_on = self._made_up() if len(known) == 1 else (self.normals.take(np.arange(0)), np.arange(0))
        return SeenSet(
            normal=self.normals,
            held_out=self.held_out,
            anomalies={name: self.of_type(name, rows) for name, rows in known.items()},
            made_up=made_up,
            made_on=made_on,
            draws=self._draws(known, config or self.config) if known else None,
            auxiliary=0,
        )

    def _scaled(self, pictures: SeenPictures, rows: Rows) -> Seen:
        return self._scale.applied(pictures.seen.take(rows))

    def _made_up(self) -> tuple[Seen, Rows]:
        made, made_on = cut_paste(self._whole.normal.pixels[self._fitted], MADE_UP, self.config.seed)
        seen = see(self._whole.network.trunk, plain(made))
        return self._scale.applied(seen), made_on

    def _draws(self, known: Mapping[str, Rows], config: TrainingConfig) -> Draws:
        views = np.concatenate(
            [
                self._whole.normal.views[self._fitted],
                *(self._whole.anomalies[name].views[rows] for name, rows in known.items()),
            ]
        )
        labels = np.repeat(np.arange(1 + len(known)), [len(self._fitted), *map(len, known.values())])
        weights = label_weights(config, known)
        sampler = WeightedTypeSampler(labels.tolist(), normal=NORMAL, weights=weights, seed=self.config.seed)
        drawn = np.array([draw.index for draw in sampler.draws(self.config.views)])
        version = np.random.default_rng(self.config.seed).integers(VIEWS, size=len(drawn))
        return Draws(torch.from_numpy(views[drawn, version]), torch.from_numpy(labels[drawn]), torch.from_numpy(drawn))
