"""Makes the judges of one station out of the bundles that its configuration names."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from inspector.bundle import Bundle
from inspector.config import StationSettings
from inspector.judge import Judge
from inspector.station import OWN, Judges

LoadBundle = Callable[[str | None], Bundle | None]
"""The bundle of a recipe, ready to judge; None where a station has no own one yet. Raises BundleError."""


class JudgeMaker:
    """``adopt`` has all that are made from then on follow other settings."""

    def __init__(self, settings: StationSettings, load: LoadBundle, *, keeps_hash: bool) -> None:
        self._settings = settings
        self._load = load
        self._keeps_hash = keeps_hash

    @property
    def configured(self) -> Path | None:
        """The bundle that the configuration names for parts without a recipe; None where it names none."""
        return self._settings.bundle

    @property
    def digest(self) -> str:
        """Of the settings, as every verdict names it."""
        return hashlib.sha256(json.dumps(self._settings.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()

    def adopt(self, settings: StationSettings, load: LoadBundle) -> None:
        """Follow these."""
        self._settings, self._load = settings, load

    def judge(self, bundle: Bundle | None) -> Judge:
        """By this bundle, or one that judges nothing."""
        settings = self._settings
        return Judge(
            settings.name,
            bundle,
            max_latency_ms=settings.max_latency_ms,
            config=self.digest,
            keeps_hash=self._keeps_hash,
            checks=settings.checks,
        )

    def judges(self) -> Judges:
        """By every bundle that the settings name. Raises BundleError."""
        return {recipe: self.judge(self._load(recipe)) for recipe in (OWN, *self._settings.recipes)}
