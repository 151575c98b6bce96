"""What industrial cameras send, as RGB: grey, Bayer, colour and YUV, plain and packed.

Formats are known by their code, which is the same whoever speaks to the camera (EMVA, Pixel Format Naming Convention;
the Packed ones are GigE Vision's own). Of samples deeper than 8 bits the upper 8 are kept: it is what networks take.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.errors import CameraError, FrameError
from inspector.inspection import Pixels, Reason

CODES: Final = {
    "Mono8": 0x01080001, "Mono10": 0x01100003, "Mono12": 0x01100005, "Mono14": 0x01100025, "Mono16": 0x01100007,
    "Mono10p": 0x010A0046, "Mono12p": 0x010C0047, "Mono10Packed": 0x010C0004, "Mono12Packed": 0x010C0006,
    "BayerGR8": 0x01080008, "BayerRG8": 0x01080009, "BayerGB8": 0x0108000A, "BayerBG8": 0x0108000B,
    "BayerGR10": 0x0110000C, "BayerRG10": 0x0110000D, "BayerGB10": 0x0110000E, "BayerBG10": 0x0110000F,
    "BayerGR12": 0x01100010, "BayerRG12": 0x01100011, "BayerGB12": 0x01100012, "BayerBG12": 0x01100013,
    "BayerGR16": 0x0110002E, "BayerRG16": 0x0110002F, "BayerGB16": 0x01100030, "BayerBG16": 0x01100031,
    "BayerGR10p": 0x010A0056, "BayerRG10p": 0x010A0058, "BayerGB10p": 0x010A0054, "BayerBG10p": 0x010A0052,
    "BayerGR12p": 0x010C0057, "BayerRG12p": 0x010C0059, "BayerGB12p": 0x010C0055, "BayerBG12p": 0x010C0053,
    "BayerGR10Packed": 0x010C0026, "BayerRG10Packed": 0x010C0027, "BayerGB10Packed": 0x010C0028,
    "BayerBG10Packed": 0x010C0029, "BayerGR12Packed": 0x010C002A, "BayerRG12Packed": 0x010C002B,
    "BayerGB12Packed": 0x010C002C, "BayerBG12Packed": 0x010C002D,
    "RGB8": 0x02180014, "BGR8": 0x02180015, "RGBa8": 0x02200016, "BGRa8": 0x02200017,
    "YUV422_8": 0x02100032, "YUV422_8_UYVY": 0x0210001F,
    "YCbCr422_8": 0x0210003B, "YCbCr422_8_CbYCrY": 0x02100043,
}  # fmt: skip
"""By name. A camera may call them otherwise: YUV422Packed is 0x0210001F too."""

NAMES: Final = {code: name for name, code in CODES.items()}

Bytes = NDArray[np.uint8]

TO_RGB: Final = {
    "Mono": (1, cv2.COLOR_GRAY2RGB),
    "BayerRG": (1, cv2.COLOR_BayerRGGB2RGB),
    "BayerGR": (1, cv2.COLOR_BayerGRBG2RGB),
    "BayerGB": (1, cv2.COLOR_BayerGBRG2RGB),
    "BayerBG": (1, cv2.COLOR_BayerBGGR2RGB),
    "YUV": (2, cv2.COLOR_YCrCb2RGB),
    "YCbCr": (2, cv2.COLOR_YCrCb2RGB),
    "RGB": (3, None),
    "BGR": (3, cv2.COLOR_BGR2RGB),
    "RGBa": (4, cv2.COLOR_RGBA2RGB),
    "BGRa": (4, cv2.COLOR_BGRA2RGB),
}
"""By family: samples of a pixel, and OpenCV's conversion, bilinear where a Bayer filter leaves colours out."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A picture as it lies in a buffer: the code of its format, its size, and unused bytes after each row."""

    code: int
    height: int
    width: int
    padding: int = 0


def rgb_of(data: Bytes, grid: Grid, out: Pixels | None = None) -> Pixels:
    """The bytes of a buffer as (height, width, 3) RGB in ``out``, or in an array of their own.

    Raises CameraError for a format that is not known here, FrameError when there are too few bytes.
    """
    name = NAMES.get(grid.code)
    if name is None:
        known = ", ".join(CODES)
        raise CameraError(f"sends pixel format 0x{grid.code:08X}; set PixelFormat to one of {known}")
    family, bits, packing = _parts(name)
    channels, code = TO_RGB[family]
    count = grid.height * grid.width * channels
    samples = UPPER_BITS[packing](_without_padding(data, grid), bits)[:count].reshape(grid.height, grid.width, channels)
    out = np.empty((grid.height, grid.width, 3), np.uint8) if out is None else out
    if code is None:
        np.copyto(out, samples)
    else:
        cv2.cvtColor(_full_chroma(samples, name) if channels == 2 else samples, code, dst=out)
    return out


def _parts(name: str) -> tuple[str, int, str]:
    """Family, bits of a sample, and how samples are packed."""
    family, bits, packing = re.findall(r"^(\D+)(?:422_)?(8|10|12|14|16)(p|Packed)?", name)[0]
    return family, int(bits), packing


def _without_padding(data: Bytes, grid: Grid) -> Bytes:
    pixel_bits = grid.code >> 16 & 0xFF
    if not grid.padding:
        return _whole(data, math.ceil(grid.height * grid.width * pixel_bits / 8))
    row = math.ceil(grid.width * pixel_bits / 8)
    padded = _whole(data, grid.height * (row + grid.padding)).reshape(grid.height, -1)
    return padded[:, :row].reshape(-1)


def _whole(data: Bytes, total: int) -> Bytes:
    if len(data) < total:
        raise FrameError(f"{len(data)} bytes came of {total}", reason=Reason.INCOMPLETE_FRAME)
    return data[:total]


def _plain(data: Bytes, bits: int) -> Bytes:
    """A sample in each byte, or in the lower bits of each two, little-endian."""
    return data if bits == 8 else (data.view("<u2") >> (bits - 8)).astype(np.uint8)


def _packed(data: Bytes, bits: int) -> Bytes:  # noqa: ARG001 - its siblings need them
    """GigE Vision: two samples in three bytes, the lower bits of both in the middle one."""
    return _groups(data, 3)[:, ::2].reshape(-1)


def _bitstream(data: Bytes, bits: int) -> Bytes:
    """One sample after the other without a gap, the lowest bit first."""
    count = 8 // math.gcd(bits, 8)  # samples after which one begins with a byte again
    groups = _groups(data, bits * count // 8)
    samples = np.empty((len(groups), count), np.uint8)
    for number in range(count):
        byte, shift = divmod((number + 1) * bits - 8, 8)
        samples[:, number] = groups[:, byte] >> shift
        if shift:
            samples[:, number] |= groups[:, byte + 1] << (8 - shift)
    return samples.reshape(-1)


def _groups(data: Bytes, size: int) -> Bytes:
    """(n, size); a picture need not end where a group does."""
    lacking = -len(data) % size
    return (np.pad(data, (0, lacking)) if lacking else data).reshape(-1, size)


UPPER_BITS: Final[dict[str, Callable[[Bytes, int], Bytes]]] = {"": _plain, "Packed": _packed, "p": _bitstream}
"""The upper 8 bits of each sample, by how samples are packed."""


def _full_chroma(samples: Bytes, name: str) -> Bytes:
    """(h, w, 2) with one pair of chroma for two pixels to (h, w, 3) Y, Cr, Cb, all of the full range, as PFNC has it.

    OpenCV's own conversion would take the range of television, and give darker blacks and brighter whites.
    """
    chroma_first = name.endswith(("UYVY", "CbYCrY"))
    chroma = samples[..., 0 if chroma_first else 1]
    full = np.empty((*samples.shape[:2], 3), np.uint8)
    full[..., 0] = samples[..., 1 if chroma_first else 0]
    full[..., 1] = chroma[:, 1::2].repeat(2, axis=1)
    full[..., 2] = chroma[:, ::2].repeat(2, axis=1)
    return full
