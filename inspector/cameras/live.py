"""The newest frame of a camera that does not wait for its reader, and the settings that all such cameras have."""

import itertools
import sys
import time
from collections.abc import Callable
from functools import partial
from threading import Condition, Event, Thread
from typing import Final

import cv2
from pydantic import PositiveFloat

from inspector.cameras.device import Device, Shot, lost
from inspector.cameras.isolated import START_S, IsolatedDevice
from inspector.cameras.pixel_formats import rgb_of
from inspector.cameras.troubles import Troubles
from inspector.errors import CameraError, FrameError
from inspector.inspection import Camera, Frame, wall_time_at
from inspector.metrics import FRAMES_DROPPED
from inspector.settings import Settings

CLOSE_WAIT_S: Final = 0.5
"""How long closing waits for a native call to come back; one that hangs is left alone with its thread."""

GRAB_S: Final = 0.2
"""How long a driver is to wait for one picture: it bounds how late an end is noticed."""


class LiveSettings(Settings):
    """What the settings of every live kind have; see ``inspector/cameras/device.py``.

    A kind that can live in this process overrides ``connect``, one that needs a helper of its own ``helper_command``.
    """

    kind: str
    open_timeout_s: PositiveFloat = 5.0
    """Seconds that opening may take before the camera counts as lost."""
    read_timeout_s: PositiveFloat = 5.0
    """Seconds without a frame after which the camera counts as lost; of one that is triggered, without a sign of its
    driver."""
    max_age_ms: PositiveFloat = 500.0
    """A frame that has waited for the station longer than these milliseconds is dropped, and so is one that the network
    held back for longer; the latter shows only where a camera tells when it took its frames, as by RTSP."""
    isolate: bool = False
    """Run the camera's driver in a process of its own, which can be killed when the driver hangs."""

    @property
    def shown(self) -> str:
        """How messages name the camera; never with a password."""
        raise NotImplementedError

    def connect(self, station: str) -> Device:
        """Open the camera in this process. Raises CameraError; may hang."""
        raise NotImplementedError

    def helper_command(self) -> list[str]:
        """The helper's program."""
        return [sys.executable, "-P", "-m", "inspector.cameras.child"]

    def open(self, station: str) -> Camera:
        """Raises CameraError when the camera does not open in time, or not as it was asked for."""
        camera = LiveCamera(
            station,
            self.shown,
            partial(self._isolated if self.isolate else self.connect, station),
            read_timeout_s=self.read_timeout_s,
            max_age_s=self.max_age_ms / 1000,
        )
        camera.start(self.open_timeout_s + (START_S if self.isolate else 0))
        return camera

    def _isolated(self, station: str) -> Device:
        settings = self.model_dump(mode="json", exclude_unset=True) | {"kind": self.kind}
        return IsolatedDevice(
            self.helper_command(),
            {"station": station, "settings": settings},
            station=station,
            source=self.shown,
            open_timeout_s=self.open_timeout_s,
            silence_s=self.read_timeout_s,
        )


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


class LiveCamera(Camera):
    """Reads a device in a thread of its own and keeps the newest frame, each for ``max_age_s`` at most.

    The thread also opens and closes the device, since any of these native calls may hang. ``connect`` gives the
    open device or raises CameraError; ``source`` names it in messages. Every frame that is not handed out is counted.
    """

    is_live = True

    def __init__(
        self,
        station: str,
        source: str,
        connect: Callable[[], Device],
        *,
        read_timeout_s: float,
        max_age_s: float,
    ) -> None:
        self._station = station
        self._connect = connect
        self._lost = partial(lost, station, source)
        self._read_timeout_s = read_timeout_s
        self._max_age_s = max_age_s
        self._backlog = Backlog(max_age_s)
        self._troubles = Troubles(station)
        self._sequence = itertools.count()
        self._changed = Condition()
        self._device: Device | None = None
        self._newest: Shot | FrameError | None = None
        self._failure: Exception | None = None
        self._alive_s = 0.0
        self._has_delivered = False
        self._closing = Event()
        self._thread = Thread(target=self._run, name=f"camera of {station}", daemon=True)

    def start(self, timeout_s: float) -> None:
        """Open the device. Raises CameraError when that fails or takes longer than ``timeout_s``."""
        self._thread.start()
        with self._changed:
            self._changed.wait_for(lambda: self._device or self._failure, timeout_s)
            is_open, failure = self._device is not None, self._failure
        if not is_open:
            self.close()
            raise failure or self._lost(f"did not open within {timeout_s:g} s")

    def read(self, timeout_s: float) -> Frame | None:
        """See ``Camera``. Raises CameraError too when nothing has come for ``read_timeout_s``."""
        deadline_s = time.monotonic() + timeout_s
        with self._changed:
            while (newest := self._take()) is None:
                now_s, lost_s = self._look()
                if deadline_s <= now_s:
                    return None
                self._changed.wait(min(deadline_s, lost_s) - now_s)
        if isinstance(newest, FrameError):
            raise newest
        return self._frame(newest)

    def check(self) -> bool:
        """See ``Camera``."""
        with self._changed:
            self._look()
            return self._has_delivered

    def fire(self, at_s: float) -> None:
        """See ``Camera``."""
        if self._device and not self._device.free_running:
            time.sleep(max(0.0, at_s - time.monotonic()))
            self._device.fire()

    def close(self) -> None:
        """See ``Camera``. Returns within ``CLOSE_WAIT_S`` even where the device hangs."""
        self._closing.set()
        self._thread.join(CLOSE_WAIT_S)
        with self._changed:
            left, self._newest = self._newest, None
        if isinstance(left, Shot):
            left.release()

    def _look(self) -> tuple[float, float]:
        """Now, and when the camera will count as lost. Raises what it was lost by."""
        if self._failure:
            raise self._failure
        now_s, lost_s = time.monotonic(), self._alive_s + self._read_timeout_s
        if lost_s <= now_s:
            raise self._lost(f"has given no fresh frame for {self._read_timeout_s:g} s")
        return now_s, lost_s

    def _take(self) -> Shot | FrameError | None:
        newest, self._newest = self._newest, None
        if isinstance(newest, Shot) and _age_s(newest) > self._max_age_s:
            self._drop(newest, "stale")
            return None
        return newest

    def _frame(self, shot: Shot) -> Frame:
        try:
            pixels = rgb_of(shot.data, shot.grid)
        finally:
            shot.release()
        return Frame(
            pixels,
            shot.monotonic_s,
            wall_time_at(shot.monotonic_s),
            next(self._sequence),
            self._station,
            shot.part_id,
            shot.exposed,
            shot.device_frame,
            shot.device_time_s,
        )

    def _run(self) -> None:
        try:
            device = self._connect()
            try:
                self._follow(device)
            finally:
                device.close()
        except CameraError as error:
            self._fail(error.with_traceback(None))  # whose frames would hold the last picture
        except cv2.error as error:
            self._fail(self._lost(f"failed in OpenCV ({error.err})"))
        except Exception as error:  # noqa: BLE001 - the edge of the thread: read raises it in the station's
            self._fail(error)

    def _follow(self, device: Device) -> None:
        with self._changed:
            self._device, self._alive_s = device, time.monotonic()
            self._changed.notify_all()
        while not self._closing.is_set():
            try:
                shot = device.grab(GRAB_S)
            except FrameError as error:
                self._troubles.follow(None)
                self._keep(error)
                continue
            finally:
                self._troubles.count(device.counts())
            if shot is None:
                self._come_round(device)
                continue
            self._troubles.follow(shot.device_frame)
            if self._is_late(shot):
                self._drop(shot, "stale")
            else:
                self._keep(shot)

    def _is_late(self, shot: Shot) -> bool:
        """Whether it was too old already when it came."""
        if _age_s(shot) > self._max_age_s:
            return True
        return shot.device_time_s is not None and self._backlog.holds(shot.device_time_s, shot.monotonic_s)

    def _come_round(self, device: Device) -> None:
        """Without a picture: silence means nothing where each picture has to be triggered."""
        if not device.free_running:
            with self._changed:
                self._alive_s, self._has_delivered = time.monotonic(), True

    def _keep(self, newest: Shot | FrameError) -> None:
        with self._changed:
            if self._newest is not None:
                self._drop(self._newest, "superseded")
            self._newest, self._alive_s, self._has_delivered = newest, time.monotonic(), True
            self._changed.notify_all()

    def _drop(self, newest: Shot | FrameError, reason: str) -> None:
        FRAMES_DROPPED.labels(self._station, reason).inc()
        if isinstance(newest, Shot):
            newest.release()

    def _fail(self, failure: Exception) -> None:
        with self._changed:
            self._failure = failure
            self._changed.notify_all()


def _age_s(shot: Shot) -> float:
    return time.monotonic() - shot.monotonic_s
