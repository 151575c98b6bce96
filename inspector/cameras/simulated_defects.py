"""The defects of the simulated line, each drawn onto one biscuit of a tray."""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from inspector.inspection import Pixels

STEEL, HIGHLIGHT, SHADOW = (196, 201, 207), (252, 253, 255), (46, 38, 30)

MISSING_PART: Final = "missing_part"

Rng = np.random.Generator

Draw = Callable[[Pixels, NDArray[np.float64], float, float, Rng], None]
"""A defect onto a part, near a well's centre and within its radius, at a scale, both in pixels."""


def _somewhere(centre: NDArray[np.float64], radius: float, rng: Rng) -> NDArray[np.float64]:
    angle, distance = rng.uniform(0, 2 * np.pi), 0.75 * radius * np.sqrt(rng.random())
    place: NDArray[np.float64] = centre + distance * np.array([np.cos(angle), np.sin(angle)])
    return place


def _metal_fragment(part: Pixels, centre: NDArray[np.float64], radius: float, scale: float, rng: Rng) -> None:
    """A chip of steel: a few corners, a facet that shines, a shadow beside it."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 7))))
    reach = rng.uniform(5, 10) * scale * rng.uniform(0.5, 1.0, len(angles))
    chip = _somewhere(centre, radius, rng) + reach[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1)
    facet = chip[: len(chip) // 2 + 1]
    for corners, colour in ((chip + 2.5 * scale, SHADOW), (chip, STEEL), (facet, HIGHLIGHT)):
        cv2.fillPoly(part, [np.rint(corners * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)


def _crack(part: Pixels, centre: NDArray[np.float64], radius: float, scale: float, rng: Rng) -> None:
    """A broken biscuit: a jagged line from edge to edge."""
    angle = rng.uniform(0, np.pi)
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    steps = np.linspace(-0.95, 0.95, 12)[:, None]
    path = centre + radius * (steps * along + 0.07 * rng.standard_normal((12, 1)) * across)
    _stroke(part, path, (92, 60, 30), 2.4 * scale)


def _burnt(part: Pixels, centre: NDArray[np.float64], radius: float, scale: float, rng: Rng) -> None:  # noqa: ARG001
    """A dark spot without an edge."""
    x0, y0 = _somewhere(centre, 0.7 * radius, rng)
    y, x = np.mgrid[: part.shape[0], : part.shape[1]]
    width = rng.uniform(0.25, 0.45) * radius
    spot = np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * width**2))[..., None]
    inside = (np.hypot(x - centre[0], y - centre[1]) < 0.96 * radius)[..., None]
    part[:] = part * (1 - 0.72 * spot * inside * np.array([0.85, 0.95, 1.0]))


def _hair(part: Pixels, centre: NDArray[np.float64], radius: float, scale: float, rng: Rng) -> None:
    """A thin dark curve."""
    points = centre + radius * rng.uniform(-1.1, 1.1, (3, 2))
    t = np.linspace(0, 1, 24)[:, None]
    path = (1 - t) ** 2 * points[0] + 2 * t * (1 - t) * points[1] + t**2 * points[2]
    _stroke(part, path, (38, 26, 22), 1.3 * scale)


def _stroke(part: Pixels, path: NDArray[np.float64], colour: tuple[int, ...], thickness: float) -> None:
    line = [np.rint(path * 16).astype(np.int32)]
    cv2.polylines(
        part, line, isClosed=False, color=colour, thickness=max(1, round(thickness)), lineType=cv2.LINE_AA, shift=4
    )


DEFECTS: Final[dict[str, Draw]] = {"metal_fragment": _metal_fragment, "crack": _crack, "burnt": _burnt, "hair": _hair}
"""What is drawn onto a part; in the place of a missing one nothing is."""

TYPES: Final = (*DEFECTS, MISSING_PART)
