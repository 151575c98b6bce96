"""Which engine runs a bundle's network: the one that the configuration names, or what is the quickest here."""

import logging
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final, Literal

from inspector.bundle import Bundle, Manifest, read_bundle, read_manifest
from inspector.cores import Cores, pinned
from inspector.engine_record import Choice, Situation, remember, remembered, situation
from inspector.engines import Engine, EngineKind, Precision, can_run
from inspector.errors import BundleError, ConfigError
from inspector.inspection import utc_now

log = logging.getLogger(__name__)

AUTO: Final[tuple[EngineKind, ...]] = ("onnxruntime", "openvino", "cuda")
"""TensorRT takes minutes to prepare a network: it runs where it is asked for by name."""

WARM_UP: Final = 3
ROUNDS: Final = 15
"""Timed runs of each candidate. They take turns, so that whatever else the machine does slows all of them alike."""


EngineWish = Literal[EngineKind, "auto"]
PrecisionWish = Literal[Precision, "auto"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a configuration asks for; ``auto`` is whatever is the quickest. ``threads`` and ``cores`` as in Engine."""

    engine: EngineWish = "onnxruntime"
    precision: PrecisionWish = "float32"
    threads: int = 0
    cores: Cores = ()

    def candidates(self, manifest: Manifest) -> list[Engine]:
        """All that fulfil it and might run the bundle of this manifest here."""
        kinds = [kind for kind in AUTO if can_run(kind)] if self.engine == "auto" else [self.engine]
        held: list[Precision] = ["float32", "int8"] if manifest.int8 else ["float32"]
        precisions = held if self.precision == "auto" else [self.precision]
        return [Engine(kind, precision, self.threads, self.cores) for kind, precision in product(kinds, precisions)]


def ready_bundle(path: Path, wish: Wish) -> Bundle:
    """The bundle in the folder ``path``, run as ``wish`` says, its golden pictures judged again.

    Raises BundleError or ConfigError where it cannot be used.
    """
    return _proved(path, chosen_engine(path, wish))


def chosen_engine(path: Path, wish: Wish) -> Engine:
    """What runs the bundle in the folder ``path``.

    Candidates are measured once; the choice counts until the bundle, the machine or an engine's version changes.
    Raises BundleError or ConfigError where none can be used.
    """
    manifest, digest = read_manifest(path)
    candidates = wish.candidates(manifest)
    if len(candidates) == 1:
        return candidates[0]
    now = situation(digest, candidates)
    choice = remembered(path, now)
    if choice is None:
        choice = _measured(path, now, candidates)
        remember(path, choice)
    log.info("%s: %s", path, choice)
    return Engine(choice.engine, choice.precision, wish.threads, wish.cores)


def _proved(path: Path, engine: Engine) -> Bundle:
    bundle = read_bundle(path, engine)
    bundle.check_golden()
    return bundle


def _measured(path: Path, now: Situation, candidates: list[Engine]) -> Choice:
    usable: dict[Engine, Bundle] = {}
    out: dict[str, str] = {}
    for engine in candidates:
        try:
            usable[engine] = _proved(path, engine)
        except (BundleError, ConfigError) as error:
            out[str(engine)] = str(error)
    if not usable:
        raise BundleError("\n".join([f"{path}: no engine can run it here:", *dict.fromkeys(out.values())]))
    medians_ms = medians(usable)
    best = min(medians_ms, key=medians_ms.__getitem__)
    return Choice(
        situation=now,
        engine=best.kind,
        precision=best.precision,
        medians_ms={str(engine): round(ms, 3) for engine, ms in medians_ms.items()},
        out=out,
        measured_at=utc_now(),
    )


def medians(bundles: Mapping[Engine, Bundle]) -> dict[Engine, float]:
    """The milliseconds that each engine takes to embed one golden picture, as the median of ROUNDS."""
    pictures = [pixels[None] for _, pixels in next(iter(bundles.values())).golden()]
    times_ms: dict[Engine, list[float]] = {engine: [] for engine in bundles}
    for turn in range(WARM_UP + ROUNDS):
        for engine, bundle in bundles.items():
            with pinned(engine.cores):
                started_s = time.perf_counter()
                bundle.embedder.embed(pictures[turn % len(pictures)])
                times_ms[engine].append((time.perf_counter() - started_s) * 1000)
    return {engine: statistics.median(each[WARM_UP:]) for engine, each in times_ms.items()}
