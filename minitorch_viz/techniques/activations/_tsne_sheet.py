"""Pictures placed by their codes: overlapping, snapped to a grid, or every cell of a grid filled by its nearest.

A sheet is one picture made of many. Its rows go down and its columns to the right; a map's second number goes up, as
on any chart, so that a picture stands at the same place on the sheet and among the points.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.techniques.explain.thumbnails import PAPER, Thumbnails

MOST_SNAPPED = 2500  # pictures on a grid: a thousand take a second, and four times that 2,500
PIXELS = 2000  # of a sheet's side, about
SEAM = 0.12  # of a cell's side
WIDEST = 14  # pixels of a seam


class Grid(NamedTuple):
    """Hold which picture is in each cell of a grid."""

    cells: Array  # (rows, columns) int: a picture's number; -1: empty


def side_of(count: int) -> int:
    """Return how many rows and columns a grid for so many pictures has."""
    return max(int(np.ceil(np.sqrt(count))), 1)


def in_unit_square(positions: Array, *, each: bool) -> Array:
    """Return (n, 2) positions as (row, column) in 0..1; each: either axis is stretched to it by itself."""
    low, size = positions.min(axis=0), np.ptp(positions, axis=0)
    size = np.where(size > 0, size, 1.0) if each else np.full(2, max(size.max(), 1e-300))
    across, up = ((positions - low) / size + (0 if each else (1 - np.ptp(positions, axis=0) / size) / 2)).T
    return np.stack([1 - up, across], axis=1)


def _centres(side: int) -> Array:
    """Return the centres (side * side, 2) of a grid's cells in the unit square, row by row."""
    ticks = (np.arange(side) + 0.5) / side
    return np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=2).reshape(-1, 2)


def snapped(positions: Array, seed: int = 0) -> Grid:
    """Return a grid without overlap: the assignment whose summed squared way is the shortest.

    Of more than 2,500 pictures it has as many, drawn at random.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    numbers = np.arange(len(positions))
    if len(positions) > MOST_SNAPPED:
        numbers = np.sort(np.random.default_rng(seed).choice(len(positions), MOST_SNAPPED, replace=False))
    side = side_of(len(numbers))
    ways = cdist(in_unit_square(positions, each=True)[numbers], _centres(side), "sqeuclidean")
    chosen, places = linear_sum_assignment(ways)
    cells = np.full(side * side, -1, np.int64)
    cells[places] = numbers[chosen]
    return Grid(cells.reshape(side, side))


def filled(positions: Array) -> Grid:
    """Return a grid in which every cell has the picture nearest to its centre, one picture perhaps in several cells."""
    from scipy.spatial import cKDTree

    side = side_of(min(len(positions), MOST_SNAPPED))
    _, numbers = cKDTree(in_unit_square(positions, each=True)).query(_centres(side))
    return Grid(numbers.reshape(side, side).astype(np.int64))


class Seams(NamedTuple):
    """Hold the distances of the codes between neighbouring cells; NaN beside an empty one."""

    beside: Array  # (rows, columns - 1): of a cell and the one at its right
    below: Array  # (rows - 1, columns): of a cell and the one below it


def seams_of(grid: Grid, codes: Array) -> Seams:
    """Return the true distances between the codes (n, d) of neighbouring cells."""

    def distances(first: Array, second: Array) -> Array:
        occupied = (first >= 0) & (second >= 0)
        result = np.full(first.shape, np.nan)
        ways = codes[first[occupied]].astype(np.float64) - codes[second[occupied]]
        result[occupied] = np.linalg.norm(ways, axis=1)
        return result

    cells = grid.cells
    return Seams(distances(cells[:, :-1], cells[:, 1:]), distances(cells[:-1], cells[1:]))


def overlapping(positions: Array, small: Thumbnails, colours: Array | None = None) -> Array:
    """Return a sheet (S, S, 3) of pictures whose middles are where the map says; later ones lie over earlier ones.

    colours: (n, 3) uint8 of frames around them.
    """
    count = len(positions)
    cell = int(np.clip(PIXELS / max(np.sqrt(count), 1) / 1.1, 24, small.cells.shape[1]))
    sheet = np.full((PIXELS, PIXELS, 3), PAPER, np.uint8)
    corners = np.round(in_unit_square(positions, each=False) * (PIXELS - cell)).astype(int)
    for number, (top, left) in enumerate(corners.tolist()):
        picture = _shown(small, number, cell, None if colours is None else colours[number])
        high, wide = picture.shape[:2]
        top, left = top + (cell - high) // 2, left + (cell - wide) // 2
        sheet[top : top + high, left : left + wide] = picture
    return sheet


def _shown(small: Thumbnails, number: int, cell: int, colour: Array | None) -> Array:
    """Return one picture in its proportions, at most `cell` pixels, with a frame."""
    from PIL import Image

    side = small.cells.shape[1]
    height, width = small.sizes[number].tolist()
    top, left = (side - height) // 2, (side - width) // 2
    picture: Array = small.cells[number][top : top + height, left : left + width]
    longest = int(small.sizes.max())  # small pictures fill less than their cells
    size: Pair = (max(round(height * cell / longest), 3), max(round(width * cell / longest), 3))
    if size != (height, width):
        how = Image.Resampling.LANCZOS if cell < longest else Image.Resampling.NEAREST
        picture = np.asarray(Image.fromarray(picture).resize(size[::-1], how))
    if colour is not None:
        picture = picture.copy()
        edge = max(round(cell / 24), 1)
        for part in (picture[:edge], picture[-edge:], picture[:, :edge], picture[:, -edge:]):
            part[:] = colour
    return picture


def on_grid(grid: Grid, small: Thumbnails, gap: float, colours: Array | None = None) -> tuple[Array, int, int]:
    """Return a sheet of a grid's pictures, the pixels of a cell, and those between two cells (a share `gap` of it)."""
    rows, columns = grid.cells.shape
    cell = int(np.clip(PIXELS / max(rows, columns), 16, small.cells.shape[1]))
    between = min(round(gap * cell), WIDEST)
    step = cell + between
    sheet = np.full((rows * step - between, columns * step - between, 3), PAPER, np.uint8)
    for row, column in np.argwhere(grid.cells >= 0).tolist():
        number = int(grid.cells[row, column])
        picture = _shown(small, number, cell, None if colours is None else colours[number])
        high, wide = picture.shape[:2]
        top, left = row * step + (cell - high) // 2, column * step + (cell - wide) // 2
        sheet[top : top + high, left : left + wide] = picture
    return sheet, cell, between


def draw_seams(sheet: Array, seams: Seams, cell: int, between: int, scale: tuple[float, float]) -> None:
    """Write the seams into a sheet, from white at the smaller distance of `scale` to red at the larger one."""
    step = cell + between
    low, high = scale

    def colour(distance: float) -> Array:
        share = np.clip((distance - low) / max(high - low, 1e-300), 0, 1)
        return np.asarray(np.round(255 - share * np.array([45, 255, 255])), np.uint8)

    for row, column in np.argwhere(np.isfinite(seams.beside)).tolist():
        top, left = row * step, column * step + cell
        sheet[top : top + cell, left : left + between] = colour(seams.beside[row, column])
    for row, column in np.argwhere(np.isfinite(seams.below)).tolist():
        top, left = row * step + cell, column * step
        sheet[top : top + between, left : left + cell] = colour(seams.below[row, column])


def scale_of(seams: Seams) -> tuple[float, float]:
    """Return the distances that are drawn white and in full red: the 5th and the 95th percentile."""
    ways = np.concatenate([seams.beside.ravel(), seams.below.ravel()])
    ways = ways[np.isfinite(ways)]
    if not len(ways):
        return 0.0, 1.0
    low, high = np.percentile(ways, [5, 95])
    return float(low), float(high) if high > low else float(low) + 1.0
