"""Each format against what obvious loops over its bits say."""

import importlib.util
import re

import numpy as np
import pytest

from inspector.cameras.pixel_formats import CODES, Grid, rgb_of
from inspector.errors import CameraError, FrameError
from inspector.inspection import Reason
from tests.requirements import needs

HEIGHT, WIDTH = 6, 10


def samples(name, height=HEIGHT, width=WIDTH):
    """Random samples of the format's depth."""
    bits = int(re.search(r"(8|10|12|14|16)(p|Packed)?$", name)[1])
    return np.random.default_rng(7).integers(0, 2**bits, (height, width)), bits


def buffer(values, bits, packing):
    """The samples as a camera sends them, written bit by bit."""
    flat = values.reshape(-1).tolist()
    if bits == 8:
        return np.array(flat, np.uint8)
    if packing == "p":
        stream = "".join(f"{value:0{bits}b}"[::-1] for value in flat)
        stream += "0" * (-len(stream) % 8)
        return np.array([int(stream[start : start + 8][::-1], 2) for start in range(0, len(stream), 8)], np.uint8)
    if packing == "Packed":
        low = 2 ** (bits - 8) - 1
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return np.array(
            [byte for a, b in pairs for byte in (a >> bits - 8, (b & low) << 4 | a & low, b >> bits - 8)], np.uint8
        )
    return np.array([byte for value in flat for byte in (value & 0xFF, value >> 8)], np.uint8)


def read(name, data, height=HEIGHT, width=WIDTH, padding=0):
    return rgb_of(data, Grid(CODES[name], height, width, padding))


def packing_of(name):
    return re.search(r"\d(p|Packed|)$", name)[1]


MONO = [name for name in CODES if name.startswith("Mono")]
BAYER = [name for name in CODES if name.startswith("Bayer")]


@pytest.mark.parametrize("name", MONO)
def test_grey_is_the_upper_eight_bits_of_each_sample(name):
    values, bits = samples(name)

    rgb = read(name, buffer(values, bits, packing_of(name)))

    assert rgb.tolist() == np.stack([values >> bits - 8] * 3, axis=-1).tolist()


@pytest.mark.parametrize("name", ["Mono10p", "Mono12p"])
def test_a_bitstream_may_end_within_a_byte(name):
    values, bits = samples(name, 3, 3)

    rgb = read(name, buffer(values, bits, "p"), 3, 3)

    assert rgb[..., 0].tolist() == (values >> bits - 8).tolist()


def bilinear(values, first_row):
    """The mean of the nearest samples of each colour, at every place that has all its neighbours."""
    rows = (first_row, second_row(first_row))
    rgb = np.zeros((HEIGHT - 2, WIDTH - 2, 3))
    for y in range(1, HEIGHT - 1):
        for x in range(1, WIDTH - 1):
            for channel, wanted in enumerate("RGB"):
                near = [
                    (abs(dy) + abs(dx), values[y + dy, x + dx])
                    for dy in (-1, 0, 1)
                    for dx in (-1, 0, 1)
                    if rows[(y + dy) % 2][(x + dx) % 2] == wanted
                ]
                nearest = min(distance for distance, _ in near)
                rgb[y - 1, x - 1, channel] = np.mean([value for distance, value in near if distance == nearest])
    return rgb


def second_row(first_row):
    """A Bayer filter has green on one diagonal, red and blue on the other."""
    other = {"R": "B", "B": "R"}
    return "".join("G" if each != "G" else other[first_row.replace("G", "")] for each in first_row)


@pytest.mark.parametrize("name", BAYER)
def test_bayer_fills_in_the_mean_of_the_nearest(name):
    values, bits = samples(name)

    rgb = read(name, buffer(values, bits, packing_of(name)))

    np.testing.assert_allclose(rgb[1:-1, 1:-1], bilinear(values >> bits - 8, name[5:7]), atol=0.51)


@pytest.mark.parametrize("name", ["RGB8", "BGR8", "RGBa8", "BGRa8"])
def test_colours_come_in_the_order_of_the_name(name):
    order = name.removesuffix("8")
    colour = {"R": 200, "G": 100, "B": 50, "a": 7}

    rgb = read(name, np.array([colour[each] for each in order] * HEIGHT * WIDTH, np.uint8))

    assert rgb.tolist() == [[[200, 100, 50]] * WIDTH] * HEIGHT


@pytest.mark.parametrize(
    ("name", "order"),
    [("YUV422_8", "YUYV"), ("YUV422_8_UYVY", "UYVY"), ("YCbCr422_8", "YUYV"), ("YCbCr422_8_CbYCrY", "UYVY")],
)
def test_chroma_of_two_pixels_and_full_range(name, order):
    values, _ = samples("Mono8", HEIGHT, 2 * WIDTH)
    expected = []
    for row in values.reshape(HEIGHT, -1, 4):
        for pair in row.tolist():
            u, v = pair[order.index("U")] - 128, pair[order.index("V")] - 128
            lumas = [value for value, what in zip(pair, order, strict=True) if what == "Y"]
            expected += [(y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u) for y in lumas]

    rgb = read(name, buffer(values, 8, ""))

    np.testing.assert_allclose(rgb.reshape(-1, 3), np.clip(expected, 0, 255), atol=1.01)


@pytest.mark.parametrize("name", ["Mono8", "Mono12", "BayerRG8", "RGB8", "Mono12Packed"])
def test_bytes_after_each_row_are_left_out(name):
    bytes_a_row = WIDTH * (CODES[name] >> 16 & 0xFF) // 8
    data = np.random.default_rng(1).integers(0, 256, (HEIGHT, bytes_a_row), np.uint8)
    padded = np.pad(data, ((0, 0), (0, 4)), constant_values=255)

    assert read(name, padded.reshape(-1), padding=4).tolist() == read(name, data.reshape(-1)).tolist()


@pytest.mark.parametrize("name", CODES)
def test_too_few_bytes_are_an_incomplete_frame(name):
    total = -(-HEIGHT * WIDTH * (CODES[name] >> 16 & 0xFF) // 8)
    data = np.zeros(total, np.uint8)

    assert read(name, data).shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(FrameError, match=f"{total - 1} bytes came of {total}") as caught:
        read(name, data[:-1])
    assert caught.value.reason == Reason.INCOMPLETE_FRAME


def test_a_format_that_is_not_known_says_which_are():
    with pytest.raises(CameraError, match="0x80000042; set PixelFormat to one of Mono8"):
        rgb_of(np.zeros(10, np.uint8), Grid(0x80000042, 1, 1))


def test_the_picture_goes_where_it_is_asked_to_and_the_buffer_stays_its_own():
    data = np.arange(HEIGHT * WIDTH * 3, dtype=np.uint8)
    data.flags.writeable = False
    out = np.zeros((HEIGHT, WIDTH, 3), np.uint8)

    for name in ("RGB8", "BGR8", "Mono8", "BayerRG8"):
        assert rgb_of(data, Grid(CODES[name], HEIGHT, WIDTH), out) is out
        assert out.any()
        assert not np.shares_memory(read(name, data), data)
        out[:] = 0


def test_the_codes_are_those_of_the_standard():
    needs(importlib.util.find_spec("harvesters"), "harvesters (pip install 'line-inspector[genicam]')")
    from harvesters.util.pfnc import dict_by_names  # noqa: PLC0415 - an extra

    assert {name: dict_by_names[name] for name in CODES} == CODES
