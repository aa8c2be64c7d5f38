"""Thumbnails: many pictures in small, each whole and upright in a square cell, and all of them as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.errors import ImageFileError
from minitorch_viz.io.images import load_image, resize_image

SIDES = ((64, 240), (600, 96), (2_500, 64), (10_000, 40))  # up to so many pictures, cells of so many pixels
PAPER = 255  # what is beside a picture that is not square


class Thumbnails(NamedTuple):
    """Hold n pictures in small."""

    cells: Array  # (n, s, s, 3) uint8: each in the middle of its cell
    sizes: Array  # (n, 2) int: (height, width) of each in its cell


def none_yet() -> Thumbnails:
    """Return no thumbnails."""
    return Thumbnails(np.zeros((0, 8, 8, 3), np.uint8), np.zeros((0, 2), np.int64))


def side_for(count: int) -> int | None:
    """Return the side of the cells of so many pictures; None: they are too many to be shown."""
    return next((side for most, side in SIDES if count <= most), None)


def thumbnails(pictures: Pictures, numbers: Sequence[int], side: int) -> Thumbnails:
    """Return the pictures of these numbers in cells of `side` pixels; one that cannot be read is grey."""
    images = []
    for number in numbers:
        try:
            images.append(load_image(pictures[number]))
        except ImageFileError:
            images.append(np.full((side, side, 3), 128, np.uint8))
    return in_cells(images, side)


def in_cells(images: Sequence[Array], side: int) -> Thumbnails:
    """Return pictures (h, w, 3) in cells of `side` pixels. Small ones are enlarged by whole pixels."""
    small = [_fitted(image, side) for image in images]
    cells = np.full((len(small), side, side, 3), PAPER, np.uint8)
    for cell, image in zip(cells, small, strict=True):
        top, left = ((side - length) // 2 for length in image.shape[:2])
        cell[top : top + image.shape[0], left : left + image.shape[1]] = image
    return Thumbnails(cells, np.array([image.shape[:2] for image in small], np.int64).reshape(-1, 2))


def _fitted(image: Array, side: int) -> Array:
    """Return a picture whose longer side is at most `side`, in its own proportions."""
    height, width = image.shape[:2]
    longer = max(height, width)
    if longer <= side:
        times = side // longer
        return np.repeat(np.repeat(image, times, axis=0), times, axis=1)
    return resize_image(image, (max(round(height * side / longer), 1), max(round(width * side / longer), 1)))


def sprite(cells: Array) -> tuple[Array, int]:
    """Return n cells (n, s, s, 3) as one picture, row by row, and how many are in a row."""
    count, side = cells.shape[:2]
    columns = max(int(np.ceil(np.sqrt(count))), 1)
    rows = max(-(-count // columns), 1)
    sheet = np.full((rows * side, columns * side, 3), PAPER, np.uint8)
    for number, cell in enumerate(cells):
        top, left = place_in(number, columns, side)
        sheet[top : top + side, left : left + side] = cell
    return sheet, columns


def place_in(number: int, columns: int, side: int) -> Pair:
    """Return (top, left) of a cell in the sprite."""
    return number // columns * side, number % columns * side
