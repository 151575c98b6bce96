"""The program of a camera's helper process: opens one camera, and hands its pictures to the station through memory."""

import sys
from dataclasses import astuple

from pydantic import TypeAdapter

from inspector.cameras import CameraSettings
from inspector.cameras.device import Device
from inspector.cameras.live import GRAB_S, LiveSettings
from inspector.cameras.wire import Helper
from inspector.errors import CameraError, FrameError

FACTS = ("monotonic_s", "exposed", "device_frame", "device_time_s", "part_id")


def main() -> None:
    """``python -m inspector.cameras.child SOCKET MEMORY``: two file descriptors that were inherited."""
    helper = Helper(int(sys.argv[1]), int(sys.argv[2]))
    settings = TypeAdapter(CameraSettings).validate_python(helper.order["settings"])
    if not isinstance(settings, LiveSettings):
        raise TypeError(f"a camera of kind {settings.kind} has no driver to be kept apart")
    try:
        device = settings.connect(helper.order["station"])
        try:
            helper.opened(free_running=device.free_running, fire=device.fire)
            while not helper.closing.is_set():
                hand_on(device, helper)
        finally:
            device.close()
    except CameraError as error:
        helper.lost(str(error))


def hand_on(device: Device, helper: Helper) -> None:
    """Whatever the driver has next. Raises CameraError."""
    try:
        shot = device.grab(GRAB_S)
    except FrameError as error:
        helper.refused(error.reason, str(error))
        shot = None
    if shot:
        helper.shot(shot.data, grid=astuple(shot.grid), **{name: getattr(shot, name) for name in FACTS})
        shot.release()
    helper.alive(device.counts())


if __name__ == "__main__":
    main()
