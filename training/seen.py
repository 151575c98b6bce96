"""The backbone's one look at a training set: everything after it works on features."""

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final

import numpy as np

from inspector.inspection import Pixels
from training.augment import Augmentation, ColourPca
from training.config import AnomalyTypeSettings, TrainingConfig
from training.dataset import PictureDataset
from training.features import Progress, Seen, pooled_draws, see, silent, standardise_patches
from training.learn import Draws, Run, learn_network
from training.leftout import Rows
from training.network import Network
from training.remembered import Memory
from training.sampling import WeightedTypeSampler
from training.synthetic import cut_paste

log = logging.getLogger(__name__)

NORMAL: Final = 0
"""Label of the normal class; anomaly types follow in order, auxiliary classes after them."""

MADE_UP: Final = 40
"""Made-up defects, where there is one anomaly type and no other to stand for what is not known."""

Tracker = Callable[[str, int], AbstractContextManager[Progress]]
"""Opens a progress display for a named piece of work of so many pictures."""


def untracked(_: str, __: int) -> AbstractContextManager[Progress]:
    """For callers that show no progress."""
    return nullcontext(silent)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Everything that a fit may look at. Pictures are (n, height, width, 3) uint8 at the network's picture size."""

    normal: Pixels
    held_out: Pixels
    """Normals that only calibrate."""
    anomalies: dict[str, Pixels]
    auxiliary: dict[str, Pixels]
    held_out_groups: Sequence[int] | None = None
    """The number of the group of each held-out normal; None where each is its own."""
    taken_at: tuple[int, int] | None = None
    """Height and width of all normal pictures before they were resized; None where they differ, or nobody knows."""


@dataclass(frozen=True, slots=True)
class SeenSet:
    """What the trunk sees in a training set, and what a head is learned from (None where nothing is to be learned)."""

    normal: Seen
    held_out: Seen
    anomalies: dict[str, Seen]
    made_up: Seen
    made_on: Rows
    draws: Draws | None
    auxiliary: int
    """Number of auxiliary classes."""
    held_out_groups: Sequence[int] | None = None
    """The number of the group of each held-out normal; None where each is its own."""


def see_all(
    config: TrainingConfig, data: TrainingSet, run: Run, track: Tracker, memory: Memory | None = None
) -> tuple[Network, SeenSet]:
    """The trunk's one look at everything. A network that is trained as a whole is trained before.

    ``memory``: what a frozen trunk has seen before is not looked at again, and what it sees now is put there.
    """
    classes = _classes(data)
    network = Network(config.network, learned=config.network.train == "all" and len(classes) > 1)
    draws = None
    if len(classes) > 1:
        draws = _drawn(config, network, data, track, memory)
        if draws is None:
            _learned(config, network, data, run)
    else:
        log.warning("no anomaly and no auxiliary pictures: the embedding is the backbone's own, nothing is learned")

    def look(what: str, own: Pixels) -> Seen:
        with track(f"features of {what}", len(own)) as progress:
            if memory and config.network.train == "head":
                return memory.look(network.trunk, own, progress)
            return see(network.trunk, plain(own), progress)

    normal, held_out = look("the normals", data.normal), look("the held-out normals", data.held_out)
    anomalies = {name: look(f"'{name}'", own) for name, own in data.anomalies.items()}
    made, made_on = cut_paste(data.normal, MADE_UP if len(data.anomalies) == 1 else 0, config.seed)
    made_up = look("made-up defects", made) if len(made) else normal.take(made_on)
    scale = standardise_patches(network.trunk, normal)
    seen = SeenSet(
        normal=scale.applied(normal),
        held_out=scale.applied(held_out),
        anomalies={name: scale.applied(own) for name, own in anomalies.items()},
        made_up=scale.applied(made_up),
        made_on=made_on,
        draws=draws,
        auxiliary=len(data.auxiliary),
        held_out_groups=data.held_out_groups,
    )
    return network, seen


def _drawn(
    config: TrainingConfig, network: Network, data: TrainingSet, track: Tracker, memory: Memory | None
) -> Draws | None:
    """What a head is learned from; None where the whole network is to be."""
    if config.network.train == "all":
        return None
    pictures, sampler = _sampled(config, data)
    drawn = sampler.draws(config.views)
    with track("features of augmented pictures", len(drawn)) as progress:
        if memory:
            return memory.draw(network.trunk, pictures, list(_classes(data)), drawn, progress)
        return pooled_draws(network.trunk, pictures, drawn, progress)


def _learned(config: TrainingConfig, network: Network, data: TrainingSet, run: Run) -> None:
    pictures, sampler = _sampled(config, data)
    learn_network(config, network, pictures, sampler, classes=len(_classes(data)), run=run)


def _sampled(config: TrainingConfig, data: TrainingSet) -> tuple[PictureDataset, WeightedTypeSampler]:
    classes = _classes(data)
    labels = [label for label, own in enumerate(classes.values()) for _ in own]
    augmentation = Augmentation(config.augment, ColourPca.fit(data.normal))
    weights = label_weights(config, data.anomalies)
    sampler = WeightedTypeSampler(labels, normal=NORMAL, weights=weights, seed=config.seed)
    return PictureDataset(np.concatenate(list(classes.values())), labels, augmentation), sampler


def _classes(data: TrainingSet) -> dict[str, Pixels]:
    """In the order of their labels; an auxiliary class may have the name of an anomaly type."""
    auxiliary = {f"auxiliary {name}": own for name, own in data.auxiliary.items()}
    return {"": data.normal, **data.anomalies, **auxiliary}


def label_weights(config: TrainingConfig, types: Iterable[str]) -> dict[int, float]:
    """The weight of each anomaly type by its label, given the types in the order of the labels."""
    return {
        label: config.data.anomalies.get(name, AnomalyTypeSettings()).weight
        for label, name in enumerate(types, start=NORMAL + 1)
    }


def plain(pictures: Pixels) -> PictureDataset:
    """Pictures as they are, for which no class is asked."""
    return PictureDataset(pictures, [NORMAL] * len(pictures))
