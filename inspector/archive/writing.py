"""An inspection's files: made in memory, then written so that a crash leaves whole files or none."""

import errno
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import cv2

from inspector.archive.layout import HEAT_MAP, INSPECTION, Day, Part, date_of, name_of
from inspector.errors import FrameError
from inspector.heatmap import overlay_alone
from inspector.inspection import Evidence, Inspection, Pixels, Reason
from inspector.pictures import encode_jpeg, encode_png, shrunk

FOLDER_MODE: Final = 0o750
FILE_MODE: Final = 0o640

HEAT_MAP_PIXELS: Final = 640
"""The longer side of a heat map at most: it has a few places only, and twelve megapixels of it take seconds."""

HEAT_MAP_QUALITY: Final = 85


class Writer:
    """Writes below ``folder``, unless less than ``least_free_bytes`` of its disk are free. ``quality`` is of JPEG."""

    def __init__(self, folder: Path, *, png: bool, quality: int, heat_maps: bool, least_free_bytes: int) -> None:
        self.folder = folder
        self._png, self._quality, self._heat_maps = png, quality, heat_maps
        self._least_free_bytes = least_free_bytes

    def write(self, evidence: Evidence) -> int:
        """Have the disk hold it; how many bytes that are.

        Raises OSError when the disk does not take it, and FrameError for pixels of which no file can be made.
        """
        day = _made(self.folder, evidence.inspection)
        self._check_room()
        files = self._files(evidence)
        write_whole(day, _named(evidence.inspection, files))
        return sum(map(len, files.values()))

    def _files(self, evidence: Evidence) -> dict[Part, bytes]:
        """The inspection comes last: where it is there, so is the rest."""
        pixels, files = evidence.frame.pixels, dict[Part, bytes]()
        try:
            files["png" if self._png else "jpg"] = self._encoded(pixels)
            heat_map = self._heat_map(evidence) if self._heat_maps else None
        except cv2.error as error:
            raise FrameError(f"OpenCV cannot draw it: {error.err}", reason=Reason.UNREADABLE_PICTURE) from error
        if heat_map:
            files[HEAT_MAP] = heat_map
        files[INSPECTION] = _as_json(evidence.inspection)
        return files

    def _encoded(self, pixels: Pixels) -> bytes:
        return encode_png(pixels) if self._png else encode_jpeg(pixels, self._quality)

    def _heat_map(self, evidence: Evidence) -> bytes | None:
        grid = evidence.heat_map() if evidence.inspection.score is not None else None
        if grid is None:
            return None
        return encode_jpeg(overlay_alone(shrunk(evidence.frame.pixels, HEAT_MAP_PIXELS), grid), HEAT_MAP_QUALITY)

    def _check_room(self) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < self._least_free_bytes:
            why = f"{free} bytes are free, less than half of archive.min_free_bytes"
            raise OSError(errno.ENOSPC, why)


def add(folder: Path, inspection: Inspection, png: bytes) -> None:
    """Put the picture of an inspection into the archive, whose station has not kept it. Raises OSError."""
    write_whole(_made(folder, inspection), _named(inspection, {"png": png, INSPECTION: _as_json(inspection)}))


def write_whole(folder: Path, files: Mapping[str, bytes]) -> None:
    """Files by their names, each of which is there as a whole or not at all, in this order. Raises OSError."""
    unfinished = {name: folder / f".{name}.part" for name in files}
    try:
        for name, data in files.items():
            _write(unfinished[name], data)
        for name, path in unfinished.items():
            path.replace(folder / name)
        _wait_for_disk(folder)
    except OSError:
        for path in unfinished.values():
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise


def _named(inspection: Inspection, files: Mapping[Part, bytes]) -> dict[str, bytes]:
    return {name_of(inspection.id, inspection.outcome, part): data for part, data in files.items()}


def _as_json(inspection: Inspection) -> bytes:
    return inspection.model_dump_json(indent=1).encode()


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, FILE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(handle)


def _made(folder: Path, inspection: Inspection) -> Path:
    """The folder of its day; of a new one the disk holds the name as well."""
    path = Day(date_of(inspection.id), inspection.station).path(folder)
    if not path.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        for each in (folder, path.parent, path):
            each.mkdir(FOLDER_MODE, exist_ok=True)
        _wait_for_disk(path.parent)
    return path


def _wait_for_disk(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
