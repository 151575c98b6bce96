"""Basler's cameras through pylon: ``pip install 'line-inspector[basler]'``."""

import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any, Final, Literal, Self

import numpy as np
from pydantic import model_validator

from inspector.cameras.device import Device, Shot, Trouble, lost
from inspector.cameras.genapi import GenApiNodes
from inspector.cameras.industrial import BUFFERS, IndustrialSettings, Listed, SoftwareTrigger, Stamps, chosen, naming
from inspector.cameras.pixel_formats import Grid
from inspector.errors import CameraError, FrameError
from inspector.inspection import Reason

TROUBLES: Final[dict[str, Trouble]] = {
    "Statistic_Failed_Packet_Count": "packets_lost",
    "Statistic_Resend_Packet_Count": "packets_resent",
    "Statistic_Buffer_Underrun_Count": "buffers_dropped",
    "Statistic_Failed_Buffer_Count": "buffers_incomplete",
}
"""By the names of pylon's stream grabber; a camera on USB has no packets."""

NANOSECONDS: Final = 1_000_000_000

READY_MS: Final = 1000
"""How long a camera that starts may take until it heeds triggers."""


class BaslerSettings(IndustrialSettings):
    """``kind: basler``: a camera of Basler, on GigE or USB, through Basler's own library pylon."""

    kind: Literal["basler"] = "basler"
    address: str | None = None
    """GigE only: the camera's IP address."""
    user_id: str | None = None
    """The name that a user has given to the camera, in the place of its serial number."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if not (self.serial or self.address or self.user_id):
            raise ValueError(
                "name the camera by its serial, address or user_id; `inspector cameras` lists what is connected"
            )
        if find_spec("pypylon") is None:
            raise ValueError("kind basler needs pypylon: pip install 'line-inspector[basler]'")
        return self

    @property
    def shown(self) -> str:
        """See ``LiveSettings``."""
        return " at ".join(filter(None, [self.serial or self.user_id, self.address]))

    def connect(self, station: str) -> Device:
        """See ``LiveSettings``."""
        with naming(station, self.shown):
            return BaslerDevice(self, partial(lost, station, self.shown))


def connected() -> list[Listed]:
    """Basler's cameras that are connected, and emulated ones where ``PYLON_CAMEMU`` says how many."""
    from pypylon import pylon  # noqa: PLC0415 - an extra

    return [_listed(info) for info in pylon.TlFactory.GetInstance().EnumerateDevices()]


class BaslerDevice:
    """See ``Device``. ``gone`` makes the error of a lost camera."""

    def __init__(self, settings: BaslerSettings, gone: Callable[[str], CameraError]) -> None:
        from pypylon import genicam, pylon  # noqa: PLC0415 - an extra

        self.free_running = settings.trigger is None
        self._gone = gone
        self._refusals = genicam.GenericException
        self._return = pylon.TimeoutHandling_Return
        self._stamps = Stamps()
        self._camera = _opened(settings)
        try:
            node_map = self._camera.GetNodeMap()
            nodes = GenApiNodes(node_map.GetNode, node_map.GetNodes(), self._refusals, spell=_camel_case)
            settings.configure(nodes)
            self._trigger = SoftwareTrigger(settings, nodes, gone)
            self._ticks_hz = self._number(node_map.GetNode("GevTimestampTickFrequency")) or NANOSECONDS
            grabber = self._camera.GetStreamGrabberNodeMap()
            self._troubles = {trouble: grabber.GetNode(name) for name, trouble in TROUBLES.items()}
            self._camera.MaxNumBuffer.Value = BUFFERS
            self._camera.StartGrabbing(pylon.GrabStrategy_OneByOne)
            if self._trigger.is_asked_for and self._camera.CanWaitForFrameTriggerReady():
                # A trigger before that is lost. Where the camera never gets there, each part becomes an ERROR.
                self._camera.WaitForFrameTriggerReady(READY_MS, self._return)
        except CameraError:
            self.close()
            raise
        except self._refusals as error:
            self.close()
            raise CameraError(f"does not start: {error}") from error

    def grab(self, timeout_s: float) -> Shot | None:
        """See ``Device``."""
        self._trigger.check()
        try:
            result = self._camera.RetrieveResult(int(timeout_s * 1000), self._return)
            if not result.IsValid() and self._camera.IsCameraDeviceRemoved():
                raise self._gone("is not connected any more")
            if not result.IsValid():
                return None
            if result.GrabSucceeded():
                return self._shot(result)
        except self._refusals as error:
            raise self._gone(f"has failed: {error}") from error
        why = result.ErrorDescription
        result.Release()
        raise FrameError(f"a picture is no good: {why}", reason=Reason.INCOMPLETE_FRAME)

    def fire(self) -> None:
        """See ``Device``."""
        self._trigger.fire()

    def counts(self) -> Mapping[Trouble, int]:
        """See ``Device``."""
        return {trouble: self._number(node) for trouble, node in self._troubles.items()}

    def close(self) -> None:
        """See ``Device``."""
        with contextlib.suppress(self._refusals):  # of a camera that is not there any more
            self._camera.Close()

    def _number(self, node: Any) -> int:
        """What the node says, or 0 where this camera has no such thing."""
        return int(node.Value) if node.IsValid() and node.IsReadable() else 0

    def _shot(self, result: Any) -> Shot:
        grid = Grid(result.PixelType, result.Height, result.Width, result.PaddingX)
        return Shot(
            np.frombuffer(result.GetMemoryView(), np.uint8),
            grid,
            release=result.Release,
            **self._stamps.facts(result.BlockID, result.TimeStamp * NANOSECONDS // self._ticks_hz),
        )


def _opened(settings: BaslerSettings) -> Any:
    """The InstantCamera. Raises CameraError, naming what is listed where it is not."""
    from pypylon import genicam, pylon  # noqa: PLC0415 - an extra

    factory = pylon.TlFactory.GetInstance()
    infos = {_listed(info): info for info in factory.EnumerateDevices()}
    found = chosen(list(infos), serial=settings.serial, address=settings.address, user_id=settings.user_id)
    try:
        camera = pylon.InstantCamera(factory.CreateDevice(infos[found]))
        camera.Open()
    except genicam.GenericException as error:
        raise CameraError(f"cannot be opened: {error}. Another program may use it") from error
    return camera


def _listed(info: Any) -> Listed:
    return Listed(
        vendor=info.GetVendorName(),
        model=info.GetModelName(),
        serial=info.GetSerialNumber(),
        address=info.GetIpAddress() if info.IsIpAddressAvailable() else "",
        user_id=info.GetUserDefinedName() if info.IsUserDefinedNameAvailable() else "",
    )


def _camel_case(name: str) -> str:
    """GenApi's names as pylon spells them."""
    return name.title().replace("_", "")
