"""What the speed benchmark times, fitted and exported once: our bundles, and anomalib's models by its environment.

Each lies in a folder named by a digest of all that decides what it is, with the AUROC that it was found to have.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

import inspector
import training
from inspector.bundle import read_manifest
from training.benchmark.speed_sets import SEED, Division, digest
from training.benchmark.speed_turns import Progress, Stage, Worker
from training.config import DataSettings, TrainingConfig
from training.data import split_groups
from training.dataset import read_pictures
from training.evaluate import auroc, known
from training.export import export, golden_pictures
from training.fit import fit_model
from training.seen import Tracker, TrainingSet

CONFIG: Final = TrainingConfig(name="speed", output=Path("unused"), data=DataSettings(root=Path("unused")), int8=True)
"""The defaults, which configs/training/cells.yaml spells out, and the network in 8 bits beside the other."""

DECIDE: Final = ("bundle/*.py", "scorers/*.py", "fusion.py", "naming.py", "pictures.py")
"""Of our package, what decides what a bundle says; of training all but what only prints."""
PRINT: Final = ("cli.py", "report.py", "overlays.py")

OUR_WORKER: Final = (sys.executable, "-m", "training.benchmark.speed_worker")
EXPORT: Final = Path(__file__).with_name("anomalib_export.py")
PATCHCORE: Final = Path(__file__).with_name("anomalib_patchcore.py")

GRAPH: Final = (".xml", ".bin")
"""The two files of an OpenVINO graph."""

AT_ONCE: Final = 20
"""Pictures that a worker is asked to score at once, so that progress can be shown."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A model of anomalib's. ``weights`` as anomalib_export.py takes them."""

    method: str
    name: str
    weights: str

    @property
    def learns(self) -> bool:
        """Its scores mean something, and it is another for each set."""
        return self.weights != "random"


PEERS: Final = (
    Peer("padim", "PaDiM, ResNet-18", "random"),
    Peer("patchcore", "PatchCore, ResNet-18, 8,000 patches", "random"),
    Peer("stfpm", "STFPM, ResNet-18", "random"),
    Peer("efficient_ad", "EfficientAD-S", "random"),
    Peer("padim", "PaDiM, lite0", "package"),
    Peer("patchcore", "PatchCore, lite0, 8,000 patches", "package"),
    Peer("stfpm", "STFPM, lite0", "package"),
)


@dataclass(frozen=True, slots=True)
class Model:
    """One row of the table on one set: a model in an engine. ``means_something``: its scores do.

    ``file``: what its worker loads, in a folder of its own. ``options``: how.
    """

    worker: str
    row: str
    set: str
    division: Division
    file: Path
    options: Mapping[str, str]
    stages: tuple[Stage, ...]
    means_something: bool = True
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def engine(self) -> str:
        """Engine and precision, in words."""
        return f"{self.options.get('engine', 'openvino')} {self.options['precision']}"

    @property
    def name(self) -> str:
        """What its worker knows it by."""
        return f"{self.row}, {self.set}, {self.engine}"

    @property
    def question(self) -> dict[str, Any]:
        """What its worker needs to load it, besides the pictures that it is timed on."""
        return {"model": self.name, "file": self.file, **self.options}

    def auroc(self, worker: Worker, versions: Mapping[str, str], progress: Progress) -> float | None:
        """Of the scores that the loaded model gives; kept beside it. None where they mean nothing."""
        if not self.means_something:
            return None
        kept = self.file.parent / "auroc.json"
        all_known: dict[str, float | None] = json.loads(kept.read_text()) if kept.exists() else {}
        key = f"{self.engine}, {digest(versions, self.division.tested)}"
        if key not in all_known:
            files = self.division.tested
            scores: list[float] = []
            while len(scores) < len(files):
                said = worker.ask("score", model=self.name, files=files[len(scores) : len(scores) + AT_ONCE])
                scores += map(known, said)
                progress(len(scores), len(files))
            of = np.array(scores, np.float32)
            split = len(self.division.normals)
            all_known[key] = auroc(of[:split], of[split:])
            kept.write_text(json.dumps(all_known, indent=1) + "\n")
        return all_known[key]


def our_bundle(division: Division, folder: Path, track: Tracker) -> Path:
    """The bundle of this division, fitted by training's own fit where there is none yet."""
    key = digest(CONFIG.model_dump(mode="json"), division.train, division.known, list(_sources()))
    path = folder / f"{division.set}-{division.shots}-{key}" / "bundle"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        kept, held_out = split_groups(division.train, CONFIG.data.holdout, CONFIG.seed)
        size = CONFIG.network.picture_size
        data = TrainingSet(
            normal=read_pictures(kept, size),
            held_out=read_pictures(held_out, size),
            anomalies={name: read_pictures(files, size) for name, files in division.known.items()},
            auxiliary={},
        )
        model = fit_model(CONFIG, data, run_dir=None, track=track)
        fields = {"name": division.set, "training": {"config": CONFIG.model_dump(mode="json")}}
        export(model, golden_pictures(model, data), path, fields, quantise_on=data if CONFIG.int8 else None)
    return path


def _sources() -> Iterator[str]:
    ours, fit = (Path(package.__path__[0]) for package in (inspector, training))
    files = [file for pattern in DECIDE for file in ours.glob(pattern)]
    files += [file for file in fit.glob("*.py") if file.name not in PRINT]
    yield from (file.read_text() for file in sorted(files))


def our_models(division: Division, bundle: Path, engines: list[str]) -> Iterator[Model]:
    """The bundle in each engine and each precision that it holds."""
    manifest, _ = read_manifest(bundle)
    row = f"{division.shots} known anomalies" if division.shots else "normals only"
    for engine in engines:
        for precision in ("float32", "int8") if manifest.int8 else ("float32",):
            yield Model(
                worker="ours",
                row=row,
                set=division.set,
                division=division,
                file=bundle,
                options={"engine": engine, "precision": precision},
                stages=("network", "verdict", "map"),
                notes={
                    "gate": manifest.gate.ships if manifest.gate else None,
                    "int8": manifest.int8.model_dump() if manifest.int8 else None,
                },
            )


def peers_home(peer: Peer, division: Division, folder: Path, versions: Mapping[str, str]) -> Path:
    """Where the exported graph of a peer is kept, or will be."""
    scripts = [file.read_text() for file in (EXPORT, PATCHCORE)]
    pictures = (division.train, division.tested) if peer.learns else ()
    key = digest(peer.method, peer.weights, scripts, versions, pictures)
    return folder / f"{peer.method}-{peer.weights}-{division.set if peer.learns else 'any'}-{key}"


def peers_graph(
    peer: Peer,
    division: Division,
    folder: Path,
    versions: Mapping[str, str],
    *,
    exporter: Callable[[], Worker],
    progress: Progress,
) -> Path:
    """The exported graph; the model is fitted and exported by anomalib_export.py, run by ``exporter``, if need be."""
    home = peers_home(peer, division, folder, versions)
    if not home.exists():
        draft = home.with_name(f".{home.name}")
        shutil.rmtree(draft, ignore_errors=True)
        graph = exporter().ask(
            "export",
            progress,
            method=peer.method,
            weights=peer.weights,
            train=division.train,
            tested=division.tested,
            seed=SEED,
            folder=draft.resolve(),
        )
        for suffix in GRAPH:
            Path(graph).with_suffix(suffix).rename(draft / f"model{suffix}")
        draft.rename(home)
    return home / f"model{GRAPH[0]}"


def peers_models(peer: Peer, division: Division, graph: Path, precisions: list[str]) -> Iterator[Model]:
    """The exported graph in each precision."""
    for precision in precisions:
        yield Model(
            worker="anomalib",
            row=peer.name,
            set=division.set,
            division=division,
            file=graph,
            options={"precision": precision},
            stages=("map",),
            means_something=peer.learns,
        )
