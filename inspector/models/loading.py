"""Loading a model beside the one that judges, without taking the processor from it."""

import os
import sys
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Final, TypeVar

from inspector.bundle import MODEL, MODEL_INT8, Bundle, Manifest, read_bundle
from inspector.engines import Engine

NICENESS: Final = 10
"""A ninth of the share that a thread of the daemon has. Less would not do: a thread that never runs cannot let go of
the interpreter's lock either, and then a station waits for it."""

Made = TypeVar("Made")


def quietly(name: str, work: Callable[[], Made]) -> Future[Made]:
    """What ``work`` will have returned or raised, in a thread that gives way to all others."""
    outcome: Future[Made] = Future()

    def run() -> None:
        give_way()
        try:
            outcome.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            outcome.set_exception(error)

    Thread(target=run, name=name, daemon=True).start()
    return outcome


def give_way() -> None:
    """From now on the calling thread, and each that it starts, gets what the others leave; there is no way back."""
    if sys.platform == "linux":  # elsewhere a priority is that of the whole process
        os.nice(NICENESS)


def engine_like(engine: Engine, manifest: Manifest, *, any_precision: bool) -> Engine:
    """What runs the new model as the old one is run: nothing is measured while a station judges.

    ``any_precision``: whether a bundle without an 8-bit network may be run in 32 bits instead.
    """
    return replace(engine, precision="float32") if any_precision and manifest.int8 is None else engine


def on_trial(path: Path, engine: Engine) -> Bundle:
    """The bundle, its checksums compared and its golden pictures judged again, in one thread. Raises BundleError."""
    bundle = read_bundle(path, replace(engine, threads=1))
    bundle.check_golden()
    return bundle


def in_full(bundle: Bundle, engine: Engine) -> Bundle:
    """A bundle that has been on trial, its network opened anew by ``engine``. Raises BundleError.

    Not to be called by a quiet thread: those that it starts would give way for ever, as it does.
    """
    file = bundle.path / (MODEL_INT8 if engine.precision == "int8" else MODEL)
    return replace(bundle, embedder=engine.open(file), engine=engine)
