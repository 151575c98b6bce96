import cv2
import numpy as np
import pytest

from inspector.errors import FrameError
from inspector.inspection import Reason
from inspector.pictures import SUFFIXES, decode_picture, read_picture, resize, to_rgb

LOSSY = {".jpg", ".jpeg", ".webp"}


def scene(height=40, width=60):
    """Smooth, so that lossy formats keep it, with a red that is not blue."""
    rows, columns = np.mgrid[0:height, 0:width]
    rgb = np.stack([200 + rows, 100 + columns, 20 + rows // 2], axis=-1)
    return np.clip(rgb, 0, 255).astype(np.uint8)


def encode(suffix, picture=None, options=()):
    bgr = cv2.cvtColor(scene() if picture is None else picture, cv2.COLOR_RGB2BGR)
    return cv2.imencode(suffix, bgr, list(options))[1].tobytes()


@pytest.fixture
def write(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


@pytest.mark.parametrize("suffix", sorted(SUFFIXES))
def test_every_suffix_is_read_as_rgb(write, suffix):
    pixels = read_picture(write(f"part{suffix}", encode(suffix)))

    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    np.testing.assert_allclose(pixels.astype(int), scene(), atol=8 if suffix in LOSSY else 0)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(lambda grey: grey, id="grey"),
        pytest.param(lambda grey: grey.astype(np.uint16) * 257, id="grey 16 bit"),
        pytest.param(lambda grey: np.dstack([grey] * 3).astype(np.uint16) * 257, id="colour 16 bit"),
        pytest.param(lambda grey: np.dstack([grey] * 3 + [np.full_like(grey, 255)]), id="alpha"),
    ],
)
def test_other_depths_and_channels_become_rgb_bytes(write, suffix, stored):
    grey = scene()[..., 0]
    path = write(f"part{suffix}", cv2.imencode(suffix, stored(grey))[1].tobytes())

    np.testing.assert_array_equal(read_picture(path), np.dstack([grey] * 3))


ENCODINGS = {
    "png": (".png", ()),
    "bmp": (".bmp", ()),
    "tiff": (".tiff", ()),
    "tiff raw": (".tiff", (cv2.IMWRITE_TIFF_COMPRESSION, 1)),
    "webp": (".webp", ()),
    "jpeg": (".jpg", ()),
    "jpeg progressive": (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
    "jpeg restarts": (".jpg", (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_truncated_picture_passes_for_a_whole_one(write, encoding):
    suffix, options = ENCODINGS[encoding]
    whole = encode(suffix, options=options)
    lengths = {*np.linspace(0, len(whole) - 1, 40, dtype=int).tolist(), *range(len(whole) - 4, len(whole))}

    for length in sorted(lengths):
        path = write(f"{length}{suffix}", whole[:length])
        with pytest.raises(FrameError):
            read_picture(path)


@pytest.mark.parametrize("encoding", ["png", "jpeg", "jpeg progressive"])
def test_a_picture_whose_rest_was_only_reserved_does_not_pass(write, encoding):
    suffix, options = ENCODINGS[encoding]
    whole = encode(suffix, options=options)
    half = len(whole) // 2

    with pytest.raises(FrameError, match="truncated"):
        read_picture(write(f"part{suffix}", whole[:half] + bytes(len(whole) - half)))


def segment(marker, payload):
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2) + payload


class TestJpegMarkers:
    JPEG = encode(".jpg")

    def test_the_end_of_a_thumbnail_is_not_the_end_of_the_picture(self, write):
        thumbnail = segment(0xE1, b"Exif\0\0" + encode(".jpg", scene(8, 8)))
        with_thumbnail = self.JPEG[:2] + thumbnail + self.JPEG[2:]

        assert read_picture(write("whole.jpg", with_thumbnail)).shape == (40, 60, 3)
        with pytest.raises(FrameError, match="truncated"):
            read_picture(write("cut.jpg", with_thumbnail[:-50]))

    def test_fill_bytes_before_a_marker_are_allowed(self, write):
        filled = self.JPEG[:2] + b"\xff\xff" + segment(0xFE, b"a comment") + b"\xff" + self.JPEG[2:]

        np.testing.assert_array_equal(
            read_picture(write("part.jpg", filled)), decode_picture(self.JPEG, write("x", b""))
        )

    def test_bytes_after_the_end_are_allowed(self, write):
        assert read_picture(write("part.jpg", self.JPEG + b"trailer of the camera")).shape == (40, 60, 3)


@pytest.mark.parametrize(
    ("data", "why"),
    [(b"", "empty"), (b"text", "not a picture"), (b"\xff\xd8", "truncated"), (encode(".png")[:30], "truncated")],
)
def test_the_error_names_file_part_and_reason(write, data, why):
    path = write("part 7.png", data)

    with pytest.raises(FrameError, match=why) as caught:
        read_picture(path)

    assert str(path) in str(caught.value)
    assert caught.value.part_id == "part 7"
    assert caught.value.reason == Reason.UNREADABLE_PICTURE


def test_a_missing_file_is_told_with_its_cause(tmp_path):
    with pytest.raises(FrameError, match="No such file") as caught:
        read_picture(tmp_path / "gone.png")

    assert isinstance(caught.value.__cause__, FileNotFoundError)


def test_a_folder_is_no_picture(tmp_path):
    with pytest.raises(FrameError, match="Is a directory"):
        read_picture(tmp_path)


def test_a_damaged_png_does_not_pass(write):
    damaged = bytearray(encode(".png"))
    damaged[len(damaged) // 2] ^= 0xFF

    with pytest.raises(FrameError):
        read_picture(write("part.png", bytes(damaged)))


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1)])
def test_grey_becomes_three_channels(shape):
    np.testing.assert_array_equal(to_rgb(np.full(shape, 7, np.uint8)), np.full((4, 6, 3), 7))


class TestResize:
    def test_the_right_size_is_left_alone(self):
        picture = scene()

        assert resize(picture, 40, 60) is picture

    @pytest.mark.parametrize(("height", "width"), [(20, 30), (80, 120), (20, 120), (1, 1)])
    def test_any_size_is_made(self, height, width):
        resized = resize(scene(), height, width)

        assert resized.shape == (height, width, 3)
        assert resized.dtype == np.uint8

    @pytest.mark.parametrize(("height", "width"), [(20, 30), (80, 120)])
    def test_a_buffer_takes_the_picture_without_a_copy(self, height, width):
        buffer = np.empty((1, height, width, 3), np.uint8)

        resized = resize(scene(), height, width, out=buffer[0])

        np.testing.assert_array_equal(buffer[0], resize(scene(), height, width))
        assert np.shares_memory(resized, buffer)

    def test_a_picture_of_the_right_size_is_not_copied_into_the_buffer(self):
        picture = scene()

        assert resize(picture, 40, 60, out=np.empty_like(picture)) is picture

    def test_shrinking_averages_areas(self):
        stripes = np.zeros((8, 8, 3), np.uint8)
        stripes[:, ::2] = 200

        assert np.unique(resize(stripes, 4, 4)).tolist() == [100]

    @pytest.mark.parametrize("size", [(64, 96), (80, 120), (81, 120), (400, 48), (47, 61)])
    def test_a_large_picture_is_averaged_as_one_step_would(self, size):
        """Each of the steps rounds once."""
        large = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8), (0, 0), 3)

        resized = resize(large, 10, 12)

        expected = cv2.resize(large, (12, 10), interpolation=cv2.INTER_AREA)
        assert np.abs(resized.astype(int) - expected).max() <= 4
        assert resized.mean() == pytest.approx(large.mean(), abs=1)

    @pytest.mark.parametrize("corner", [(0, 0), (0, -1), (-1, 0), (-1, -1)])
    def test_what_lies_at_the_border_is_not_lost(self, corner):
        picture = np.zeros((96, 128, 3), np.uint8)
        picture[corner] = 255

        assert resize(picture, 12, 16)[corner].min() > 0

    def test_enlarging_interpolates(self):
        step = np.zeros((2, 2, 3), np.uint8)
        step[:, 1] = 100

        assert np.unique(resize(step, 4, 4)).tolist() == [0, 25, 75, 100]
