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
    station: str, configured: Path, models: ModelSettings | None, load: Callable[[Path], Bundle]
) -> Bundle:
    """What was deployed last; that of the configuration where nothing was since it names it, or, logged, in need.

    Raises what ``load`` raises for the bundle of the configuration.
    """
    deployed = _deployed(station, configured, models, load) if models else None
    return deployed or load(configured)


def _deployed(station: str, configured: Path, models: ModelSettings, load: Callable[[Path], Bundle]) -> Bundle | None:
    try:
        current = PointerFile(models.folder, station).read().valid(configured).current
        return None if current == CONFIGURED else _unchanged(load(Store(models.folder).path(current)), current)
    except (ModelError, BundleError) as error:
        extra = {"station": station}
        log.error("%s; the bundle of the configuration judges instead", error, extra=extra)  # noqa: TRY400 - says it all
        return None


def _unchanged(bundle: Bundle, digest: str) -> Bundle:
    if bundle.digest != digest:
        raise BundleError(f"{bundle.path}: its manifest was changed")
    return bundle
