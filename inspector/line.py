"""The stations of one process, and how another configuration takes the place of the one they run by."""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from threading import Event, Lock
from typing import Any, Final

from inspector import metrics
from inspector.assembly import Post, Worker, assemble
from inspector.bundle import Bundle
from inspector.commands import Commands
from inspector.config import Config, StationSettings
from inspector.engine_choice import ready_bundle
from inspector.errors import ConfigError, InspectorError
from inspector.health import Heartbeats
from inspector.models.choice import first_bundle

log = logging.getLogger(__name__)

FIXED: Final = ("record", "archive", "ui", "models", "control", "metrics", "logging")
"""What a running process cannot change."""

LET_GO_S: Final = 60.0
"""How long a station may take to stop for another to take its place: opening a camera is the slowest of its steps."""

Bundles = dict[str | None, Bundle]
"""Of one station, by recipe."""


class Running:
    """A station at work, and what goes on beside it."""

    def __init__(self, post: Post, config: Config, bundles: Bundles) -> None:
        self.post = post
        self.config = config
        """The one that it was built by."""
        self.bundles = bundles
        self._stop = Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Give each worker its thread."""
        self._threads = [started(worker, self._stop) for worker in self.post.workers]

    def tell_to_stop(self) -> None:
        """Returns at once."""
        self._stop.set()

    def wait(self, timeout_s: float) -> None:
        """Until the station has finished the inspection in hand, and let its camera, sinks and record go."""
        self._threads[0].join(timeout_s)

    def is_alive(self) -> bool:
        """Whether the station is at work."""
        return self._threads[0].is_alive()

    def is_over(self, timeout_s: float) -> bool:
        """Whether nothing of it is left, at the latest after ``timeout_s``."""
        ends_s = time.monotonic() + timeout_s
        for each in self._threads:
            each.join(max(0.0, ends_s - time.monotonic()))
        return not any(each.is_alive() for each in self._threads)


def started(worker: Worker, stop: Event) -> threading.Thread:
    """The worker at work in a thread of its own."""
    # A daemon thread, since a native camera call that hangs must not keep the process from ending.
    thread = threading.Thread(target=worker.run, args=(stop,), name=worker.name, daemon=True)
    thread.start()
    return thread


@dataclass(frozen=True, slots=True)
class Changes:
    """What another configuration means for the stations, by their names."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    def __str__(self) -> str:
        said = (("added", self.added), ("removed", self.removed), ("changed", self.changed))
        return "; ".join(f"{how}: {', '.join(names)}" for how, names in said if names) or "nothing has changed"


class Line:
    """All stations of a configuration. One thread at a time may call; ``commands`` and ``summary`` any."""

    def __init__(self, config: Config, health: Heartbeats) -> None:
        """Read every bundle and open every sink. Raises BundleError, ConfigError or RecordError."""
        self._config = config
        self._health = health
        self._changing = Lock()
        # Every bundle before any sink: a mistake in one of them must be said before anybody is told of a start.
        bundles = {each.name: _bundles(each, config) for each in config.stations}
        self._stations = {each.name: self._built(each, config, bundles[each.name]) for each in config.stations}

    def start(self) -> None:
        """Start every station."""
        for each in self._stations.values():
            each.start()

    def stop(self, within_s: float) -> None:
        """Have every station finish the inspection in hand."""
        stations = tuple(self._stations.values())
        for each in stations:
            each.tell_to_stop()
        for each in stations:
            each.wait(within_s)

    def is_alive(self) -> bool:
        """Whether there is a station at work, or being replaced."""
        return self._changing.locked() or any(each.is_alive() for each in tuple(self._stations.values()))

    def commands(self, station: str) -> Commands | None:
        """Where to ask this station."""
        running = self._stations.get(station)
        return running.post.commands if running else None

    def note(self, kind: str, payload: dict[str, Any]) -> None:
        """Keep something in the record of every station."""
        for each in tuple(self._stations.values()):
            each.post.note(kind, payload)

    def summary(self) -> str:
        """The stations in one line."""
        return "; ".join(_summary(each.post) for each in tuple(self._stations.values()))

    def apply(self, config: Config) -> Changes:
        """Run by another configuration, all of it or, where an InspectorError is raised, none of it.

        Stations whose settings are the same go on undisturbed, on as many cores as they had.
        """
        with self._changing:
            _refuse_fixed(self._config, config)
            changes = self._compared(config)
            fresh = [each for each in config.stations if each.name in {*changes.added, *changes.changed}]
            bundles = {each.name: _bundles(each, config) for each in fresh}
            self._replace(changes, fresh, config, bundles)
            self._config = config
        return changes

    def _compared(self, config: Config) -> Changes:
        before, after = _stations(self._config), _stations(config)
        return Changes(
            added=tuple(name for name in after if name not in before),
            removed=tuple(name for name in before if name not in after),
            changed=tuple(name for name in after if name in before and after[name] != before[name]),
        )

    def _replace(
        self, changes: Changes, fresh: list[StationSettings], config: Config, bundles: dict[str, Bundles]
    ) -> None:
        """Two cannot have one record, or one name at the broker: the old one lets go before the new one is built."""
        built: dict[str, Running] = {}
        gone: list[str] = []
        try:
            for each in fresh:
                if each.name in changes.changed:
                    self._let_go([each.name])
                    gone.append(each.name)
                built[each.name] = self._built(each, config, bundles[each.name])
        except InspectorError:
            for running in built.values():
                running.post.close()
            self._bring_back(gone)
            raise
        self._let_go(changes.removed)
        for name in changes.removed:
            del self._stations[name]
            metrics.forget(name)
        self._stations |= built
        for running in built.values():
            running.start()

    def _let_go(self, names: Iterable[str]) -> None:
        for name in names:
            self._stations[name].tell_to_stop()
            if not self._stations[name].is_over(LET_GO_S):
                # Neither the old configuration nor the new one can be had now: start again, by the new one.
                raise RuntimeError(f"station {name} has not stopped within {LET_GO_S:g} s to be replaced")

    def _bring_back(self, names: Iterable[str]) -> None:
        for name in names:
            old = self._stations[name]
            self._stations[name] = self._built(old.post.settings, old.config, old.bundles)
            self._stations[name].start()

    def _built(self, settings: StationSettings, config: Config, bundles: Bundles) -> Running:
        once = partial(_load_once, dict(bundles), settings, config)
        return Running(assemble(settings, config, once, self._health), config, bundles)


def _stations(config: Config) -> dict[str, Any]:
    """All that decides how each station runs."""
    return {
        each.name: (
            each,
            config.sinks_of(each),
            each.engine or config.engine,
            each.precision or config.precision,
            config.threads_per_station,
        )
        for each in config.stations
    }


def _refuse_fixed(before: Config, after: Config) -> None:
    changed = [name for name in FIXED if getattr(before, name) != getattr(after, name)]
    if changed:
        raise ConfigError(f"{', '.join(changed)}: cannot change while the daemon runs; restart it instead")


def _summary(post: Post) -> str:
    status = post.commands.status()
    said = " ".join(f"{outcome} {count}" for outcome, count in status.verdicts.items())
    return f"{post.settings.name} {status.state} {status.rate_hz:.1f}/s by {status.bundle[:8]}, {said}"


def _bundles(station: StationSettings, config: Config) -> Bundles:
    return {recipe: load(station, config, recipe) for recipe in (None, *station.recipes)}


def load(station: StationSettings, config: Config, recipe: str | None = None) -> Bundle:
    """The bundle of a recipe, or what was deployed last, ready to judge. Raises BundleError or ConfigError."""
    ready = partial(ready_bundle, wish=config.wish_of(station))
    if recipe is not None:
        return ready(station.recipes[recipe])
    return first_bundle(station.name, station.bundle, config.models, ready)


def _load_once(first: Bundles, station: StationSettings, config: Config, recipe: str | None) -> Bundle:
    """The bundle that was read at the start, the first time; read again from then on."""
    return first.pop(recipe, None) or load(station, config, recipe)
