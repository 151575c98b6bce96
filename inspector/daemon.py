"""The process: its signals, what it tells systemd, and who may ask something of it; the line does the rest."""

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Lock
from types import FrameType
from typing import Final

from inspector import sdnotify
from inspector.commands import Answer
from inspector.config import Config, read_config
from inspector.control_socket import LocalCommand, listening
from inspector.cores import compute_in_the_calling_thread
from inspector.errors import ConfigError, InspectorError
from inspector.health import Heartbeats
from inspector.line import Line
from inspector.metrics_server import serving_metrics
from inspector.plc import CommandReply
from inspector.running import started

log = logging.getLogger(__name__)

LOOK_ROUND_S: Final = 1.0
"""How often the supervisor looks at its stations when no watchdog asks for more."""

STATUS_S: Final = 5.0
"""How often systemd is told what the stations are doing."""

STOP_WITHIN_S: Final = 1.9
"""How long a stop waits for the inspections in hand: SIGTERM to exit is promised within 2 s."""


class Daemon:
    """All stations of one process. ``run`` returns the exit status."""

    def __init__(self, config: Config, path: Path | None = None) -> None:
        """Read every bundle and open every sink. Raises BundleError or ConfigError, naming what to correct.

        ``path`` is the file that the configuration came from, to be read again on SIGHUP.
        """
        compute_in_the_calling_thread()
        self._config = config
        self._path = path
        self._health = Heartbeats()
        self._janitor = config.archive.janitor() if config.archive else None
        self._line = Line(config, self._health)
        self._crashed = Event()
        self._reloading = Lock()
        self._refusal = ""

    def run(self) -> int:
        """Run until SIGTERM or SIGINT, or until every camera has given its last frame: 0. After a crash: 1."""
        stop, reload = Event(), Event()
        metrics = self._config.metrics
        with ExitStack() as running:
            running.enter_context(_signals_set(stop, reload))
            running.enter_context(self._ending_with_any_thread(stop))
            running.enter_context(serving_metrics(metrics.host, metrics.port, self._health.stale))
            if self._config.control:
                running.enter_context(listening(self._config.control.socket, self._ask))
            self._line.start()
            if self._janitor:
                started(self._janitor, stop)
            sdnotify.ready(self._status())
            self._supervise(stop, reload)
            sdnotify.stopping()
            self._line.stop(STOP_WITHIN_S)
        return 1 if self._crashed.is_set() else 0

    def reload(self, by: str) -> tuple[bool, str]:
        """Run by the configuration as it is in its file now, or, with the reason, as before."""
        with self._reloading:
            sdnotify.reloading()
            try:
                accepted, said = True, self._reloaded()
            except InspectorError as error:
                accepted, said = False, f"the configuration is refused, nothing has changed: {error}"
            self._refusal = "" if accepted else said
            log.log(logging.INFO if accepted else logging.ERROR, "reload by %s: %s", by, said)
            self._line.note("command", {"command": "reload", "by": by, "accepted": accepted, "message": said})
            sdnotify.ready(self._status())
        return accepted, said

    def _reloaded(self) -> str:
        if self._path is None:
            raise ConfigError("it did not come from a file")
        return str(self._line.apply(read_config(self._path)))

    def _status(self) -> str:
        return " | ".join(filter(None, (self._line.summary(), self._refusal)))

    def _ask(self, message: LocalCommand, answer: Answer) -> None:
        """A command from this machine: ``reload`` is the configuration's where no station is named."""
        commands = self._line.commands(message.station) if message.station else None
        if commands:
            commands.ask(message.for_station(), answer)
            return
        if message.station:
            accepted, said = False, f"there is no station {message.station}"
        elif message.command == "reload":
            accepted, said = self.reload(message.by)
        else:
            accepted, said = False, f"{message.command} is for a station: name it"
        answer(CommandReply(id=message.id, command=message.command, by=message.by, accepted=accepted, message=said))

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

    def _supervise(self, stop: Event, reload: Event) -> None:
        interval_s = min(sdnotify.watchdog_interval_s() or LOOK_ROUND_S, LOOK_ROUND_S)
        next_status_s = time.monotonic() + STATUS_S
        while self._line.is_alive() and not stop.wait(interval_s):
            self._feed_watchdog()
            if reload.is_set():
                reload.clear()
                threading.Thread(target=self.reload, args=("SIGHUP",), name="reload", daemon=True).start()
            if time.monotonic() >= next_status_s:
                next_status_s += STATUS_S
                sdnotify.status(self._status())

    def _feed_watchdog(self) -> None:
        stale = self._health.stale()
        if stale:
            log.error("no heartbeat from %s; the watchdog is not fed", ", ".join(stale))
        else:
            sdnotify.watchdog()


@contextmanager
def _signals_set(stop: Event, reload: Event) -> Iterator[None]:
    """SIGTERM and SIGINT set ``stop``; a second one finds the default handlers back in place and ends at once.

    SIGHUP sets ``reload``, also while we stop: its default would be to end.
    """
    ending = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in (*ending, signal.SIGHUP)}

    def handle(number: int, _: FrameType | None) -> None:
        log.info("%s: stopping", signal.Signals(number).name)
        for each in ending:
            signal.signal(each, before[each])
        stop.set()

    def handle_reload(_number: int, _: FrameType | None) -> None:
        log.info("SIGHUP: reading the configuration again")
        reload.set()

    for number in ending:
        signal.signal(number, handle)
    signal.signal(signal.SIGHUP, handle_reload)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
