"""Ask every library that is installed for the cameras that it finds."""

import argparse
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inspector.camera_list import video4linux
from inspector.cameras import aravis, basler, genicam
from inspector.cameras.industrial import Listed
from inspector.errors import CameraError, ConfigError

PRODUCERS = "GENICAM_GENTL64_PATH"
"""Where GenTL has its producers found: folders, with colons (GenICam GenTL Standard, section 3.2)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A camera, and the settings that open it."""

    kind: str
    camera: Listed
    settings: dict[str, Any]

    @property
    def snippet(self) -> str:
        """To be pasted into a configuration, below a station."""
        return "camera: {" + ", ".join(f"{key}: {json.dumps(value)}" for key, value in self.settings.items()) + "}"


Finder = Callable[[], Iterable[Finding]]


def cameras(arguments: argparse.Namespace) -> int:
    """List them; exit status 1 where there is none."""
    found, silent = look_round(
        {
            "opencv": _video4linux,
            "aravis": _aravis,
            "basler": _basler,
            "genicam": lambda: _genicam(arguments.cti or producers(os.environ.get(PRODUCERS, ""))),
        }
    )
    if arguments.json:
        listed = [{"kind": each.kind, **asdict(each.camera), "snippet": each.snippet} for each in found]
        print(json.dumps({"cameras": listed, "not_asked": silent}))
    else:
        _print(found, silent)
    return 0 if found else 1


def look_round(finders: dict[str, Finder]) -> tuple[list[Finding], dict[str, str]]:
    """What each library finds, and why some of them could not be asked."""
    found: list[Finding] = []
    silent = {}
    for kind, find in finders.items():
        try:
            found += find()
        except (CameraError, ConfigError, ImportError) as error:
            silent[kind] = str(error)
    return found, silent


def producers(folders: str) -> list[Path]:
    """Every producer in these folders."""
    return [cti for folder in filter(None, folders.split(os.pathsep)) for cti in sorted(Path(folder).glob("*.cti"))]


def _video4linux() -> Iterator[Finding]:
    for camera in video4linux.connected():
        yield Finding("opencv", camera, {"kind": "opencv", "source": camera.address})


def _aravis() -> Iterator[Finding]:
    for camera in aravis.connected().values():
        yield Finding("aravis", camera, _by_serial("aravis", camera))


def _basler() -> Iterator[Finding]:
    for camera in basler.connected():
        yield Finding("basler", camera, _by_serial("basler", camera))


def _genicam(ctis: Iterable[Path]) -> Iterator[Finding]:
    for cti in ctis:
        for camera in genicam.connected(cti):
            yield Finding("genicam", camera, {**_by_serial("genicam", camera), "cti": str(cti)})


def _by_serial(kind: str, camera: Listed) -> dict[str, Any]:
    return {"kind": kind, "serial": camera.serial}


def _print(found: list[Finding], silent: dict[str, str]) -> None:
    for each in found:
        print(f"{each.kind}: {each.camera}\n    {each.snippet}")
    if not found:
        print("no camera is connected, as far as the libraries that are installed can tell")
    for kind, why in silent.items():
        print(f"{kind} was not asked: {why}")
    print("streams (rtsp://, http://) are not looked for: give their address as the source of kind opencv")
