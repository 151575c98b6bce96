"""Cameras through any vendor's GenTL producer, a ``.cti`` file: ``pip install 'line-inspector[genicam]'``."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Self

import numpy as np
from pydantic import model_validator

from inspector.cameras.device import Device, Shot, Trouble, lost
from inspector.cameras.genapi import GenApiNodes
from inspector.cameras.industrial import BUFFERS, IndustrialSettings, Listed, SoftwareTrigger, Stamps, chosen, naming
from inspector.cameras.pixel_formats import Grid
from inspector.errors import CameraError, FrameError
from inspector.inspection import Reason
from inspector.settings import ConfigPath


class GenicamSettings(IndustrialSettings):
    """``kind: genicam``: a camera through a GenTL producer, which its vendor's driver package brings."""

    kind: Literal["genicam"] = "genicam"
    cti: ConfigPath
    """The producer: a file that ends with ``.cti``, in one of the folders of ``GENICAM_GENTL64_PATH``."""
    user_id: str | None = None
    """The name that a user has given to the camera, in the place of its serial number."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if not self.serial and not self.user_id:
            raise ValueError(
                "name the camera by its serial or its user_id; `inspector cameras` lists what is connected"
            )
        if find_spec("harvesters") is None:
            raise ValueError("kind genicam needs harvesters: pip install 'line-inspector[genicam]'")
        return self

    @property
    def shown(self) -> str:
        """See ``LiveSettings``."""
        return f"{self.serial or self.user_id} by {self.cti.name}"

    def connect(self, station: str) -> Device:
        """See ``LiveSettings``."""
        with naming(station, self.shown):
            return GenicamDevice(self, partial(lost, station, self.shown))


def connected(cti: Path) -> list[Listed]:
    """What the producer finds. Raises CameraError when it cannot be loaded."""
    with _harvester(cti) as harvester:
        return [_listed(each) for each in harvester.device_info_list]


class GenicamDevice:
    """See ``Device``. ``gone`` makes the error of a lost camera."""

    def __init__(self, settings: GenicamSettings, gone: Callable[[str], CameraError]) -> None:
        from genicam import genapi, gentl  # noqa: PLC0415 - an extra

        self.free_running = settings.trigger is None
        self._gone = gone
        self._refusals = (gentl.GenericException, genapi.GenericException)
        self._stamps = Stamps()
        self._incomplete = 0
        self._lock = Lock()
        self._is_open = True
        with contextlib.ExitStack() as resources:
            harvester = resources.enter_context(_harvester(settings.cti))
            self._acquirer = _opened(harvester, settings, self._refusals)
            resources.callback(self._acquirer.destroy)
            node_map = self._acquirer.remote_device.node_map
            nodes = GenApiNodes(node_map.get_node, node_map.nodes, genapi.GenericException)
            settings.configure(nodes)
            self._trigger = SoftwareTrigger(settings, nodes, gone)
            self._start()
            self._resources = resources.pop_all()

    def grab(self, timeout_s: float) -> Shot | None:
        """See ``Device``."""
        self._trigger.check()
        incomplete = self._incomplete
        try:
            buffer = self._acquirer.try_fetch(timeout=timeout_s, is_raw=True)
            if buffer is not None:
                return self._shot(buffer)
        except self._refusals as error:
            raise self._gone(f"has failed: {error}") from error
        if self._incomplete > incomplete:
            raise FrameError("a picture is no good: parts of it are missing", reason=Reason.INCOMPLETE_FRAME)
        return None

    def fire(self) -> None:
        """See ``Device``."""
        self._trigger.fire()

    def counts(self) -> Mapping[Trouble, int]:
        """See ``Device``. Of lost and resent packets each producer tells in its own way, or not at all."""
        counts: dict[Trouble, int] = {"buffers_incomplete": self._incomplete}
        with contextlib.suppress(*self._refusals):
            counts["buffers_dropped"] = self._acquirer.data_streams[0].module.num_underrun
        return counts

    def close(self) -> None:
        """See ``Device``."""
        with self._lock:
            self._is_open = False
        with contextlib.suppress(*self._refusals):  # of a camera that is not there any more
            self._resources.close()

    def _start(self) -> None:
        self._acquirer.num_buffers = max(BUFFERS, self._acquirer.min_num_buffers)
        self._acquirer.add_callback(self._acquirer.Events.INCOMPLETE_BUFFER, _calling(self._count_incomplete))
        try:
            self._acquirer.start()
        except self._refusals as error:
            raise CameraError(f"does not start: {error}") from error

    def _count_incomplete(self) -> None:
        """Harvesters keeps such a buffer to itself."""
        self._incomplete += 1

    def _shot(self, buffer: Any) -> Shot:
        grid = Grid(buffer.pixel_format, buffer.height, buffer.width, self._told(buffer, "padding_x"))
        data = np.frombuffer(buffer.raw_buffer, np.uint8)[self._told(buffer, "image_offset") :]
        facts = self._stamps.facts(buffer.frame_id, self._told(buffer, "timestamp_ns"))
        return Shot(data, grid, release=partial(self._give_back, buffer), **facts)

    def _told(self, buffer: Any, what: str) -> int:
        """A number that not every producer knows, or 0."""
        try:
            return int(getattr(buffer, what))
        except self._refusals:
            return 0

    def _give_back(self, buffer: Any) -> None:
        with self._lock:
            if self._is_open:
                buffer.parent.queue_buffer(buffer)


@contextlib.contextmanager
def _harvester(cti: Path) -> Iterator[Any]:
    """The producer's cameras. Raises CameraError when it cannot be loaded."""
    from harvesters.core import Harvester  # noqa: PLC0415 - an extra

    # What it has to say of a camera is in our own messages, once.
    logging.getLogger("harvesters.core").setLevel(logging.CRITICAL)
    with Harvester() as harvester:
        try:
            harvester.add_file(str(cti), check_existence=True, check_validity=True)
        except OSError as error:
            raise CameraError(f"has no GenTL producer: cannot load {cti} ({str(error) or 'no such file'})") from error
        harvester.update()
        yield harvester


def _opened(harvester: Any, settings: GenicamSettings, refusals: tuple[type[Exception], ...]) -> Any:
    """The ImageAcquirer of the camera. Raises CameraError, naming what is listed where it is not."""
    infos = {_listed(info): info for info in harvester.device_info_list}
    info = infos[chosen(list(infos), serial=settings.serial, user_id=settings.user_id)]
    try:
        return harvester.create(info)
    except refusals as error:
        raise CameraError(f"cannot be opened: {error}. Another program may use it") from error


def _listed(info: Any) -> Listed:
    told = {name: value or "" for name, value in info.property_dict.items()}  # what a producer does not know is None
    return Listed(told["vendor"], told["model"], told["serial_number"], user_id=told["user_defined_name"])


def _calling(call: Callable[[], None]) -> Any:
    """A callback as harvesters wants it."""
    from harvesters.core import Callback  # noqa: PLC0415 - an extra

    return type("Calling", (Callback,), {"emit": lambda *_, **__: call()})()
