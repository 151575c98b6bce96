"""How often each picture is drawn in an epoch, so that a few defects weigh as much as many normal pictures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Draw:
    """One picture drawn once: ``index`` is its place in the dataset, ``seed`` fixes how it is augmented.

    The seed names the run, the epoch and the position within the epoch. So a scarce picture is changed anew each time
    that it is drawn, and the result does not depend on how many workers or machines share the work.
    """

    index: int
    seed: tuple[int, int, int]


class WeightedTypeSampler(Sampler[Draw]):
    """Draws normal and auxiliary pictures once an epoch each, and anomalies, all types together, as often as normals.

    The types share their part by weight: a type of weight 10 is drawn 10 times as often as a type of weight 1,
    whatever their numbers of pictures. Within a type every picture comes round before any comes again. Ten pictures
    of a single type are thus brought up to the size of the normal class. Were each type brought up to it on its own,
    and then multiplied by its weight, many types or one heavy weight would drown the normals, whose spread is what
    the model is to learn.

    ``labels`` are the classes of the dataset's pictures in its order; ``normal`` is the label of the normal class and
    ``weights`` holds the anomaly types' weights by label. All other labels are auxiliary. Raises ValueError for a
    weight without pictures or not above 0.

    The order follows from the seed and the epoch alone, the length never changes, and every process yields the same
    draws: what Lightning's wrapper for several devices needs to deal them out. Lightning calls ``set_epoch``.
    """

    def __init__(self, labels: Sequence[int], *, normal: int, weights: Mapping[int, float], seed: int) -> None:
        classes = np.asarray(labels)
        self._types = {label: np.flatnonzero(classes == label) for label in sorted(weights)}
        self._weights = [weights[label] for label in self._types]
        _check(self._types, self._weights)
        self._once = np.flatnonzero(~np.isin(classes, list(weights)))
        self._anomalies = int((classes == normal).sum()) if weights else 0
        self._seed = seed
        self._epoch = 0

    def __len__(self) -> int:
        return len(self._once) + self._anomalies

    def set_epoch(self, epoch: int) -> None:
        """The epoch, from 0, whose draws come next."""
        self._epoch = epoch

    def draws(self, epochs: int) -> list[Draw]:
        """Everything that is drawn in so many epochs, from the first."""
        drawn: list[Draw] = []
        for epoch in range(epochs):
            self.set_epoch(epoch)
            drawn += self
        return drawn

    def __iter__(self) -> Iterator[Draw]:
        rng = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(self._epoch,)))
        counts = share_out(self._anomalies, self._weights, rng.random())
        repeated = [_rounds(pictures, count, rng) for pictures, count in zip(self._types.values(), counts, strict=True)]
        order = rng.permutation(np.concatenate([self._once, *repeated]))
        return (Draw(int(index), (self._seed, self._epoch, position)) for position, index in enumerate(order))


def share_out(total: int, weights: Sequence[float], offset: float) -> list[int]:
    """``total`` draws shared out in proportion to the weights, in whole numbers that always add up to it.

    Systematic sampling (Madow 1949): each count is its exact share rounded up or down, as ``offset`` in [0, 1) has it,
    and over uniformly random offsets its mean is the exact share. So even a type whose share is less than one draw
    has its turn. No weights, no counts.
    """
    if not len(weights):
        return []
    cumulative = np.cumsum(weights)
    bounds = np.ceil(total * (cumulative / cumulative[-1]) - offset)
    bounds[-1] = total  # exact also where the subtraction rounds
    return [int(count) for count in np.diff(bounds, prepend=0)]


def _rounds(pictures: Indices, count: int, rng: np.random.Generator) -> Indices:
    """``count`` of the pictures in random order, each of them before any again."""
    rounds = -(-count // len(pictures))
    return np.concatenate([pictures[:0], *(rng.permutation(pictures) for _ in range(rounds))])[:count]


def _check(types: Mapping[int, Indices], weights: Sequence[float]) -> None:
    for (label, pictures), weight in zip(types.items(), weights, strict=True):
        if not len(pictures):
            raise ValueError(f"label {label} has a weight but no picture")
        if not weight > 0:
            raise ValueError(f"the weight of label {label} is {weight}; it must be above 0")
