"""Promised and observed on real sets: 40 % of the normals train, 40 % calibrate, 20 % test, ten anomalies are known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from inspector.inspection import Floats
from training.benchmark.few_seen import OfSeed, SetSeen
from training.benchmark.runs import Record
from training.benchmark.sets import PictureSet
from training.benchmark.splits import Split
from training.config import DataSettings, TrainingConfig
from training.contract import promised_threshold
from training.fit import fit_seen
from training.parts import Distances
from training.promise import Terms, at_least

HOLDOUT: Final = 0.5
TEST_SHARE: Final = 0.2
KNOWN: Final = 10

CONFIG: Final = TrainingConfig(
    name="promise", output=Path("unused"), data=DataSettings(root=Path("unused"), holdout=HOLDOUT)
)


def split_of(normals: int, anomalies: dict[str, int], seed: int) -> Split:
    """Rows of those that train or calibrate, that test, and of ten anomalies that are known."""
    rng = np.random.default_rng((seed, normals))
    order = rng.permutation(normals)
    tested = round(TEST_SHARE * normals)
    every = [(name, row) for name, number in anomalies.items() for row in range(number)]
    drawn = [every[place] for place in rng.permutation(len(every))]
    known, unseen = (
        {name: np.sort(np.array([row for other, row in some if other == name], np.intp)) for name in anomalies}
        for some in (drawn[:KNOWN], drawn[KNOWN:])
    )
    train, test = np.sort(order[tested:]), np.sort(order[:tested])
    known = {name: rows for name, rows in known.items() if len(rows)}
    return Split(seed, KNOWN, "general", None, train, test, known, unseen)


def scored(whole: SetSeen, pictures: PictureSet, seed: int, config: TrainingConfig) -> Record:
    """Scores, by a model that is fitted for it, of the held-out normals, the tested ones and the unseen anomalies."""
    numbers = {name: len(own) for name, own in pictures.anomalies.items()}
    split = split_of(len(pictures.normal), numbers, seed)
    shared = OfSeed(config, whole, split)
    model = fit_seen(shared.config, whole.network, shared.training(split.known), Distances())

    def score(seen: Any) -> list[float]:
        return [float(each) for each in model.scorer.score(seen.through(model.network.head))]

    return {
        "held_out": score(shared.held_out),
        "tested": score(shared.tested),
        "anomalies": {name: score(shared.of_type(name, rows)) for name, rows in split.unseen.items() if len(rows)},
    }


def look(pictures: PictureSet, progress: Callable[[int], None], config: TrainingConfig) -> SetSeen:
    """The backbone's one look at a set, which serves all its seeds."""
    return SetSeen.of(config, pictures, progress)


def observed(row: Record, share: float) -> Record:
    """What the threshold that promises the share, or the best that there is, does to pictures that chose nothing."""
    held_out = np.array(row["held_out"], np.float32)
    terms = Terms(share)
    kept = bool(terms.rank(len(held_out)))
    terms = terms if kept else terms.best(len(held_out))
    threshold = promised_threshold(held_out, terms)
    caught = {name: _above(own, threshold) for name, own in row["anomalies"].items()}
    return {
        "asked": share,
        "needed": Terms(share).needed,
        "held_out": len(held_out),
        "promised": terms.max_false_reject,
        "threshold": threshold,
        "tested": len(row["tested"]),
        "rejected": _above(row["tested"], threshold),
        "types": {
            name: {"pictures": len(own), "caught": caught[name], "at_least": at_least(caught[name], len(own))}
            for name, own in row["anomalies"].items()
        },
    }


def normals_of(row: Record) -> Floats:
    """All that the fit has not seen, as the truth that calibrations are drawn from."""
    return np.array([*row["held_out"], *row["tested"]], np.float32)


def _above(scores: list[float], threshold: float) -> int:
    return sum(score > threshold for score in scores)
