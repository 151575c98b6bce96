"""The stations of one process, and how another configuration takes the place of the one they run by."""

from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from threading import Lock
from typing import Any, Final

from inspector import metrics
from inspector.assembly import assemble
from inspector.bundle import Bundle
from inspector.changes import Changes
from inspector.commands import Commands
from inspector.config import Config, StationSettings
from inspector.engine_choice import ready_bundle
from inspector.errors import InspectorError
from inspector.health import Heartbeats
from inspector.judge_maker import LoadBundle
from inspector.memory import give_back
from inspector.models.choice import first_bundle
from inspector.running import Running

LET_GO_S: Final = 60.0
"""How long a station may take to stop for another to take its place: opening a camera is the slowest of its steps."""

Bundles = dict[str | None, Bundle | None]
"""Of one station, by recipe."""


class Line:
    """All stations of a configuration. One thread at a time may ``apply`` another; the rest is for any."""

    def __init__(self, config: Config, health: Heartbeats) -> None:
        """Read every bundle and open every sink. Raises BundleError, ConfigError or RecordError."""
        self._config = config
        self._health = health
        self._changing = Lock()
        self._stopped = False
        # Every bundle before any sink: a mistake in one of them must be said before anybody is told of a start.
        bundles = {each.name: _bundles(each, config) for each in config.stations}
        self._stations = {each.name: self._built(each, config, bundles[each.name]) for each in config.stations}

    def start(self) -> None:
        """Start every station."""
        for each in self._stations.values():
            each.start()

    def stop(self, within_s: float) -> None:
        """Have every station finish the inspection in hand."""
        self._stopped = True
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
        return "; ".join(f"{name} {each.post.commands.status()}" for name, each in tuple(self._stations.items()))

    def apply(self, config: Config) -> Changes:
        """Run by another configuration, all of it or, where an InspectorError is raised, none of it.

        Stations whose settings are the same go on undisturbed, on as many cores as they had.
        """
        with self._changing:
            changes = Changes.between(self._config, config)
            settings = {each.name: each for each in config.stations}
            new = (*changes.bundle_changed, *changes.changed, *changes.added)
            bundles = {name: _bundles(settings[name], config) for name in new}
            with ExitStack() as undo:
                for name in changes.bundle_changed:
                    self._change_bundle(self._stations[name], settings[name], config, bundles[name], undo)
                built = {}
                for name in (*changes.changed, *changes.added):
                    if name in changes.changed:
                        self._let_go([name])
                        undo.callback(self._bring_back, name)
                    built[name] = self._built(settings[name], config, bundles[name])
                    undo.callback(built[name].post.close)
                undo.pop_all()
            self._forget(changes.removed)
            self._stations |= built
            self._config = config
            for running in built.values():
                self._start(running)
        give_back()
        return changes

    def _change_bundle(
        self, running: Running, settings: StationSettings, config: Config, bundles: Bundles, undo: ExitStack
    ) -> None:
        before = running.settings, running.config, running.post.bundles()

        def change(settings: StationSettings, config: Config, bundles: Bundles) -> None:
            running.post.adopt(settings, _loader(bundles, settings, config))
            running.settings, running.config = settings, config

        change(settings, config, bundles)
        undo.callback(change, *before)

    def _let_go(self, names: Iterable[str]) -> None:
        """Two cannot have one record, or one name at the broker: the old one lets go before the new one is built."""
        for name in names:
            self._stations[name].tell_to_stop()
            if not self._stations[name].is_over(LET_GO_S):
                # Neither the old configuration nor the new one can be had now: start again, by the new one.
                raise RuntimeError(f"station {name} has not stopped within {LET_GO_S:g} s to be replaced")

    def _bring_back(self, name: str) -> None:
        old = self._stations[name]
        try:
            self._stations[name] = self._built(old.settings, old.config, old.post.bundles())
        except InspectorError as error:  # a restart may find a way, nothing here can
            raise RuntimeError(f"station {name} cannot be had back as it was: {error}") from error
        self._start(self._stations[name])

    def _forget(self, names: Iterable[str]) -> None:
        self._let_go(names)
        for name in names:
            del self._stations[name]
            metrics.forget(name)

    def _start(self, running: Running) -> None:
        if self._stopped:
            running.post.close()  # the process has been told to stop meanwhile
        else:
            running.start()

    def _built(self, settings: StationSettings, config: Config, bundles: Bundles) -> Running:
        post = assemble(settings, config, _loader(bundles, settings, config), self._health)
        return Running(post, settings, config)


def load(station: StationSettings, config: Config, recipe: str | None = None) -> Bundle | None:
    """The bundle of a recipe, or what was deployed last, ready to judge; None where the station has no model yet.

    Raises BundleError or ConfigError.
    """
    ready = partial(ready_bundle, wish=config.wish_of(station))
    if recipe is not None:
        return ready(station.recipes[recipe])
    return first_bundle(station.name, station.bundle, config.models, ready)


def _bundles(station: StationSettings, config: Config) -> Bundles:
    return {recipe: load(station, config, recipe) for recipe in (None, *station.recipes)}


def _loader(first: Bundles, station: StationSettings, config: Config) -> LoadBundle:
    """Gives each of these once, the first time that it is asked for; from then on they are read again."""
    left = dict(first)
    return lambda recipe: left.pop(recipe) if recipe in left else load(station, config, recipe)
