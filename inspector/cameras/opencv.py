"""Cameras through OpenCV: USB cameras (V4L2), network streams and video files (FFmpeg)."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal, Protocol, Self
from urllib.parse import quote

import cv2
from pydantic import Field, PositiveFloat, PositiveInt, ValidationInfo, field_validator, model_validator

from inspector.cameras.device import Device
from inspector.cameras.live import LiveSettings
from inspector.cameras.opencv_capture import Captured
from inspector.cameras.pacing import Pace
from inspector.cameras.video import VideoFile
from inspector.errors import CameraError
from inspector.inspection import Camera
from inspector.settings import ConfigPath

# Else FFmpeg fills up a picture that was cut off on the way with what lies in the buffer: the part before. OpenCV takes
# FFmpeg's options from here alone; prefer_tcp is what it sets by itself. Whoever sets the variable has the say.
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_flags;prefer_tcp|fflags;discardcorrupt")

SourceKind = Literal["device", "stream", "file"]

ONLY_FOR: Final[dict[SourceKind, frozenset[str]]] = {
    "device": frozenset({"width", "height", "fps", "pixel_format", "controls"}),
    "stream": frozenset({"username", "password_file"}),
    "file": frozenset({"mode", "rate_hz"}),
}
"""Settings that mean something for one kind of source alone."""

Control = Literal[
    "auto_exposure", "exposure_time_absolute", "white_balance_automatic", "white_balance_temperature",
    "focus_automatic_continuous", "focus_absolute", "gain", "brightness", "contrast", "saturation", "hue", "gamma",
    "sharpness", "backlight_compensation", "zoom_absolute",
]  # fmt: skip

CONTROLS: Final[dict[str, int]] = {
    "auto_exposure": cv2.CAP_PROP_AUTO_EXPOSURE,
    "exposure_time_absolute": cv2.CAP_PROP_EXPOSURE,
    "white_balance_automatic": cv2.CAP_PROP_AUTO_WB,
    "white_balance_temperature": cv2.CAP_PROP_WB_TEMPERATURE,
    "focus_automatic_continuous": cv2.CAP_PROP_AUTOFOCUS,
    "focus_absolute": cv2.CAP_PROP_FOCUS,
    "gain": cv2.CAP_PROP_GAIN,
    "brightness": cv2.CAP_PROP_BRIGHTNESS,
    "contrast": cv2.CAP_PROP_CONTRAST,
    "saturation": cv2.CAP_PROP_SATURATION,
    "hue": cv2.CAP_PROP_HUE,
    "gamma": cv2.CAP_PROP_GAMMA,
    "sharpness": cv2.CAP_PROP_SHARPNESS,
    "backlight_compensation": cv2.CAP_PROP_BACKLIGHT,
    "zoom_absolute": cv2.CAP_PROP_ZOOM,
}
"""By their names in V4L2, automatic ones before what they would change (Linux media API, User and Camera Controls)."""

PROPERTIES: Final = {
    "pixel_format": cv2.CAP_PROP_FOURCC,
    "width": cv2.CAP_PROP_FRAME_WIDTH,
    "height": cv2.CAP_PROP_FRAME_HEIGHT,
    "fps": cv2.CAP_PROP_FPS,
    **CONTROLS,
}
"""In the order in which they are set: the format decides what sizes there are."""


class OpenCVSettings(LiveSettings):
    """``kind: opencv``: a USB camera, a network stream or a video file.

    Devices and streams run free: the newest frame is judged, the others are dropped and counted. Every frame of a
    file is judged.
    """

    kind: Literal["opencv"] = "opencv"
    source: int | str
    """Number of a USB camera (0 is ``/dev/video0``), its device file (better one of ``/dev/v4l/by-id/``, which stays
    the same when it is plugged in elsewhere), an address (``rtsp://``, ``http://`` …) or the path of a video file."""
    username: str | None = None
    """Streams only: the user that the camera asks for."""
    password_file: ConfigPath | None = None
    """Streams only: file that holds the password and nothing else."""
    width: PositiveInt | None = None
    """Devices only: width of the picture in pixels to ask for, together with ``height``; null takes the device's."""
    height: PositiveInt | None = None
    """Devices only: height of the picture in pixels to ask for."""
    fps: PositiveInt | None = None
    """Devices only: frames per second to ask for; null takes the device's."""
    pixel_format: str | None = Field(default=None, pattern=r"^[ -~]{4}$")
    """Devices only: how pictures come over the cable, by its four characters, as YUYV or MJPG; null takes the
    device's."""
    controls: dict[Control, float] = Field(default={})
    """Devices only: controls by their names in V4L2, in the device's own units (``v4l2-ctl --list-ctrls``), read back:
    ``{auto_exposure: 1, exposure_time_absolute: 50, white_balance_automatic: 0, gain: 0}`` holds light and colours."""
    mode: Literal["once", "loop"] = "once"
    """Files only: ``once`` plays the file and ends, ``loop`` starts again."""
    rate_hz: PositiveFloat | None = None
    """Files only: frames per second; null takes them as fast as the station does, whatever the file's own rate."""

    @field_validator("source")
    @classmethod
    def _names_something(cls, source: int | str) -> int | str:
        # Not by constraints: each kind of the union would tell its own mistake.
        if source == "" or (isinstance(source, int) and source < 0):
            raise ValueError("expected the number of a camera from 0, its device file, an address or a path")
        return source

    @field_validator("source")
    @classmethod
    def _file_lies_beside_config(cls, source: int | str, info: ValidationInfo) -> int | str:
        if info.context and _kind(source) == "file":
            return str(Path(info.context["folder"], str(source)))
        return source

    @model_validator(mode="after")
    def _asks_only_what_the_source_has(self) -> Self:
        kind = _kind(self.source)
        for other, names in ONLY_FOR.items():
            if other != kind and (useless := sorted(names & self.model_fields_set)):
                raise ValueError(f"{', '.join(useless)}: only for a {other}, and the source is a {kind}; leave it out")
        if (self.width is None) != (self.height is None):
            raise ValueError("width and height are asked for together; give both or neither")
        if self.isolate and kind == "file":
            raise ValueError("isolate: a file has no driver that could hang; leave it out")
        if self.password_file and not self.username:
            raise ValueError("a password_file needs a username")
        if self.username and "@" in str(self.source):
            raise ValueError("the address holds a user already; take it out of the address or leave username out")
        return self

    def open(self, station: str) -> Camera:
        """Raises CameraError when the source does not open in time, or not as it was asked for."""
        if _kind(self.source) == "file":
            return VideoFile(str(self.source), station, Pace(self.rate_hz), loops=self.mode == "loop")
        return super().open(station)

    @property
    def shown(self) -> str:
        """See ``LiveSettings``."""
        return _shown(self.source)

    def connect(self, station: str) -> Device:
        """See ``LiveSettings``."""
        # RTP tells when a frame was taken (RFC 3550, section 5.1); over HTTP, FFmpeg makes the times up.
        stamps = str(self.source).startswith(("rtsp://", "rtsps://"))
        return Captured(self._capture(station), station, self.shown, stamps=stamps)

    def _capture(self, station: str) -> cv2.VideoCapture:
        return self._open_stream(station) if _kind(self.source) == "stream" else self._open_device(station)

    def _open_stream(self, station: str) -> cv2.VideoCapture:
        # Time-outs hold only when they are given here.
        timeouts = [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(self.open_timeout_s * 1000)),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(self.read_timeout_s * 1000)),
        ]
        capture = cv2.VideoCapture(self._address(station), cv2.CAP_FFMPEG, timeouts)
        if not capture.isOpened():
            raise CameraError(
                f"station {station}: camera {_shown(self.source)} cannot be opened. "
                "Check that it is on and reachable from here, its address, and user and password."
            )
        return capture

    def _address(self, station: str) -> str:
        """With user and password, and therefore never to be shown."""
        if self.username is None:
            return str(self.source)
        user = quote(self.username, safe="")
        if self.password_file is not None:
            try:
                user += ":" + quote(self.password_file.read_text(encoding="utf-8").rstrip("\r\n"), safe="")
            except OSError as error:
                raise CameraError(
                    f"station {station}: cannot read the camera's password_file {self.password_file} "
                    f"({error.strerror}). Create it, or let this user read it."
                ) from error
        return str(self.source).replace("://", f"://{user}@", 1)

    def _open_device(self, station: str) -> cv2.VideoCapture:
        # V4L2 takes no time-outs: it refuses to open when it is given any. The reader's own hold.
        capture = cv2.VideoCapture(self.source, cv2.CAP_V4L2)
        if not capture.isOpened():
            raise CameraError(
                f"station {station}: camera {_shown(self.source)} cannot be opened. Check that it is plugged in "
                "(`v4l2-ctl --list-devices`), that this user is in the group video, and that no other program uses it."
            )
        if refusal := refused(capture, self._wishes()):
            capture.release()
            raise CameraError(
                f"station {station}: camera {_shown(self.source)} {refusal}. "
                "Ask for what `v4l2-ctl --list-formats-ext` and `--list-ctrls` show."
            )
        return capture

    def _wishes(self) -> dict[str, float | None]:
        code = cv2.VideoWriter.fourcc(*self.pixel_format) if self.pixel_format else None
        format_ = {"pixel_format": code, "width": self.width, "height": self.height, "fps": self.fps}
        return {**format_, **{str(name): value for name, value in self.controls.items()}}


class Properties(Protocol):
    """What setting up asks of ``cv2.VideoCapture``."""

    def set(self, propId: int, value: float, /) -> bool:  # noqa: N803 - OpenCV's name
        """Ask for a property."""

    def get(self, propId: int, /) -> float:  # noqa: N803 - OpenCV's name
        """What the property is."""


def refused(device: Properties, wishes: Mapping[str, float | None]) -> str | None:
    """Ask the device for the properties; what it gives in their stead, where that differs."""
    asked = {name: value for name in PROPERTIES if (value := wishes.get(name)) is not None}
    for name, value in asked.items():
        device.set(PROPERTIES[name], value)
    given = {name: device.get(PROPERTIES[name]) for name in asked}
    if all(abs(given[name] - value) < 0.5 for name, value in asked.items()):
        return None
    return f"was asked for {_listed(asked)} and gives {_listed(given)}"


def _listed(properties: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {_shown_value(name, value)}" for name, value in properties.items())


def _shown_value(name: str, value: float) -> str:
    return int(value).to_bytes(4, "little").decode("ascii", "replace") if name == "pixel_format" else f"{value:g}"


def _kind(source: int | str) -> SourceKind:
    if isinstance(source, int) or source.startswith("/dev/"):
        return "device"
    return "stream" if "://" in source else "file"


def _shown(source: int | str) -> str:
    """The source as messages may show it: without user, password and query, which may hold a key."""
    if isinstance(source, int):
        return f"/dev/video{source}"
    return re.sub(r"\?.*", "?***", re.sub(r"(?<=://).*@", "***@", source))
