"""From the folders of a configuration to the pictures in memory that a fit looks at."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.config import TrainingConfig
from training.data import Pictures, check_independent, group_of_each, scan, split_groups
from training.dataset import read_pictures
from training.seen import Tracker, TrainingSet


@dataclass(frozen=True, slots=True)
class Prepared:
    """The training set, and the record of it that the bundle carries."""

    data: TrainingSet
    record: dict[str, Any]


def prepare(config: TrainingConfig, track: Tracker) -> Prepared:
    """Scan, check, split and read the pictures. Raises DataError that lists everything that is wrong with them."""
    with track("checking the pictures", 0) as progress:
        pictures = scan(config.data, lambda _: progress(1))
    kept, held_out = split_groups(pictures.normal, config.data.holdout, config.seed, config.data.group_pattern)
    kept = (*kept, *pictures.labelled_normal)
    groups = group_of_each(held_out, config.data.group_pattern)
    if config.max_false_reject is not None:
        check_independent(held_out)
    size = config.network.picture_size
    total = sum(map(len, (kept, held_out, *pictures.anomalies.values(), *pictures.auxiliary.values())))
    sizes: set[tuple[int, int]] = set()
    with track("reading the pictures", total) as progress:
        data = TrainingSet(
            normal=read_pictures(kept, size, progress, sizes),
            held_out=read_pictures(held_out, size, progress, sizes),
            anomalies={name: read_pictures(own, size, progress) for name, own in pictures.anomalies.items()},
            auxiliary={name: read_pictures(own, size, progress) for name, own in pictures.auxiliary.items()},
            held_out_groups=groups,
            taken_at=sizes.pop() if len(sizes) == 1 else None,
        )
    return Prepared(data, _record(config, pictures, kept, held_out))


def _record(
    config: TrainingConfig, pictures: Pictures, kept: Sequence[Path], held_out: Sequence[Path]
) -> dict[str, Any]:
    return {
        "config": config.model_dump(mode="json"),
        "normal": len(kept),
        "held_out": len(held_out),
        "labelled_normal": len(pictures.labelled_normal),
        "anomalies": {name: len(own) for name, own in pictures.anomalies.items()},
        "auxiliary": {name: len(own) for name, own in pictures.auxiliary.items()},
        "normal_sha256": digest_of_files(kept),
        "held_out_sha256": digest_of_files(held_out),
        "anomalies_sha256": {name: digest_of_files(own) for name, own in pictures.anomalies.items()},
    }


def digest_of_files(paths: Sequence[Path]) -> str:
    """The SHA-256 of the files' contents in any order, so that a set is known again wherever it lies."""
    digests = sorted(hashlib.sha256(path.read_bytes()).digest() for path in paths)
    return hashlib.sha256(b"".join(digests)).hexdigest()
