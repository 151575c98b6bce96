"""The thread that does for a record what need not be done while a verdict waits."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Final

TICK_S: Final = 0.2
"""The longest that a delivered result is not yet written down as delivered, while the record is idle."""


class Keeper:
    """Calls ``tend`` every so often, and as soon as it is woken, until it is stopped."""

    def __init__(self, name: str, tend: Callable[[], None], tick_s: float = TICK_S) -> None:
        self._tend = tend
        self._tick_s = tick_s
        self._wake = Event()
        self._stopping = False
        self.failure: BaseException | None = None
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is something that must not wait for the next tick."""
        self._wake.set()

    def stop(self) -> None:
        """Return when the last call has ended."""
        self._stopping = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._wake.wait(self._tick_s)
                self._wake.clear()
                self._tend()
        except BaseException as error:  # noqa: BLE001 - a bug; whoever appends next raises it where it is seen
            self.failure = error
