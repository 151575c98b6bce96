"""Draws what a camera over a packing line sees: trays of biscuits on a belt, some of them with a defect.

Everything follows from the seed and the number of the part, in whatever order parts are asked for. The product is the
same for every seed: what one seed trains, another can test.
"""

from collections.abc import Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.cameras.simulated_defects import DEFECTS, MISSING_PART, Rng
from inspector.inspection import Floats, Pixels

GOOD: Final = "good"

ROWS, COLUMNS = 2, 3
SPRITES: Final = 12
"""Biscuits that differ from each other, besides their turns by quarters."""

UNIT: Final = 480
"""Heights and widths below are of a picture of so many rows."""

PRODUCT_SEED: Final = 1972

TRAY, WELL, RIM = (214, 217, 212), (176, 180, 176), (238, 240, 236)


class Line:
    """Parts by number.

    ``shares``: of all parts, by type of defect. ``light``: how far the lamp wanders from its mean, as a share of it.
    """

    def __init__(self, height: int, width: int, seed: int, shares: Mapping[str, float], light: float) -> None:
        rng = np.random.default_rng(PRODUCT_SEED)
        self._height, self._width = height, width
        self._seed = seed
        self._shares = dict(shares)
        self._light = light
        self._scale = height / UNIT
        self._diameter = int(0.82 * min(height / (ROWS + 0.6), width / (COLUMNS + 0.6)))
        self._sprites = [_biscuit(self._diameter, rng) for _ in range(SPRITES)]
        self._disc = _disc(self._diameter)
        self._belt = _belt(height, width, rng)
        self._tray, self._tray_mask = self._empty_tray()
        self._vignette = _vignette(height, width)
        self._noise = rng.normal(0, 2.2, (height + 64, width + 64, 3)).astype(np.float32)

    def truth(self, number: int) -> str:
        """What the part is: ``good``, or the type of its defect."""
        drawn = np.random.default_rng((self._seed, number, 0)).random()
        for name, share in self._shares.items():
            if drawn < share:
                return name
            drawn -= share
        return GOOD

    def picture(self, number: int) -> Pixels:
        """The part as the camera sees it, (height, width, 3) RGB."""
        rng = np.random.default_rng((self._seed, number, 1))
        part = self._part(rng)
        self._spoil(part, self.truth(number), np.random.default_rng((self._seed, number, 2)))
        seen = self._placed(part, number, rng)
        lamp = 1 + self._light * (0.7 * np.sin(number / 90) + 0.3 * rng.uniform(-1, 1))
        y, x = rng.integers(0, 64, 2)
        noise = self._noise[y : y + self._height, x : x + self._width]
        return (seen * (np.float32(lamp) * self._vignette) + noise).clip(0, 255).astype(np.uint8)

    def _part(self, rng: Rng) -> Pixels:
        part = self._tray.copy()
        for place in range(ROWS * COLUMNS):
            self._lay(part, place, rng)
        return part

    def _spoil(self, part: Pixels, truth: str, rng: Rng) -> None:
        centre, radius = self._centre(int(rng.integers(ROWS * COLUMNS))), self._diameter / 2
        if truth == MISSING_PART:
            (left, top), (right, bottom) = (centre - 1.1 * radius).astype(int), (centre + 1.1 * radius).astype(int)
            part[top:bottom, left:right] = self._tray[top:bottom, left:right]
        elif truth in DEFECTS:
            DEFECTS[truth](part, centre, radius, self._scale, rng)

    def _lay(self, part: Pixels, place: int, rng: Rng) -> None:
        """A biscuit into its well, a little off its middle."""
        sprite = np.rot90(self._sprites[rng.integers(SPRITES)], int(rng.integers(4)))
        tone = rng.uniform(0.95, 1.05)
        centre = self._centre(place) + rng.uniform(-2.5, 2.5, 2) * self._scale
        x, y = (centre - self._diameter / 2).astype(int)
        under = part[y : y + self._diameter, x : x + self._diameter]
        under[:] = (under * (1 - self._disc) + sprite * tone * self._disc).clip(0, 255)

    def _centre(self, place: int) -> NDArray[np.float64]:
        row, column = divmod(place, COLUMNS)
        pitch = self._diameter / 0.82
        offset = np.array([column - (COLUMNS - 1) / 2, row - (ROWS - 1) / 2])
        return np.array([self._width / 2, self._height / 2]) + pitch * offset

    def _empty_tray(self) -> tuple[Pixels, Floats]:
        tray = np.zeros((self._height, self._width, 3), np.uint8)
        mask = np.zeros((self._height, self._width, 1), np.float32)
        pitch, middle = self._diameter / 0.82, np.array([self._width / 2, self._height / 2])
        half = np.array([COLUMNS, ROWS]) * pitch / 2 + 0.1 * pitch
        for grown, colour in ((0.0, RIM), (-0.04, TRAY)):
            corners = np.array([middle - half - grown * pitch, middle + half + grown * pitch]).astype(int)
            _rounded(tray, corners, int(0.15 * pitch), colour)
        _rounded(mask, np.array([middle - half, middle + half]).astype(int), int(0.15 * pitch), (1.0,))
        for place in range(ROWS * COLUMNS):
            x, y = self._centre(place).astype(int).tolist()
            cv2.circle(tray, (x, y), int(0.47 * pitch), WELL, -1, cv2.LINE_AA)
            cv2.circle(tray, (x, y), int(0.47 * pitch), RIM, max(1, int(1.5 * self._scale)), cv2.LINE_AA)
        return tray, mask

    def _placed(self, part: Pixels, number: int, rng: Rng) -> Floats:
        """On the belt, a little shifted and turned, with its shadow."""
        turn = cv2.getRotationMatrix2D((self._width / 2, self._height / 2), float(rng.uniform(-1.2, 1.2)), 1.0)
        turn[:, 2] = turn[:, 2] + rng.uniform(-5, 5, 2) * self._scale
        size = (self._width, self._height)
        mask = cv2.warpAffine(self._tray_mask, turn, size)[..., None]
        turned = cv2.warpAffine(part, turn, size)
        belt = np.roll(self._belt, 37 * number, axis=1)
        offset = int(7 * self._scale)
        shade = 1 - 0.45 * np.roll(cv2.blur(mask, (2 * offset + 1, 2 * offset + 1)), offset, (0, 1))[..., None]
        return belt * shade * (1 - mask) + turned * mask


def _biscuit(diameter: int, rng: Rng) -> Floats:
    y, x = np.mgrid[-1 : 1 : diameter * 1j, -1 : 1 : diameter * 1j]
    radius = np.hypot(x, y)
    baked = 1 - 0.28 * radius**6 + 0.05 * (1 - x - y) * (radius < 1)
    grain = 0.05 * _texture(diameter, diameter, 3, rng) + 0.05 * _texture(diameter, diameter, 12, rng)
    colour = np.array([218, 168, 98]) * rng.uniform(0.97, 1.03, 3)
    biscuit: Floats = ((baked + grain)[..., None] * colour).astype(np.float32)
    for angle in np.arange(7) * 2 * np.pi / 6:
        distance = 0.5 * (angle < 6) * diameter / 2
        hole = (diameter / 2 + distance * np.array([np.cos(angle), np.sin(angle)])).astype(int).tolist()
        cv2.circle(biscuit, hole, max(1, diameter // 28), (128, 88, 44), -1, cv2.LINE_AA)
    return biscuit


def _disc(diameter: int) -> Floats:
    """1 inside, 0 outside, an edge of a few pixels between them."""
    y, x = np.mgrid[-1 : 1 : diameter * 1j, -1 : 1 : diameter * 1j]
    inside: Floats = ((0.97 - np.hypot(x, y)) * diameter / 4).clip(0, 1).astype(np.float32)
    return inside[..., None]


def _belt(height: int, width: int, rng: Rng) -> Floats:
    """A woven one, whose left and right edges fit."""
    y, x = np.mgrid[:height, :width]
    weave = 4 * np.sin(2 * np.pi * x / 8) * np.sin(2 * np.pi * y / 8)
    wear = 5 * _texture(height, width, 20, rng)
    belt: Floats = (np.array([56, 66, 78]) + (weave + wear)[..., None]).astype(np.float32)
    return belt


def _texture(height: int, width: int, grain: int, rng: Rng) -> Floats:
    """Noise of variance 1 with spots of about ``grain`` pixels."""
    noise = cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), grain / 2)
    texture: Floats = (noise / noise.std()).astype(np.float32)
    return texture


def _vignette(height: int, width: int) -> Floats:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    light: Floats = (1.04 - 0.14 * (x**2 + y**2)).astype(np.float32)
    return light[..., None]


def _rounded(picture: Pixels | Floats, corners: NDArray[np.int_], radius: int, colour: tuple[float, ...]) -> None:
    (left, top), (right, bottom) = corners.tolist()
    cv2.rectangle(picture, (left + radius, top), (right - radius, bottom), colour, -1)
    cv2.rectangle(picture, (left, top + radius), (right, bottom - radius), colour, -1)
    for x in (left + radius, right - radius):
        for y in (top + radius, bottom - radius):
            cv2.circle(picture, (x, y), radius, colour, -1, cv2.LINE_AA)
