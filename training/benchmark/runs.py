"""Repeated runs of an experiment: scored, kept line by line so that an interrupted one goes on, and summed up."""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
import timm
import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from inspector import __version__
from inspector.inspection import Features, Floats, Pixels, Scorer
from inspector.scorers.cosine import CosineSettings
from inspector.scorers.euclidean import EuclideanSettings
from inspector.scorers.knn import KnnSettings
from inspector.scorers.lof import LofSettings
from inspector.scorers.mahalanobis import MahalanobisSettings
from training.config import TrainingConfig
from training.evaluate import auroc
from training.fit import FittedModel, fit_model
from training.seen import TrainingSet

mpl.use("Agg")

DISTANCES: Final = (EuclideanSettings(), MahalanobisSettings(), KnnSettings(), LofSettings(), CosineSettings())
"""Measured in the learned embedding; the product's own score is a row of its own, and so are the parts it sums."""

SHIPPED: Final = "shipped"

Record = dict[str, Any]
"""One line of results: ``run``, ``known`` (anomaly pictures in training), ``distance``, and the figures."""


def run_once(
    config: TrainingConfig, data: TrainingSet, tests: dict[str, tuple[Pixels, Pixels]], **tags: Any
) -> list[Record]:
    """Fit once and score every test, given as (normals, anomalies) by name, by every distance."""
    started_s = time.monotonic()
    model = fit_model(config, data, run_dir=None)
    seconds = time.monotonic() - started_s
    records = []
    for test, (normal, anomalous) in tests.items():
        seen = (model.features(normal), model.features(anomalous))
        for distance, (scored_normal, scored_anomalous) in _scores(model, data, seen):
            records.append(
                {
                    **tags,
                    "test": test,
                    "distance": distance,
                    "auc": auroc(scored_normal, scored_anomalous),
                    "best_accuracy": best_accuracy(scored_normal, scored_anomalous),
                    "fit_seconds": seconds,
                }
            )
    return records


def _scores(
    model: FittedModel, data: TrainingSet, seen: tuple[Features, Features]
) -> Iterable[tuple[str, tuple[Floats, Floats]]]:
    normals = model.features(data.normal)
    scorers: dict[str, Scorer] = {settings.kind: settings.fit(normals) for settings in DISTANCES}
    for part in model.scorer.parts:
        kind, of = part.record.kind, part.record.of
        scorers.setdefault(kind if of == "embedding" else f"{kind} of {of}", part)
    for name, scorer in {**scorers, SHIPPED: model.scorer}.items():
        yield name, (scorer.score(seen[0]), scorer.score(seen[1]))


def best_accuracy(normal: Floats, anomalous: Floats) -> float:
    """Accuracy at the threshold that is best for these very scores, as the source has it; too good to promise."""
    thresholds = np.concatenate([normal, anomalous])
    right = (normal[None] <= thresholds[:, None]).sum(axis=1) + (anomalous[None] > thresholds[:, None]).sum(axis=1)
    return float(right.max() / len(thresholds))


def resumed(
    path: Path, settings: Record, runs: Sequence[Record], run: Callable[[Record], list[Record]]
) -> list[Record]:
    """All records of ``runs``; those that ``path`` holds already, made with the same settings, are not made again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = json.dumps(settings, sort_keys=True, default=str)
    text = path.read_text() if path.exists() else ""
    lines = text[: text.rfind("\n") + 1].splitlines()  # a line without an end was cut off while it was written
    if lines[:1] != [header]:
        lines = [header]
    path.write_text("".join(f"{line}\n" for line in lines))
    done = {json.dumps(each["tags"], sort_keys=True): each["records"] for each in map(json.loads, lines[1:])}
    for tags in runs:
        key = json.dumps(tags, sort_keys=True)
        if key not in done:
            done[key] = run(tags)
            with path.open("a") as file:
                file.write(json.dumps({"tags": tags, "records": done[key]}) + "\n")
    return [record for tags in runs for record in done[json.dumps(tags, sort_keys=True)]]


def machine() -> Record:
    """What the figures were measured on."""
    versions = {each.__name__: each.__version__ for each in (np, timm, torch)}
    return {"platform": platform.platform(), "cores": os.cpu_count(), "inspector": __version__, **versions}


def positive(text: str) -> int:
    """A number of runs from the command line. Raises ArgumentTypeError below 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text}: give 1 or more")
    return int(text)


Published = dict[tuple[bool, str], str]
"""The source's AUC, and its best accuracy where it gives one, by whether anomalies were known and by distance."""


def print_table(records: Sequence[Record], published: Published, title: str, caption: str) -> None:
    """One row for each test, with and without known anomalies, and distance; the source's figures beside ours."""
    table = Table(title=title, caption=caption)
    for heading in ("test", "known", "distance", "AUC median", "min", "max", "best accuracy", "published"):
        table.add_column(heading, justify="left" if heading in ("test", "distance") else "right")
    for (test, known, distance), own in _grouped(records).items():
        auc = [each["auc"] for each in own]
        accuracy = np.median([each["best_accuracy"] for each in own])
        table.add_row(
            test, str(known), distance, f"{np.median(auc):.4f}", f"{min(auc):.4f}", f"{max(auc):.4f}",
            f"{accuracy:.1%}", published.get((known > 0, distance), ""),
        )  # fmt: skip
    Console().print(table)


def draw_boxes(records: Sequence[Record], title: str, path: Path) -> None:
    """A box for each distance, with and without known anomalies, over the runs of the first test."""
    first = records[0]["test"]
    groups = {key: own for key, own in _grouped(records).items() if key[0] == first}
    figure = Figure(figsize=(2 + 0.75 * len(groups), 5), layout="constrained")
    axes = figure.subplots()
    colours = {False: "#d1495b", True: "#2a7f9e"}
    for place, ((_, known, _), own) in enumerate(groups.items()):
        box = axes.boxplot([each["auc"] for each in own], positions=[place], widths=0.6, patch_artist=True)
        box["boxes"][0].set_facecolor(colours[known > 0])
        box["medians"][0].set_color("black")
    names = [f"{distance}\n{known} known".replace(" of ", "\nof ") for _, known, distance in groups]
    axes.set_xticks(range(len(groups)), names, fontsize=8)
    axes.set(title=title, ylabel="AUC")
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def _grouped(records: Sequence[Record]) -> dict[tuple[str, int, str], list[Record]]:
    groups: dict[tuple[str, int, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record["test"], record["known"], record["distance"]), []).append(record)
    return groups
