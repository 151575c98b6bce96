"""Reading a picture file without being deceived, and bringing a picture to the model's input size."""

import os
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.errors import FrameError
from inspector.inspection import Pixels, Reason

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
"""File name endings that are taken for pictures, in lower case."""

JPEG_START, JPEG_END, JPEG_SCAN, JPEG_FILL = b"\xff\xd8", b"\xff\xd9", 0xDA, 0xFF
PNG_START, PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"


def read_picture(path: Path) -> Pixels:
    """The picture in ``path``, (height, width, 3) uint8 RGB, whatever its depth or number of channels.

    Raises FrameError when the file is missing, empty, truncated or no picture. OpenCV alone would fill the missing
    part of a truncated JPEG with grey and say nothing.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    return decode_picture(data, path)


def decode_picture(data: bytes, path: Path) -> Pixels:
    """The same for the bytes of a file; ``path`` is only for the message."""
    if not data:
        raise _unreadable(path, "the file is empty")
    if _is_truncated(data):
        raise _unreadable(path, "the file is truncated")
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise _unreadable(path, f"OpenCV cannot decode it ({error.err})") from error
    if bgr is None:
        raise _unreadable(path, "not a picture, or of a kind that OpenCV cannot read")
    return to_rgb(bgr)


def to_rgb(pixels: NDArray[Any]) -> Pixels:
    """OpenCV's uint8 pixels, BGR or grey, as (height, width, 3) RGB in an array of their own."""
    is_grey = pixels.ndim == 2 or pixels.shape[2] == 1
    code = cv2.COLOR_GRAY2RGB if is_grey else cv2.COLOR_BGR2RGB
    return cv2.cvtColor(pixels, code).astype(np.uint8, copy=False)


def resize(pixels: Pixels, height: int, width: int, out: Pixels | None = None) -> Pixels:
    """The picture at the model's input size: area averaging to shrink, linear interpolation to enlarge.

    The picture itself where it has that size; else ``out``, (height, width, 3) and C-contiguous, or a new array.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    shrinks = pixels.shape[0] >= height and pixels.shape[1] >= width
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    nearer = _halved(pixels, height, width)
    return cv2.resize(nearer, (width, height), dst=out, interpolation=interpolation).astype(np.uint8, copy=False)


def shrunk(pixels: Pixels, longest: int) -> Pixels:
    """The picture in its own shape with a longer side of at most so many pixels; a small one as it is."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    return resize(pixels, max(1, round(scale * height)), max(1, round(scale * width)))


def _halved(pixels: Pixels, height: int, width: int) -> Pixels:
    """The picture at a half, a quarter … of its size: no smaller than asked for, and while no row is left over.

    Means of two by two pixels are OpenCV's quick path: a picture of twelve megapixels takes a tenth of the time.
    """
    rows, columns = pixels.shape[:2]
    while rows % 2 == columns % 2 == 0 and rows >= 2 * height and columns >= 2 * width:
        rows, columns = rows // 2, columns // 2
        pixels = cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return pixels


def part_id_of(path: Path) -> str:
    r"""The name of a part's picture without its ending, with bytes that are not UTF-8 as ``\xff``, as JSON needs."""
    return os.fsencode(path.stem).decode("utf-8", "backslashreplace")


def encode_png(pixels: Pixels) -> bytes:
    """The picture as a PNG file, without loss. Raises FrameError for a size that such a file cannot have."""
    return _encode(pixels, ".png", [])


def encode_jpeg(pixels: Pixels, quality: int) -> bytes:
    """The picture as a JPEG file; ``quality`` from 1 to 100. Raises FrameError as well."""
    return _encode(pixels, ".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])


def _encode(pixels: Pixels, suffix: str, options: list[int]) -> bytes:
    done, data = cv2.imencode(suffix, cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), options)
    if not done:
        why = f"no {suffix} file can be made of a picture of {pixels.shape[1]} x {pixels.shape[0]}"
        raise FrameError(why, reason=Reason.UNREADABLE_PICTURE)
    return data.tobytes()


def _unreadable(path: Path, why: str) -> FrameError:
    return FrameError(f"{path}: {why}", reason=Reason.UNREADABLE_PICTURE, part_id=part_id_of(path))


def _is_truncated(data: bytes) -> bool:
    if data.startswith(JPEG_START):
        return data.find(JPEG_END, _jpeg_scan_offset(data)) < 0
    if data.startswith(PNG_START):
        return PNG_END not in data
    return False


def _jpeg_scan_offset(data: bytes) -> int:
    """Where the entropy-coded data begins: an end marker before it belongs to an embedded thumbnail.

    Walks the marker segments, each two bytes of marker and two of length (ITU-T T.81, annex B.1.1).
    """
    offset = len(JPEG_START)
    while offset + 4 <= len(data) and data[offset] == JPEG_FILL:
        marker, length = data[offset + 1], int.from_bytes(data[offset + 2 : offset + 4])
        # Any marker may have fill bytes before it.
        offset += 1 if marker == JPEG_FILL else 2 + length
        if marker == JPEG_SCAN:
            return offset
    return len(data)
