"""Loading a model beside the one that judges: in one thread, which leaves the other cores to the stations.

That thread has the priority of all others. With less, it held the interpreter's lock while something else had the core,
and stations waited for it.
"""

from dataclasses import replace
from pathlib import Path

from inspector.bundle import MODEL, MODEL_INT8, Bundle, Manifest, read_bundle
from inspector.engines import Engine


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
    """A bundle that has been on trial, its network opened anew by ``engine``. Raises BundleError."""
    file = bundle.path / (MODEL_INT8 if engine.precision == "int8" else MODEL)
    return replace(bundle, embedder=engine.open(file), engine=engine)
