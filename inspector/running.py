"""A station at work, in threads that can be stopped."""

import threading
import time
from threading import Event

from inspector.assembly import Post, Worker
from inspector.config import Config, StationSettings


class Running:
    """One station, and what goes on beside it. ``config`` is what it was built by."""

    def __init__(self, post: Post, settings: StationSettings, config: Config) -> None:
        self.post = post
        self.settings = settings
        self.config = config
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
