"""What the cameras of GenICam have in common, whichever library speaks to them: identity, settings, and time."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt, field_validator

from inspector.cameras.device_clock import DeviceClock
from inspector.cameras.features import NodeMap, Value, Wish, configure
from inspector.cameras.live import LiveSettings
from inspector.errors import CameraError
from inspector.settings import Settings

BUFFERS: Final = 8
"""Pictures that a driver may hold for us: as many can come while this process is held up."""

OWN_SETTINGS: Final = ("TriggerMode", "TriggerSource", "TriggerActivation", "TriggerSelector", "AcquisitionMode")


def _quoted(serial: object) -> object:
    if isinstance(serial, int):
        raise ValueError("put the serial number in quotes: as a number it may lose its leading zeros")  # noqa: TRY004
    return serial


SerialNumber = Annotated[str, BeforeValidator(_quoted)]


class Region(Settings):
    """The part of the sensor that is read; the camera says how fine its steps are."""

    x: NonNegativeInt = 0
    """Columns left of it, in pixels."""
    y: NonNegativeInt = 0
    """Rows above it."""
    width: PositiveInt
    """Its columns."""
    height: PositiveInt
    """Its rows."""


class CameraTrigger(Settings):
    """What makes the camera take a picture, in the place of running free."""

    source: str = "Software"
    """``Software``: this daemon, once for each trigger of its station. Else one of the camera's inputs: ``Line1`` …"""
    activation: str | None = None
    """Of an input: ``RisingEdge``, ``FallingEdge`` …; null leaves it as it is."""
    selector: str = "FrameStart"
    """What the trigger starts, where the camera knows several."""


class IndustrialSettings(LiveSettings):
    """Settings of all cameras that describe themselves by GenICam."""

    serial: SerialNumber | None = None
    """The camera's serial number, in quotes: another camera in its place is then an error."""
    features: dict[str, Value] = Field(default={})
    """Features by their GenICam names, set in this order and read back: ``{PixelFormat: Mono8, ExposureTime: 2000}``.
    ``inspector cameras`` does not list them, the camera's manual does; a name or value that is wrong is told."""
    region: Region | None = None
    """The part of the sensor that is read; null leaves it as it is."""
    trigger: CameraTrigger | None = None
    """What makes the camera take a picture; null lets it run free."""
    packet_size: PositiveInt | None = None
    """GigE Vision only: bytes of a packet, at most what the whole network takes (9000 with jumbo frames)."""
    isolate: bool = True
    """Run the camera's driver in a process of its own, which can be killed when the driver hangs."""

    @field_validator("features")
    @classmethod
    def _leaves_triggers_to_their_setting(cls, features: dict[str, Value]) -> dict[str, Value]:
        if own := [name for name in OWN_SETTINGS if name in features]:
            raise ValueError(f"{', '.join(own)}: that is set by `trigger`, or by its absence")
        return features

    def configure(self, nodes: NodeMap) -> None:
        """Set the camera up as these settings say. Raises CameraError; see ``features.configure``."""
        configure(nodes, self._wishes(nodes))

    def _wishes(self, nodes: NodeMap) -> Iterator[Wish]:
        """One by one, since what a feature can be depends on those before it."""
        if nodes.has("AcquisitionMode") and nodes.read("AcquisitionMode") != "Continuous":
            yield "AcquisitionMode", "Continuous"
        yield from self.features.items()
        if self.packet_size:
            yield "GevSCPSPacketSize", self.packet_size
        if self.region:
            yield from _region(self.region, nodes)
        yield from _without_triggers(nodes)
        if self.trigger:
            yield from _trigger(self.trigger, nodes)


def _region(region: Region, nodes: NodeMap) -> Iterator[Wish]:
    offsets = {"OffsetX": region.x, "OffsetY": region.y}
    # From the corner, or the old offset would limit the new size.
    yield from ((name, 0) for name in offsets if nodes.has(name))
    yield from (("Width", region.width), ("Height", region.height))
    yield from ((name, offset) for name, offset in offsets.items() if offset)


def _without_triggers(nodes: NodeMap) -> Iterator[Wish]:
    """A trigger that was left on in the camera would keep it from ever taking a picture."""
    if not nodes.has("TriggerMode"):
        return
    selectors = nodes.describe("TriggerSelector").entries if nodes.has("TriggerSelector") else (None,)
    for selector in selectors:
        if selector:
            yield "TriggerSelector", selector
        if nodes.describe("TriggerMode").is_writable:
            yield "TriggerMode", "Off"


def _trigger(trigger: CameraTrigger, nodes: NodeMap) -> Iterator[Wish]:
    if nodes.has("TriggerSelector"):
        yield "TriggerSelector", trigger.selector
    yield from (("TriggerMode", "On"), ("TriggerSource", trigger.source))
    if trigger.activation:
        yield "TriggerActivation", trigger.activation


@dataclass(frozen=True, slots=True)
class Listed:
    """A camera that a library finds."""

    vendor: str
    model: str
    serial: str
    address: str = ""
    user_id: str = ""

    def __str__(self) -> str:
        more = [f"serial {self.serial}", f"at {self.address}" * bool(self.address), self.user_id]
        return f"{self.vendor} {self.model} ({', '.join(filter(None, more))})"


def chosen(listed: Sequence[Listed], **wanted: str | None) -> Listed:
    """The camera that has each of the wanted fields, where they are not None. Raises CameraError."""
    asked = {name: value for name, value in wanted.items() if value is not None}
    found = [each for each in listed if all(getattr(each, name) == value for name, value in asked.items())]
    if len(found) == 1:
        return found[0]
    what = "not there" if not found else f"not the only one of {' and '.join(asked)} {', '.join(asked.values())}"
    raise CameraError(f"is {what}; listed: {', '.join(map(str, found or listed)) or 'no camera at all'}")


class SoftwareTrigger:
    """Triggers a camera, where its settings say that it is to be triggered by software. ``gone``: its loss."""

    def __init__(self, settings: IndustrialSettings, nodes: NodeMap, gone: Callable[[str], CameraError]) -> None:
        self.is_asked_for = settings.trigger is not None and settings.trigger.source == "Software"
        self._nodes = nodes
        self._gone = gone
        self._failure: CameraError | None = None

    def fire(self) -> None:
        """Raises nothing: it is for the thread that grabs to say that the camera is lost."""
        if not self.is_asked_for:
            return
        try:
            self._nodes.execute("TriggerSoftware")
        except CameraError as error:
            self._failure = self._gone(f"cannot be triggered: {error}")

    def check(self) -> None:
        """Raises CameraError when a trigger did not reach the camera."""
        if self._failure:
            raise self._failure


@contextmanager
def naming(station: str, source: str) -> Iterator[None]:
    """Have each CameraError inside say which station and which camera it is about."""
    try:
        yield
    except CameraError as error:
        raise CameraError(f"station {station}: camera {source} {error}") from error


class Stamps:
    """What a camera and its clock tell of a picture, as ``Shot`` takes it."""

    def __init__(self) -> None:
        self._clock = DeviceClock()

    def facts(self, frame: int, stamped_ns: int) -> dict[str, Any]:
        """Of a picture that has just arrived; a stamp of 0 is of a camera that has no clock."""
        arrived_s = time.monotonic()
        if not stamped_ns:
            return {"monotonic_s": arrived_s, "device_frame": frame}
        taken_s = self._clock.taken_s(stamped_ns / 1e9, arrived_s)
        return {
            "monotonic_s": arrived_s if taken_s is None else taken_s,
            "exposed": taken_s is not None,
            "device_frame": frame,
            "device_time_s": stamped_ns / 1e9,
        }
