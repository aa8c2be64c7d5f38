"""From an array of a net to a grid of small pictures: filters by channels, images by maps, or one matrix."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array

LARGEST_MAP = 32  # pixels a side; larger maps are averaged down


class Grid(NamedTuple):
    """Tiles in rows and columns."""

    values: Array  # (rows, columns, height, width), or (rows, columns, height, width, 3) for colour filters
    note: str  # what rows and columns are, and what was left out


def weight_grid(value: Array, most: int, maps: tuple[int, int, int] | None = None) -> Grid | None:
    """A parameter as tiles; None if it has no picture (biases, scales).

    value (O, C, kh, kw): rows of filters and columns of input channels; one or three channels: one tile a filter, three
    in colour. value (O, D): a row for each output, one tile for each of the feature maps (C, H, W) = `maps` that were
    flattened before this layer, or else one matrix. most: how many rows and columns at the most.
    """
    if value.ndim == 2 and maps is not None and value.shape[1] == np.prod(maps) and max(maps[1:]) > 1:
        value = value.reshape(-1, *maps)
        names = ("output", "feature map")
    elif value.ndim == 2:
        tile = value[: 4 * most, : 8 * most]
        return Grid(tile[None, None], _note(tile.shape, value.shape, ("output", "input")))
    elif value.ndim == 4:
        names = ("filter", "input channel")
    else:
        return None
    if value.shape[1] in (1, 3) and names[0] == "filter":
        return _filters(value, most)
    shown = value[: max(most // 2, 1), :most] if names[0] == "filter" else value[:most, :most]
    return Grid(_smaller(shown), _note(shown.shape, value.shape, names) + _averaged(shown))


def _filters(value: Array, most: int) -> Grid:
    """(O, 1 or 3, kh, kw): one tile a filter, eight in a row."""
    shown = value[: 4 * most]
    columns = min(8, len(shown))
    rows = -(-len(shown) // columns)
    padded = np.zeros((rows * columns, *shown.shape[1:]), shown.dtype)
    padded[: len(shown)] = shown
    tiles = padded.reshape(rows, columns, *shown.shape[1:])
    tiles = tiles[:, :, 0] if value.shape[1] == 1 else np.moveaxis(tiles, 2, -1)
    colour = "; each colour channel around mid-grey" if value.shape[1] == 3 else ""
    return Grid(tiles, f"{_of(len(shown), len(value), 'filter')}, one a tile{colour}")


def value_grid(y: Array, shown: int, most: int, images: bool = False) -> Grid | None:
    """A node's output (or its gradient) for the first `shown` images: rows are images, columns are channels.

    y (N, C, H, W); (N, D) and (N, T, D) are one matrix (for the first image). None for other shapes.
    images: y are the net's input images (or their gradients): one tile each, three channels in colour.
    """
    if y.ndim == 4 and y.shape[1] in (1, 3) and images:
        some = _smaller(y[:shown])
        tiles = some[:, 0][None] if y.shape[1] == 1 else np.moveaxis(some, 1, -1)[None]
        colour = "; each colour channel around mid-grey" if y.shape[1] == 3 else ""
        return Grid(tiles, f"{_of(len(some), len(some), 'image')}, one a tile{colour}{_averaged(y)}")
    if y.ndim == 4:
        some = y[:shown, :most]
        return Grid(
            _smaller(some), _note(some.shape, (len(some), *y.shape[1:]), ("image", "channel")) + _averaged(some)
        )
    if y.ndim == 2:
        tile = y[:shown, : 8 * most]
        return Grid(tile[None, None], _note(tile.shape, (len(tile), y.shape[1]), ("image", "unit")))
    if y.ndim == 3 and y.dtype.kind == "f":
        tile = y[0, : 4 * most, : 8 * most]
        return Grid(tile[None, None], "the first image's: " + _note(tile.shape, y.shape[1:], ("time step", "unit")))
    return None


def _note(shown: tuple[int, ...], whole: tuple[int, ...], names: tuple[str, str]) -> str:
    rows, columns = (_of(shown[i], whole[i], names[i]) for i in (0, 1))
    return f"rows: {rows}; columns: {columns}"


def _of(shown: int, whole: int, name: str) -> str:
    many = name if whole == 1 else f"{name}s"
    return f"{whole} {many}" if shown == whole else f"the first {shown} of {whole} {many}"


def _factor(x: Array) -> int:
    return -(-max(int(x.shape[2]), int(x.shape[3])) // LARGEST_MAP)


def _smaller(x: Array) -> Array:
    """(..., H, W) averaged over squares so that no side is longer than LARGEST_MAP; borders that do not fit are cut."""
    k = _factor(x)
    if k == 1:
        return x
    height, width = max(x.shape[2] // k, 1), max(x.shape[3] // k, 1)
    cut = x[:, :, : height * k, : width * k]
    small: Array = cut.reshape(*x.shape[:2], height, cut.shape[2] // height, width, cut.shape[3] // width).mean((3, 5))
    return small


def _averaged(x: Array) -> str:
    k = _factor(x)
    return f"; averaged over {k} x {k} pixels" if k > 1 else ""
