"""Whether each station's bundles are whole, and give their golden verdicts by the engine that will run them."""

from collections.abc import Iterator
from pathlib import Path

from inspector.bundle import read_bundle, read_manifest
from inspector.config import StationSettings
from inspector.doctor.findings import Finding, Subject, bad, good, unclear
from inspector.engine_choice import Wish
from inspector.engine_record import remembered, situation
from inspector.engines import Engine
from inspector.errors import BundleError, ConfigError, ModelError
from inspector.models import ModelSettings, Store
from inspector.models.choice import deployed_digest


def look_at_bundles(subject: Subject) -> Iterator[Finding]:
    """One finding for each bundle, and one where ``auto`` has not been measured yet."""
    for station in subject.config.stations:
        wish = subject.config.wish_of(station)
        try:
            bundles = dict(_bundles(station, subject.config.models))
        except ModelError as error:
            yield bad(f"{station.name}: bundle", str(error), "deploy the bundle again")
            continue
        if not bundles:
            yield unclear(
                f"{station.name}: bundle", "none yet: every part is ERROR", "`inspector deploy`, or the page's Learn"
            )
        for about, path in bundles.items():
            try:
                engine = _chosen(path, wish)
                yield _proved(about, path, engine or wish.candidates(read_manifest(path)[0])[0])
            except (BundleError, ConfigError) as error:
                yield bad(about, str(error), "copy the bundle here again, or name another one; see the message")
                continue
            if engine is None:
                yield unclear(f"{about}: engine", "auto: nothing is measured yet", f"inspector check {subject.line}")


def _bundles(station: StationSettings, models: ModelSettings | None) -> Iterator[tuple[str, Path]]:
    """All that may judge, by what they are. Raises ModelError."""
    about = f"{station.name}: bundle"
    deployed = deployed_digest(station.name, station.bundle, models) if models else None
    if models and deployed:
        yield f"{about} that was deployed", Store(models.folder).path(deployed)
    if station.bundle:
        yield about, station.bundle
    yield from ((f"{about} of recipe {recipe}", path) for recipe, path in station.recipes.items())


def _chosen(path: Path, wish: Wish) -> Engine | None:
    """The engine that will run the bundle; None where ``auto`` is still to be measured, which is not for the doctor."""
    manifest, digest = read_manifest(path)
    candidates = wish.candidates(manifest)
    if len(candidates) == 1:
        return candidates[0]
    choice = remembered(path, situation(digest, candidates))
    return Engine(choice.engine, choice.precision, wish.threads, wish.cores) if choice else None


def _proved(about: str, path: Path, engine: Engine) -> Finding:
    bundle = read_bundle(path, engine)
    bundle.check_golden()
    pictures = len(bundle.manifest.golden)
    return good(about, f"{bundle.manifest.name} {bundle.digest[:12]}: whole; {pictures} golden verdicts by {engine}")
