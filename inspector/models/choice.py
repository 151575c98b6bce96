"""Which bundle a station begins with."""

import logging
from collections.abc import Callable
from pathlib import Path

from inspector.bundle import Bundle
from inspector.errors import BundleError, ModelError
from inspector.models.pointer import CONFIGURED, PointerFile
from inspector.models.settings import ModelSettings
from inspector.models.store import Store

log = logging.getLogger(__name__)


def first_bundle(
    station: str, configured: Path | None, models: ModelSettings | None, load: Callable[[Path], Bundle]
) -> Bundle | None:
    """What was deployed last; that of the configuration where nothing was since it names it, or, logged, in need.

    None where there is none of either. Raises what ``load`` raises for the bundle of the configuration.
    """
    deployed = _deployed(station, configured, models, load) if models else None
    if deployed or configured is None:
        return deployed
    return load(configured)


def deployed_digest(station: str, configured: Path | None, models: ModelSettings) -> str | None:
    """Of the bundle of the store that a start judges by; None where it goes by the configuration. Raises ModelError."""
    current = PointerFile(models.folder, station).read().valid(configured).current
    return None if current == CONFIGURED else current


def _deployed(
    station: str, configured: Path | None, models: ModelSettings, load: Callable[[Path], Bundle]
) -> Bundle | None:
    try:
        digest = deployed_digest(station, configured, models)
        return _unchanged(load(Store(models.folder).path(digest)), digest) if digest else None
    except (ModelError, BundleError) as error:
        extra = {"station": station}
        instead = "the bundle of the configuration judges instead" if configured else "no model judges instead"
        log.error("%s; %s", error, instead, extra=extra)  # noqa: TRY400 - says it all
        return None


def _unchanged(bundle: Bundle, digest: str) -> Bundle:
    if bundle.digest != digest:
        raise BundleError(f"{bundle.path}: its manifest was changed")
    return bundle
