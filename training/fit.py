"""From a configuration and pictures to a fitted model: see once, learn, leave out, decide, fit, calibrate."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytorch_lightning as pl

from inspector.bundle import AnomalyType, Calibration, GateRecord
from inspector.errors import DataError
from inspector.fusion import Fusion
from inspector.inspection import Features, Floats, Pixels
from inspector.naming import TypeNamer
from training.calibrate import calibrate
from training.choice import choose
from training.confidence import calibrated
from training.config import AnomalyTypeSettings, TrainingConfig
from training.contract import check_possible
from training.curve import worth_of_more
from training.features import embed
from training.heads import Heads
from training.learn import UNRECORDED, Run, Start, check_options
from training.leftout import FOLDS, Material, fit_namer
from training.network import Network
from training.parts import Distances
from training.remembered import Memory
from training.seen import SeenSet, Tracker, TrainingSet, plain, see_all, untracked

FEWEST: Final = 3 * FOLDS
"""Normal pictures, so that each fold leaves some out and keeps enough."""


@dataclass(frozen=True, slots=True)
class FittedModel:
    """What a fit makes, in training's own code; the bundle must say the same."""

    network: Network
    scorer: Fusion
    anomaly_types: tuple[AnomalyType, ...]
    namer: TypeNamer | None
    """Tells the anomaly types apart; None without any."""
    calibration: Calibration
    gate: GateRecord | None
    """Whether the anomalies count; None without any."""
    more_normals: float
    """By what share twice as many normals would make normal pictures look less novel: what more pictures would buy."""
    held_out: Features
    """Of the held-out normals, in their order; without their patches, which are large."""
    held_out_scores: Floats

    def features(self, pictures: Pixels) -> Features:
        """The features of (n, height, width, 3) uint8 pictures at the network's picture size."""
        return embed(self.network, plain(pictures))

    def score(self, pictures: Pixels) -> Floats:
        """(n,) scores of the same."""
        return self.scorer.score(self.features(pictures))


def fit_model(
    config: TrainingConfig,
    data: TrainingSet,
    *,
    run_dir: Path | None,
    start: Start = Start.FRESH,
    track: Tracker = untracked,
    memory: Memory | None = None,
) -> FittedModel:
    """Learn the embedding, decide whether the anomalies help, fit the scorers and calibrate on the held-out normals.

    ``run_dir`` receives checkpoints and logs; without it nothing is written. ``memory``: see ``see_all``.

    Raises DataError or ConfigError, and
    KeyboardInterrupt on Ctrl-C or SIGTERM, which leave a checkpoint once the learning has begun.
    """
    check_options(config.trainer)
    if len(data.normal) < FEWEST:
        raise DataError(f"{len(data.normal)} normal pictures besides those held out; {FEWEST} are needed at least")
    if promised := config.promised(data.held_out_groups):
        check_possible(promised, len(data.held_out))
    pl.seed_everything(config.seed, workers=True, verbose=False)
    network, seen = see_all(config, data, Run(run_dir, start), track, memory)
    return fit_seen(config, network, seen, Distances(), run=Run(run_dir, start), track=track)


def fit_seen(
    config: TrainingConfig,
    network: Network,
    seen: SeenSet,
    distances: Distances,
    *,
    run: Run = UNRECORDED,
    track: Tracker = untracked,
) -> FittedModel:
    """Everything after the trunk's one look. The network's head is replaced by the one that ships.

    ``distances`` may be shared by fits of the same normals.
    """
    heads = Heads(config, network, seen)
    settings = [config.data.anomalies.get(name, AnomalyTypeSettings()) for name in seen.anomalies]
    anomalies = list(seen.anomalies.values())
    material = Material(
        normals=seen.normal,
        anomalies=anomalies,
        weights=[each.weight for each in settings],
        made_up=seen.made_up,
        made_on=seen.made_on,
        head=heads.without,
        peers=config.peers,
        onset=config.onset,
    )
    learned = heads.learn(run)  # first, so that an interruption later on finds its checkpoint
    chosen = choose(config, material, heads, distances, track)
    network.head = learned if chosen.gain else heads.of_normals(learned)
    normals, types = seen.normal.through(network.head), [own.through(network.head) for own in anomalies]
    held_out = seen.held_out.through(network.head)
    scorer = chosen.fusion(normals, types, material.weights, distances)
    scores = scorer.score(held_out)
    left_out = chosen.left_out_scores(list(seen.anomalies))
    critical = {name for name, each in zip(seen.anomalies, settings, strict=True) if each.critical}
    return FittedModel(
        network=network,
        scorer=scorer,
        anomaly_types=tuple(
            AnomalyType(name=name, weight=each.weight, critical=each.critical, pictures=len(own))
            for (name, own), each in zip(seen.anomalies.items(), settings, strict=True)
        ),
        namer=calibrated(fit_namer(normals, types), chosen.left_out),
        calibration=calibrate(
            scores,
            config.false_reject_rate,
            {name: own for name, own in left_out.items() if name in critical},
            config.critical_false_reject_rate,
            config.promised(seen.held_out_groups),
            others={name: own for name, own in left_out.items() if name not in critical},
            costs=config.costs,
        ),
        gate=chosen.gate,
        more_normals=worth_of_more(normals, held_out),
        held_out=replace(held_out, patches=None),
        held_out_scores=scores,
    )
