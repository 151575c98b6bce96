"""The newest frame of a source that does not wait for its reader."""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Condition, Event, Thread
from typing import Any, Final, Protocol

import cv2
from numpy.typing import NDArray

from inspector.errors import CameraError
from inspector.inspection import Frame, utc_now
from inspector.metrics import FRAMES_DROPPED
from inspector.pictures import to_rgb

CLOSE_WAIT_S: Final = 0.5
"""How long closing waits for a native call to come back; one that hangs is left alone with its thread."""


class Capture(Protocol):
    """What is asked of ``cv2.VideoCapture`` once it is open."""

    def grab(self) -> bool:
        """Wait for the next frame; False when the source has failed."""

    def retrieve(self) -> tuple[bool, NDArray[Any] | None]:
        """The pixels of the frame that was grabbed, BGR or grey."""

    def get(self, prop: int, /) -> float:
        """A property: here the frame's time by the clock of the source."""

    def release(self) -> None:
        """Let the source go."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A frame's pixels as the source gave them, and when."""

    pixels: NDArray[Any]
    monotonic_s: float
    wall_time: datetime


class Backlog:
    """Tells the frames that a stalled network held back, where a source stamps each frame with its own clock.

    After a stall they arrive all at once and look new. The reference is the last frame that came in time.
    """

    def __init__(self, max_age_s: float) -> None:
        self._max_age_s = max_age_s
        self._stamped_s = self._arrived_s = float("inf")

    def holds(self, stamped_s: float, arrived_s: float) -> bool:
        """Whether the frame took longer to arrive than the reference by more than the age allowed."""
        stamped_later_s = stamped_s - self._stamped_s
        # A clock that stands still or was set back tells nothing.
        if stamped_later_s > 0 and arrived_s - self._arrived_s - stamped_later_s > self._max_age_s:
            return True
        self._stamped_s, self._arrived_s = stamped_s, arrived_s
        return False


class LiveCamera:
    """Reads a source in a thread of its own and keeps the newest frame, each for ``max_age_s`` at most.

    The thread also opens and releases the source, since any of these native calls may hang. ``connect`` gives the
    open source or raises CameraError; ``source`` names it in messages; ``stamps`` says that it tells by its own clock
    when a frame was taken. Every frame that is not handed out is counted.
    """

    def __init__(
        self,
        station: str,
        source: str,
        connect: Callable[[], Capture],
        *,
        read_timeout_s: float,
        max_age_s: float,
        stamps: bool = False,
    ) -> None:
        self._station = station
        self._source = source
        self._connect = connect
        self._read_timeout_s = read_timeout_s
        self._max_age_s = max_age_s
        self._backlog = Backlog(max_age_s) if stamps else None
        self._sequence = itertools.count()
        self._superseded = FRAMES_DROPPED.labels(station, "superseded")
        self._stale = FRAMES_DROPPED.labels(station, "stale")
        self._changed = Condition()
        self._newest: Arrival | None = None
        self._failure: Exception | None = None
        self._alive_s: float | None = None
        self._closing = Event()
        self._thread = Thread(target=self._run, name=f"camera of {station}", daemon=True)

    def start(self, timeout_s: float) -> None:
        """Open the source. Raises CameraError when that fails or takes longer than ``timeout_s``."""
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._alive_s is not None or self._failure, timeout_s)
            is_open, failure = self._alive_s is not None, self._failure
        if not is_open:
            self.close()
            raise failure or self._error(f"did not open within {timeout_s:g} s")

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera``. Raises CameraError too when nothing has come for ``read_timeout_s``."""
        deadline_s = time.monotonic() + timeout_s
        with self._changed:
            while (arrival := self._take()) is None:
                if self._failure:
                    raise self._failure
                lost_s = (self._alive_s or 0.0) + self._read_timeout_s
                now_s = time.monotonic()
                if lost_s <= now_s:
                    raise self._error(f"has given no fresh frame for {self._read_timeout_s:g} s")
                if deadline_s <= now_s:
                    return None
                self._changed.wait(min(deadline_s, lost_s) - now_s)
        pixels = to_rgb(arrival.pixels)
        return Frame(pixels, arrival.monotonic_s, arrival.wall_time, next(self._sequence), self._station)

    def close(self) -> None:
        """See ``Camera``. Returns within ``CLOSE_WAIT_S`` even where the source hangs."""
        self._closing.set()
        self._thread.join(CLOSE_WAIT_S)

    def _take(self) -> Arrival | None:
        arrival, self._newest = self._newest, None
        if arrival is not None and time.monotonic() - arrival.monotonic_s > self._max_age_s:
            self._stale.inc()
            return None
        return arrival

    def _run(self) -> None:
        try:
            self._follow(self._connect())
        except cv2.error as error:
            self._fail(self._error(f"failed in OpenCV ({error.err})"))
        except Exception as error:  # noqa: BLE001 - the edge of the thread: read raises it in the station's
            self._fail(error)

    def _follow(self, capture: Capture) -> None:
        with self._changed:
            self._alive_s = time.monotonic()
            self._changed.notify_all()
        try:
            while not self._closing.is_set():
                if not capture.grab():
                    raise self._error("has stopped delivering frames")
                arrived_s, wall_time = time.monotonic(), utc_now()
                if self._backlog and self._backlog.holds(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, arrived_s):
                    self._stale.inc()
                    continue
                is_whole, pixels = capture.retrieve()
                if not is_whole or pixels is None or not pixels.size:
                    raise self._error("has given an empty frame")
                self._keep(Arrival(pixels, arrived_s, wall_time))
        finally:
            capture.release()

    def _keep(self, arrival: Arrival) -> None:
        with self._changed:
            if self._newest is not None:
                self._superseded.inc()
            self._newest, self._alive_s = arrival, arrival.monotonic_s
            self._changed.notify_all()

    def _fail(self, failure: Exception) -> None:
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def _error(self, what: str) -> CameraError:
        return CameraError(
            f"station {self._station}: camera {self._source} {what}. Check its power, cable and network; "
            "it is opened again by itself."
        )
