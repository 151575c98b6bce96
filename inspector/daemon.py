"""Builds the stations of a configuration, watches over them, and stops them."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event
from types import FrameType
from typing import Final

from inspector import sdnotify
from inspector.assembly import Worker, assemble
from inspector.bundle import Bundle
from inspector.config import Config, StationSettings
from inspector.cores import compute_in_the_calling_thread
from inspector.engine_choice import ready_bundle
from inspector.health import Heartbeats
from inspector.metrics_server import serving_metrics

log = logging.getLogger(__name__)

LOOK_ROUND_S: Final = 1.0
"""How often the supervisor looks at its stations when no watchdog asks for more."""

STOP_WITHIN_S: Final = 1.9
"""How long a stop waits for the inspections in hand: SIGTERM to exit is promised within 2 s."""


class Daemon:
    """All stations of one process. ``run`` returns the exit status."""

    def __init__(self, config: Config) -> None:
        """Read every bundle and open every sink. Raises BundleError or ConfigError, naming what to correct."""
        compute_in_the_calling_thread()
        self._health = Heartbeats()
        self._metrics = config.metrics
        # Every bundle before any sink: a mistake in one of them must be said before anybody is told of a start.
        first = {
            (each.name, recipe): _load(each, config, recipe)
            for each in config.stations
            for recipe in (None, *each.recipes)
        }
        self._janitor = config.archive.janitor() if config.archive else None
        self._posts = []
        for each in config.stations:
            once = partial(_load_once, first, each, config)
            self._posts.append(assemble(each, config, once, self._health))
        self._crashed = Event()

    def run(self) -> int:
        """Run until SIGTERM or SIGINT, or until every camera has given its last frame: 0. After a crash: 1."""
        stop = Event()
        serving = serving_metrics(self._metrics.host, self._metrics.port, self._health.stale)
        with _signals_set(stop), self._ending_with_any_thread(stop), serving:
            threads = [self._start(post.station, stop) for post in self._posts]
            for post in self._posts:
                self._start(post.pulse, stop)
            if self._janitor:
                self._start(self._janitor, stop)
            sdnotify.ready(f"{len(threads)} stations")
            self._supervise(threads, stop)
            sdnotify.stopping()
            stop.set()
            for thread in threads:
                thread.join(STOP_WITHIN_S)
        return 1 if self._crashed.is_set() else 0

    def _start(self, worker: Worker, stop: Event) -> threading.Thread:
        # A daemon thread, since a native camera call that hangs must not keep the process from ending.
        thread = threading.Thread(target=worker.run, args=(stop,), name=worker.name, daemon=True)
        thread.start()
        return thread

    @contextmanager
    def _ending_with_any_thread(self, stop: Event) -> Iterator[None]:
        """Whatever a thread dies of is a bug, and systemd starts us again: a daemon without it would only seem well."""
        before = threading.excepthook

        def end(crash: threading.ExceptHookArgs) -> None:
            name = crash.thread.name if crash.thread else "a thread"
            what = (crash.exc_type, crash.exc_value or crash.exc_type(), crash.exc_traceback)
            log.critical("%s crashed; this is a bug, the daemon ends", name, exc_info=what)
            self._crashed.set()
            stop.set()

        threading.excepthook = end
        try:
            yield
        finally:
            threading.excepthook = before

    def _supervise(self, threads: list[threading.Thread], stop: Event) -> None:
        interval_s = sdnotify.watchdog_interval_s() or LOOK_ROUND_S
        while any(thread.is_alive() for thread in threads) and not stop.wait(min(interval_s, LOOK_ROUND_S)):
            stale = self._health.stale()
            if stale:
                log.error("no heartbeat from %s; the watchdog is not fed", ", ".join(stale))
            else:
                sdnotify.watchdog()


@contextmanager
def _signals_set(stop: Event) -> Iterator[None]:
    """SIGTERM and SIGINT set ``stop``; a second one finds the default handlers back in place and ends at once."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(number: int, _: FrameType | None) -> None:
        log.info("%s: stopping", signal.Signals(number).name)
        restore()
        stop.set()

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        restore()


def _load(station: StationSettings, config: Config, recipe: str | None) -> Bundle:
    path = station.bundle if recipe is None else station.recipes[recipe]
    return ready_bundle(path, config.wish_of(station))


def _load_once(
    first: dict[tuple[str, str | None], Bundle], station: StationSettings, config: Config, recipe: str | None
) -> Bundle:
    """The bundle that was read at the start, the first time; read again from then on."""
    return first.pop((station.name, recipe), None) or _load(station, config, recipe)
