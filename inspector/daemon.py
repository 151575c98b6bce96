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

from prometheus_client import start_http_server

from inspector import metrics, sdnotify
from inspector.bundle import Bundle
from inspector.config import Config, StationSettings
from inspector.cores import compute_in_the_calling_thread
from inspector.engine_choice import ready_bundle
from inspector.errors import ListenError
from inspector.health import Heartbeats
from inspector.inspection import Outcome
from inspector.station import Station

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
        bundles = [ready_bundle(settings.bundle, config.wish_of(settings)) for settings in config.stations]
        self._stations = [
            self._station(settings, bundle, config) for settings, bundle in zip(config.stations, bundles, strict=True)
        ]
        self._crashed = Event()

    def _station(self, settings: StationSettings, bundle: Bundle, config: Config) -> Station:
        manifest = bundle.manifest
        metrics.MODEL_INFO.labels(
            settings.name, bundle.digest, manifest.name, "+".join(part.kind for part in manifest.parts)
        ).set(1)
        metrics.THRESHOLD.labels(settings.name).set(bundle.threshold)
        # A counter that first appears at 1 has no rate: the first FAIL would not show.
        for outcome in Outcome:
            metrics.INSPECTIONS.labels(settings.name, outcome)
        return Station(
            settings.name,
            open_camera=partial(settings.camera.open, settings.name),
            bundle=bundle,
            sinks={sink.kind: sink.open(settings.name) for sink in config.sinks_of(settings)},
            max_latency_ms=settings.max_latency_ms,
            health=self._health,
        )

    def run(self) -> int:
        """Run until SIGTERM or SIGINT, or until every camera has given its last frame: 0. After a crash: 1."""
        stop = Event()
        with _signals_set(stop), self._serving_metrics():
            threads = [self._start(station, stop) for station in self._stations]
            sdnotify.ready(f"{len(threads)} stations")
            self._supervise(threads, stop)
            sdnotify.stopping()
            stop.set()
            for thread in threads:
                thread.join(STOP_WITHIN_S)
        return 1 if self._crashed.is_set() else 0

    def _start(self, station: Station, stop: Event) -> threading.Thread:
        # A daemon thread, since a native camera call that hangs must not keep the process from ending.
        thread = threading.Thread(target=self._run_station, args=(station, stop), name=station.name, daemon=True)
        thread.start()
        return thread

    def _run_station(self, station: Station, stop: Event) -> None:
        try:
            station.run(stop)
        except Exception:  # the edge of the thread: whatever it is, it is a bug, and systemd starts us again
            log.exception("station crashed; this is a bug, the daemon ends", extra={"station": station.name})
            self._crashed.set()
            stop.set()

    def _supervise(self, threads: list[threading.Thread], stop: Event) -> None:
        interval_s = sdnotify.watchdog_interval_s() or LOOK_ROUND_S
        while any(thread.is_alive() for thread in threads) and not stop.wait(min(interval_s, LOOK_ROUND_S)):
            stale = self._health.stale()
            if stale:
                log.error("no heartbeat from %s; the watchdog is not fed", ", ".join(stale))
            else:
                sdnotify.watchdog()

    @contextmanager
    def _serving_metrics(self) -> Iterator[None]:
        try:
            server, thread = start_http_server(self._metrics.port, self._metrics.host)
        except OSError as error:
            where = f"{self._metrics.host}:{self._metrics.port}"
            raise ListenError(f"metrics: cannot listen on {where}: {error.strerror}; is the port taken?") from error
        log.info("metrics at http://%s:%d/metrics", self._metrics.host, server.server_port)
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


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
