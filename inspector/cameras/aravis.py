"""Cameras of GigE Vision and USB3 Vision through Aravis: ``apt-get install libaravis-0.8-0``, for any Python."""

import contextlib
import ctypes
import time
from collections.abc import Callable, Mapping
from ctypes import POINTER, byref, c_int, c_size_t, c_uint8
from functools import partial
from threading import Lock
from typing import Any, Final, Literal, Self

import numpy as np
from pydantic import model_validator

from inspector.cameras.aravis_nodes import AravisNodes
from inspector.cameras.device import Device, Shot, Trouble, lost
from inspector.cameras.industrial import BUFFERS, IndustrialSettings, Listed, SoftwareTrigger, Stamps, chosen, naming
from inspector.cameras.libaravis import Library, library
from inspector.cameras.pixel_formats import Grid
from inspector.errors import CameraError, ConfigError, FrameError
from inspector.inspection import Reason

ASK_EVERY_S: Final = 1.0
"""A camera that sends no pictures is asked each second whether it is there."""

SUCCESS: Final = 0
UNFILLED: Final = (1, 7)
"""Of ArvBufferStatus: cleared and aborted, as when the acquisition ends; no picture was on its way."""

INCOMPLETE: Final = {
    2: "not all packets came in time",
    3: "packets are missing",
    4: "packets came in a wrong order",
    5: "it does not fit the size that the camera announced",
}
"""Why a picture is no good, by ArvBufferStatus."""

TROUBLES: Final[dict[str, Trouble]] = {
    "n_missing_packets": "packets_lost",
    "n_resent_packets": "packets_resent",
    "n_failures": "buffers_incomplete",
}
"""By Aravis's names; a camera on USB has no packets. For want of a buffer Aravis counts packets, too: the frames that
they belong to are incomplete, or missing in the camera's numbers."""


class AravisSettings(IndustrialSettings):
    """``kind: aravis``: a camera of GigE Vision or USB3 Vision, through the free library Aravis."""

    kind: Literal["aravis"] = "aravis"
    address: str | None = None
    """GigE Vision only: the camera's IP address. It opens a second sooner than one that has to be looked for."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if not self.serial and not self.address:
            raise ValueError(
                "name the camera by its serial or its address; `inspector cameras` lists what is connected"
            )
        try:
            library()
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return self

    @property
    def shown(self) -> str:
        """See ``LiveSettings``."""
        return " at ".join(filter(None, [self.serial, self.address]))

    def connect(self, station: str) -> Device:
        """See ``LiveSettings``."""
        with naming(station, self.shown):
            return AravisDevice(self, partial(lost, station, self.shown))


def connected() -> dict[str, Listed]:
    """What answers on all networks, and what is plugged in, by Aravis's name for it. Takes a second."""
    aravis = library()
    aravis.call("update_device_list")
    return {
        aravis.text("get_device_id", number): Listed(
            vendor=aravis.text("get_device_vendor", number),
            model=aravis.text("get_device_model", number),
            serial=aravis.text("get_device_serial_nbr", number),
            address=_address(aravis, number),
        )
        for number in range(aravis.call("get_n_devices"))
    }


def _address(aravis: Library, number: int) -> str:
    is_on_network = aravis.text("get_device_protocol", number) == "GigEVision"
    return aravis.text("get_device_address", number) if is_on_network else ""


class AravisDevice:
    """See ``Device``. ``gone`` makes the error of a lost camera."""

    def __init__(self, settings: AravisSettings, gone: Callable[[str], CameraError]) -> None:
        self.free_running = settings.trigger is None
        self._gone = gone
        self._stamps = Stamps()
        self._heard_s = time.monotonic()
        self._lock = Lock()
        self._stream: Any = None
        self._aravis = library()
        self._camera = _opened(self._aravis, settings)
        try:
            self._device = self._aravis.call("camera_get_device", self._camera)
            nodes = AravisNodes(self._aravis, self._device)
            settings.configure(nodes)
            self._trigger = SoftwareTrigger(settings, nodes, gone)
            self._start()
        except CameraError:
            self.close()
            raise

    def grab(self, timeout_s: float) -> Shot | None:
        """See ``Device``."""
        self._trigger.check()
        if not _is_ours(self._aravis, self._camera):
            raise self._gone("does not obey any more: it was restarted, or cut off")
        buffer = self._aravis.call("stream_timeout_pop_buffer", self._stream, int(timeout_s * 1e6))
        if not buffer:
            self._ask()
            return None
        self._heard_s = time.monotonic()
        status = self._aravis.call("buffer_get_status", buffer)
        if status == SUCCESS:
            return self._shot(buffer)
        self._give_back(buffer)
        if status in UNFILLED:
            return None
        raise FrameError(f"a picture is no good: {INCOMPLETE.get(status, status)}", reason=Reason.INCOMPLETE_FRAME)

    def fire(self) -> None:
        """See ``Device``."""
        self._trigger.fire()

    def counts(self) -> Mapping[Trouble, int]:
        """See ``Device``."""
        return {
            trouble: self._aravis.call("stream_get_info_uint64", self._stream, number)
            for number, trouble in self._troubles.items()
        }

    def close(self) -> None:
        """See ``Device``."""
        with self._lock:
            stream, self._stream = self._stream, None
        if stream:
            with contextlib.suppress(CameraError):  # of a camera that is not there any more
                self._aravis.call("camera_stop_acquisition", self._camera)
            self._aravis.unref(stream)
        if self._camera:
            self._aravis.unref(self._camera)
        self._camera = None

    def _start(self) -> None:
        self._stream = self._aravis.call("camera_create_stream", self._camera, None, None)
        size = self._aravis.call("camera_get_payload", self._camera)
        for _ in range(BUFFERS):
            self._aravis.call("stream_push_buffer", self._stream, self._aravis.call("buffer_new_allocate", size))
        numbers = range(self._aravis.call("stream_get_n_infos", self._stream))
        names = {number: self._aravis.text("stream_get_info_name", self._stream, number) for number in numbers}
        self._troubles = {number: TROUBLES[name] for number, name in names.items() if name in TROUBLES}
        self._aravis.call("camera_start_acquisition", self._camera)

    def _shot(self, buffer: Any) -> Shot:
        size, padding, padding_below = c_size_t(), c_int(), c_int()
        address = self._aravis.call("buffer_get_image_data", buffer, byref(size))
        self._aravis.call("buffer_get_image_padding", buffer, byref(padding), byref(padding_below))
        grid = Grid(
            code=self._aravis.call("buffer_get_image_pixel_format", buffer),
            height=self._aravis.call("buffer_get_image_height", buffer),
            width=self._aravis.call("buffer_get_image_width", buffer),
            padding=padding.value,
        )
        frame, stamped_ns = (self._aravis.call(f"buffer_get_{what}", buffer) for what in ("frame_id", "timestamp"))
        data = np.ctypeslib.as_array(ctypes.cast(address, POINTER(c_uint8)), (size.value,))
        return Shot(data, grid, release=partial(self._give_back, buffer), **self._stamps.facts(frame, stamped_ns))

    def _give_back(self, buffer: Any) -> None:
        """To the driver, to be filled again; after the end of the stream the buffer is ours alone, and goes."""
        with self._lock:
            if self._stream:
                self._aravis.call("stream_push_buffer", self._stream, buffer)
            else:
                self._aravis.unref(buffer)

    def _ask(self) -> None:
        """Whether the camera is there: at its first address is the version of the protocol, whichever it speaks."""
        if time.monotonic() - self._heard_s < ASK_EVERY_S:
            return
        try:
            self._aravis.call("device_read_memory", self._device, 0, 4, ctypes.create_string_buffer(4))
        except CameraError as error:
            raise self._gone(f"does not answer: {error}") from error
        self._heard_s = time.monotonic()


def _opened(aravis: Library, settings: AravisSettings) -> Any:
    """The ArvCamera, under our control. Raises CameraError, naming what is listed where the camera is not."""
    name = settings.address or _listed(settings)
    try:
        camera = aravis.call("camera_new", name.encode())
    except CameraError:
        _listed(settings)
        raise
    if refusal := _refusal(aravis, camera, settings.serial):
        aravis.unref(camera)
        raise CameraError(refusal)
    return camera


def _refusal(aravis: Library, camera: Any, serial: str | None) -> str | None:
    """Why the camera that was opened is not to be used."""
    found = aravis.text("camera_get_device_serial_number", camera)
    if serial and serial != found:
        return f"has been replaced: the one there has serial {found}. Correct `serial` if that is meant"
    if not _is_ours(aravis, camera):
        return "is controlled by another program. End that one; a camera serves one station"
    return None


def _is_ours(aravis: Library, camera: Any) -> bool:
    """Whether we control the camera. On a network it is lent: Aravis renews that each second, and sees when it ends."""
    if not aravis.call("camera_is_gv_device", camera):
        return True
    return bool(aravis.call("gv_device_is_controller", aravis.call("camera_get_device", camera)))


def _listed(settings: AravisSettings) -> str:
    """Aravis's name for the camera. Raises CameraError where it finds none."""
    names = {camera: name for name, camera in connected().items()}
    return names[chosen(list(names), serial=settings.serial, address=settings.address)]
