"""Large pictures cut into overlapping tiles, and what is seen in the tiles joined to one grid over the picture."""

from itertools import product
from typing import Self

import torch
from pydantic import NonNegativeInt, PositiveInt, model_validator
from torch import Tensor, nn

from inspector.settings import Settings


class TilesSettings(Settings):
    """Rows and columns of tiles, each of the network's input size, so that a small defect keeps its pixels.

    The picture is resized to what the tiles cover, so their rows and columns should have about its shape. Time and
    memory grow with their number.
    """

    rows: PositiveInt
    """Tiles from top to bottom."""
    columns: PositiveInt
    """Tiles from left to right."""
    overlap: NonNegativeInt = 64
    """Pixels that neighbours share, each giving the half nearer to its middle: a multiple of twice the largest stride
    of the levels. A place at a tile's edge sees less of its surroundings; 0 is the cheapest."""

    @model_validator(mode="after")
    def _several(self) -> Self:
        if self.count == 1:
            raise ValueError("one tile is the whole picture: leave 'tiles' out, or give more rows or columns")
        return self

    @property
    def count(self) -> int:
        """Tiles in one picture."""
        return self.rows * self.columns

    def picture_size(self, tile: tuple[int, int]) -> tuple[int, int]:
        """Height and width in pixels of a picture that tiles of this height and width cover exactly."""
        height, width = (length - self.overlap for length in tile)
        return self.rows * height + self.overlap, self.columns * width + self.overlap

    def check(self, tile: tuple[int, int], stride: int) -> None:
        """Raises ValueError unless grids of this stride join without a seam."""
        if tile[0] % stride or tile[1] % stride:
            raise ValueError(f"input_size: a tile's height and width must be multiples of {stride}, the largest stride")
        if self.overlap % (2 * stride):
            below = self.overlap - self.overlap % (2 * stride)
            raise ValueError(
                f"tiles.overlap: must be a multiple of {2 * stride}, twice the largest stride, so that the grids of "
                f"tiles join without a seam: give {below} or {below + 2 * stride}, not {self.overlap}"
            )
        if self.overlap >= min(tile):
            raise ValueError(f"tiles.overlap: must be less than the tile's {min(tile)} pixels, not {self.overlap}")


class Tiled(nn.Module):
    """A backbone's maps of a large picture: it sees all tiles as one batch, and their maps are joined.

    ``tile`` is their height and width in pixels.
    """

    def __init__(self, maps: nn.Module, settings: TilesSettings, tile: tuple[int, int]) -> None:
        super().__init__()
        self.maps = maps
        self.settings = settings
        self.tile = tile

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """(n, c, H, W) pictures of ``picture_size`` to one (n, c, H/stride, W/stride) map for each level."""
        return [self.join(each) for each in self.maps(self.cut(pictures))]

    def cut(self, pictures: Tensor) -> Tensor:
        """(n, c, H, W) to (tiles * n, c, h, w): the first tile of all pictures, then the second; row by row.

        Raises ValueError when the pictures are of another size.
        """
        size, covered = tuple(pictures.shape[2:]), self.settings.picture_size(self.tile)
        if size != covered:
            raise ValueError(f"pictures of {size} pixels, but the tiles cover {covered}")
        height, width = self.tile
        tops = [row * (height - self.settings.overlap) for row in range(self.settings.rows)]
        lefts = [column * (width - self.settings.overlap) for column in range(self.settings.columns)]
        return torch.cat([pictures[:, :, y : y + height, x : x + width] for y, x in product(tops, lefts)])

    def join(self, maps: Tensor) -> Tensor:
        """(tiles * n, c, h/stride, w/stride), in the order of ``cut``, to (n, c, H/stride, W/stride)."""
        rows, columns = self.settings.rows, self.settings.columns
        tiles = maps.reshape(rows, columns, -1, *maps.shape[1:])
        return torch.cat(
            [
                torch.cat([self._own(tiles[row, column], row, column) for column in range(columns)], dim=3)
                for row in range(rows)
            ],
            dim=2,
        )

    def _own(self, tile: Tensor, row: int, column: int) -> Tensor:
        """The part of a tile's map that is not nearer to a neighbour's middle."""
        margin = self.settings.overlap * tile.shape[2] // (2 * self.tile[0])
        top, bottom = _inside(row, self.settings.rows, tile.shape[2], margin)
        left, right = _inside(column, self.settings.columns, tile.shape[3], margin)
        return tile[:, :, top:bottom, left:right]


def _inside(place: int, count: int, length: int, margin: int) -> tuple[int, int]:
    """From where to where a tile's map counts: up to the picture's edge, or to the middle of the overlap."""
    return margin if place else 0, length - margin if place < count - 1 else length
