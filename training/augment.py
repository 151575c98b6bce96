"""Changes that leave a part what it is: turned, moved, lit and coloured a little differently."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from inspector.inspection import Floats, Pixels
from inspector.settings import Settings

FULL_RANGE: Final = 255
"""Shares of brightness, noise and colour are shares of this: the span of a pixel's levels."""


class AugmentSettings(Settings):
    """How far a training picture may be changed each time that it is drawn; 0 or false leaves a change out.

    Covering a piece of the picture (cutout) is not offered: it may hide the very defect that the label names.
    """

    flip_horizontal: bool = True
    """Mirror left and right, every second time. Switch it off where the mirror image would be a defect (print)."""
    flip_vertical: bool = True
    """Mirror top and bottom, every second time."""
    rotate_degrees: float = Field(default=10.0, ge=0, le=180)
    """Turn about the centre by up to this angle either way, in degrees."""
    scale: float = Field(default=0.1, ge=0, le=1)
    """Enlarge by up to this share, or shrink by the inverse: 0.1 is from 1/1.1 to 1.1 times."""
    shift: float = Field(default=0.05, ge=0, le=0.5)
    """Move by up to this share of the width and of the height, either way."""
    brightness: float = Field(default=0.1, ge=0, le=1)
    """Lighten or darken by up to this share of the full range of 255 levels."""
    contrast: float = Field(default=0.1, ge=0, lt=1)
    """Spread the levels about the picture's mean by a factor from 1 - contrast to 1 + contrast."""
    pca_colour: float = Field(default=0.1, ge=0, le=10)
    """Standard deviation of the random factors along the principal colours of the training pictures; 0.1 is the
    published value. Sets of little colour need more to show an effect."""
    blur: float = Field(default=0.0, ge=0, le=10)
    """Gaussian blur of up to this standard deviation, in pixels of the model's input."""
    noise: float = Field(default=0.0, ge=0, le=1)
    """Gaussian noise of up to this standard deviation, as a share of the full range of 255 levels."""


@dataclass(frozen=True, slots=True)
class ColourPca:
    """The principal colours of the training pictures, of RGB values from 0 to 1.

    ``vectors``: (3, 3) float64, one eigenvector of the covariance a column; ``variances``: (3,) its eigenvalues.
    """

    vectors: NDArray[np.float64]
    variances: NDArray[np.float64]

    @classmethod
    def fit(cls, pictures: Iterable[Pixels]) -> Self:
        """From all pixels of pictures of any size, (height, width, 3) uint8 each. Raises ValueError without a pixel."""
        count, total, products = 0, np.zeros(3), np.zeros((3, 3))
        for picture in pictures:
            values = picture.reshape(-1, 3) / FULL_RANGE
            count += len(values)
            total += values.sum(axis=0)
            products += values.T @ values
        if not count:
            raise ValueError("principal colours need at least one picture")
        mean = total / count
        variances, vectors = np.linalg.eigh(products / count - np.outer(mean, mean))
        return cls(vectors=vectors, variances=variances.clip(min=0))

    def shift(self, factors: NDArray[np.float64]) -> NDArray[np.float64]:
        """What to add to each pixel's RGB, from 0 to 255: [p1, p2, p3] [a1 l1, a2 l2, a3 l3]^T for factors a.

        Krizhevsky et al. 2012, section 4.1. The paper leaves the scale of the values open; eigenvalues of values
        from 0 to 1, as in the implementations in use, give shifts of a few levels at its factor of 0.1.
        """
        return FULL_RANGE * self.vectors @ (factors * self.variances)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """One random change of a picture. The same generator state gives the same change to the last bit."""

    settings: AugmentSettings
    colours: ColourPca

    def __call__(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """(height, width, 3) uint8 RGB to the same shape and type; ``pixels`` itself is left as it is."""
        return self._noisy(self._blurred(self._coloured(self._warped(pixels, rng), rng), rng), rng)

    def _warped(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        matrix = self._warp_matrix(height, width, rng)
        if np.array_equal(matrix, np.eye(2, 3)):
            return pixels
        # A mirrored border shows more of the part; a black one would be an edge that no camera sees.
        warped = cv2.warpAffine(
            pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        return warped.astype(np.uint8, copy=False)

    def _warp_matrix(self, height: int, width: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Flip, then turn and scale about the centre, then shift: (2, 3), from old to new (x, y)."""
        settings = self.settings
        flips = rng.random(2) < 0.5
        mirror = np.where(flips & [settings.flip_horizontal, settings.flip_vertical], -1.0, 1.0)
        angle = np.radians(_either_way(settings.rotate_degrees, rng))
        zoom = (1 + settings.scale) ** _either_way(1, rng)
        cos, sin = zoom * np.cos(angle), zoom * np.sin(angle)
        linear = np.array([[cos, -sin], [sin, cos]]) * mirror
        centre = np.array([width - 1, height - 1]) / 2
        offset = rng.uniform(-1, 1, size=2) * settings.shift * (width, height)
        return np.column_stack([linear, centre + offset - linear @ centre])

    def _coloured(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        """Contrast, brightness and principal colours at once, as one table of 256 levels a channel."""
        contrast = _either_way(self.settings.contrast, rng)
        brightness = FULL_RANGE * _either_way(self.settings.brightness, rng)
        colour = self.colours.shift(rng.normal(0, self.settings.pca_colour, size=3))
        levels = np.arange(256)[:, np.newaxis]
        table = levels + contrast * (levels - pixels.mean()) + brightness + colour
        return cv2.LUT(pixels, _levels(table)[np.newaxis]).astype(np.uint8, copy=False)

    def _blurred(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        sigma = rng.uniform(0, self.settings.blur)
        if not sigma:
            return pixels
        return cv2.GaussianBlur(pixels, (0, 0), sigmaX=sigma).astype(np.uint8, copy=False)

    def _noisy(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        sigma = FULL_RANGE * rng.uniform(0, self.settings.noise)
        if not sigma:
            return pixels
        noise: Floats = rng.standard_normal(pixels.shape, dtype=np.float32)
        return _levels(pixels + np.float32(sigma) * noise)


def _either_way(limit: float, rng: np.random.Generator) -> float:
    return rng.uniform(-limit, limit)


def _levels(values: NDArray[np.floating]) -> Pixels:
    levels: Pixels = np.rint(values).clip(0, FULL_RANGE).astype(np.uint8)
    return levels
