"""How sure a verdict may be of the anomaly type that it names, from pictures that were left out."""

from typing import Final

import numpy as np

from inspector.naming import TypeNamer
from inspector.scorers.normals import Doubles
from training.leftout import LeftOut, Rows

TEMPERATURES: Final = np.geomspace(0.02, 2, 25)
SIMILARITIES: Final = np.linspace(-0.2, 0.8, 41)

DOUBT: Final = 1.0
"""Pictures' worth of it: so much of the likelihood speaks for all answers alike, however clear a few pictures are."""


def calibrated(namer: TypeNamer | None, left_out: LeftOut) -> TypeNamer | None:
    """The namer with the temperature and the similarity of ``unknown`` that make the left-out pictures most likely.

    Pictures of types that the fit knew should be named by their type; those of other types, and made-up defects,
    ``unknown``. Both groups count alike. Without such pictures the namer stays as it is.
    """
    left = [each for trial in left_out.trials for each in (trial.known, trial.unknown)]
    similarities = np.concatenate([each.similarities for each in left])
    types = np.concatenate([each.types for each in left])
    if namer is None or not len(types):
        return namer
    recognised = np.isfinite(similarities[np.arange(len(types)), types]) & (types >= 0)
    truth = np.where(recognised, types, similarities.shape[1])
    shares = np.where(recognised, 1 / max(recognised.sum(), 1), 1 / max((~recognised).sum(), 1)) * len(types) / 2
    _, temperature, unknown = min(
        (_loss(namer.calibrated(temperature, unknown), similarities, truth, shares), temperature, unknown)
        for temperature in TEMPERATURES
        for unknown in SIMILARITIES
    )
    return namer.calibrated(float(temperature), float(unknown))


def _loss(namer: TypeNamer, similarities: Doubles, truth: Rows, shares: Doubles) -> float:
    """Negative log-likelihood."""
    surprise = -np.log(np.maximum(namer.probabilities(similarities), 1e-12))
    return float((shares * surprise[np.arange(len(truth)), truth]).sum() + DOUBT * surprise.mean())
