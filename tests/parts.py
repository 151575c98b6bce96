"""Pictures of made-up parts, and a small real bundle that judges them."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from inspector.fusion import PartSettings
from inspector.pictures import encode_png, resize
from inspector.scorers import DiscriminantSettings, KnownPatchesSettings, MahalanobisSettings, PatchesSettings
from training.augment import AugmentSettings
from training.config import AnomalyTypeSettings, DataSettings, TrainingConfig
from training.export import export, golden_pictures
from training.fit import fit_model
from training.network import NetworkSettings
from training.normals import normals_of
from training.seen import TrainingSet

SIZE = 16

PARTS_WITH_EVIDENCE = (
    PartSettings(of="pooled", distance=MahalanobisSettings()),
    PartSettings(distance=MahalanobisSettings()),
    PartSettings(distance=PatchesSettings(bank_size=200)),
    PartSettings(of="pooled", distance=DiscriminantSettings()),
    PartSettings(distance=KnownPatchesSettings()),
)
"""Distances from normal, one of them of the embedding, and evidence for known anomalies."""


def good_parts(n, seed=0):
    """Dark plates with some noise, (n, SIZE, SIZE, 3)."""
    rng = np.random.default_rng(seed)
    return (60 + 8 * rng.standard_normal((n, SIZE, SIZE, 3))).clip(0, 255).astype(np.uint8)


def scratched_parts(n, seed=0):
    """The same with a bright line across."""
    parts = good_parts(n, seed)
    rng = np.random.default_rng(seed)
    for part in parts:
        (y0, y1) = rng.integers(3, SIZE - 3, 2).tolist()
        cv2.line(part, (0, y0), (SIZE - 1, y1), (250, 250, 250), 2)
    return parts


def spotted_parts(n, seed=0):
    """The same with a dark spot."""
    parts = good_parts(n, seed)
    rng = np.random.default_rng(seed)
    for part in parts:
        cv2.circle(part, rng.integers(3, SIZE - 3, 2).tolist(), 2, (0, 0, 0), -1)
    return parts


def write_parts(folder: Path, pictures, stem="part"):
    """One PNG each, named ``<stem>-<number>``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{stem}-{i:03}.png" for i in range(len(pictures))]
    for path, pixels in zip(paths, pictures, strict=True):
        path.write_bytes(encode_png(pixels))
    return paths


def small_config(**changes):
    return TrainingConfig(
        **{
            "name": "plates",
            "output": "unused",
            "data": DataSettings(root="unused", anomalies={"scratch": AnomalyTypeSettings(critical=True)}),
            "network": NetworkSettings(
                backbone="light",
                weights="none",
                input_size=(SIZE, SIZE),
                levels=(8,),
                patch_levels=(8,),
                embedding_dim=8,
                train="all",
            ),
            "augment": AugmentSettings(rotate_degrees=0, brightness=0, contrast=0),
            "views": 1,
            "batch_size": 16,
            "trainer": {"max_epochs": 3},
            "scorers": (
                PartSettings(distance=MahalanobisSettings()),
                PartSettings(distance=PatchesSettings(bank_size=200)),
            ),
            "false_reject_rate": 0.01,
            **changes,
        }
    )


def frozen_network(**changes):
    """Of the same small network only the head is learned."""
    return small_config().network.model_copy(update={"train": "head", **changes})


def small_training_set():
    return TrainingSet(
        normal=good_parts(120),
        held_out=good_parts(99, seed=1),
        anomalies={"scratch": scratched_parts(5)},
        auxiliary={},
        taken_at=(SIZE, SIZE),
    )


def write_small_bundle(path: Path):
    """By a backbone that stays as it is: what becomes of one that learns depends on how the processor rounds."""
    data = small_training_set()
    config = small_config(
        network=frozen_network(),
        scorers=(
            PartSettings(of="pooled", distance=MahalanobisSettings()),
            PartSettings(distance=PatchesSettings(bank_size=200)),
        ),
    )
    model = fit_model(config, data, run_dir=None)
    fields = {"name": "plates", "training": {}}
    export(model, golden_pictures(model, data), path, fields, normals=normals_of(model, data))
    return model


def write_line_size_bundle(path: Path):
    """The same with the default network, which takes as long as one on a line does; it judges parts of any size."""
    small = small_training_set()
    data = replace(
        small,
        normal=enlarged(small.normal),
        held_out=enlarged(small.held_out),
        anomalies={name: enlarged(pictures) for name, pictures in small.anomalies.items()},
    )
    model = fit_model(small_config(network=NetworkSettings()), data, run_dir=None)
    export(model, golden_pictures(model, data), path, {"name": "plates", "training": {}})


def enlarged(pictures):
    return np.stack([resize(each, *NetworkSettings().input_size) for each in pictures])
