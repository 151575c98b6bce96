"""Whether each station's camera opens and gives a picture."""

import time
from collections.abc import Iterator
from queue import Empty, Queue
from threading import Thread
from typing import Final

from inspector.cameras import CameraSettings
from inspector.config import StationSettings
from inspector.doctor.findings import Finding, Subject, bad, good, unclear
from inspector.errors import CameraError, ConfigError, FrameError
from inspector.inspection import EndOfFrames, Frame

FRAME_WITHIN_S: Final = 10.0
HANGS_AFTER_S: Final = 30.0
"""Some drivers never come back from opening a camera."""


def look_at_cameras(subject: Subject) -> Iterator[Finding]:
    """One finding for each. What a running daemon has open is not opened again: most cameras serve one at a time."""
    for station in subject.config.stations:
        about = f"{station.name}: camera"
        if station.name not in subject.running.cameras:
            yield _within(HANGS_AFTER_S, about, station)
        elif subject.running.cameras[station.name]:
            yield good(about, "busy: the line that runs has it open, and gets pictures")
        else:
            yield bad(about, "the line that runs has lost it", "see the daemon's log for the reason")


def _within(limit_s: float, about: str, station: StationSettings) -> Finding:
    answer: Queue[Finding] = Queue()
    # A daemon thread, since a native call that hangs must not keep the doctor from ending.
    Thread(target=lambda: answer.put(_opened(about, station)), daemon=True).start()
    try:
        return answer.get(timeout=limit_s)
    except Empty:
        return bad(about, f"hangs: no answer within {limit_s:.0f} s", "take its power away and give it back")


def _opened(about: str, station: StationSettings) -> Finding:
    try:
        frame = _first_frame(station.camera, station.name)
    except EndOfFrames:
        return bad(about, "it has no picture at all", "put pictures where the configuration says they are")
    except FrameError as error:
        return bad(about, f"its picture cannot be judged: {error}", "look at the picture, the cable and the lens")
    except (CameraError, ConfigError) as error:
        return bad(about, str(error), "check power, cable, address and who else has it open")
    if frame is None and station.camera.kind == "folder":
        return unclear(about, f"the folder is there; no picture came within {FRAME_WITHIN_S:.0f} s")
    if frame is None:
        return bad(
            about, f"open, but no picture came within {FRAME_WITHIN_S:.0f} s", "does it wait for a trigger by cable?"
        )
    height, width = frame.pixels.shape[:2]
    return good(about, f"opens, and gives pictures of {width} x {height}")


def _first_frame(settings: CameraSettings, station: str) -> Frame | None:
    camera = settings.open(station)
    try:
        camera.fire(time.monotonic())
        return camera.read(FRAME_WITHIN_S)
    finally:
        camera.close()
