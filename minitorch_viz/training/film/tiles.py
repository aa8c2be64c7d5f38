"""From an array of a net to a grid of small pictures: filters by channels, images by maps, or one matrix."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array

LARGEST_MAP = 32  # pixels a side; larger maps are averaged down


class Grid(NamedTuple):
    """Hold tiles in rows and columns."""

    values: Array  # (rows, columns, height, width), or (rows, columns, height, width, 3) for colour filters
    note: str  # what rows and columns are, and what was left out


def weight_grid(value: Array, limit: int, maps: tuple[int, int, int] | None = None) -> Grid | None:
    """Return a parameter as tiles; None if it has no picture (biases, scales).

    value (O, C, kh, kw): rows of filters and columns of input channels; one or three channels: one tile a filter, three
    in colour. value (O, D): a row for each output, one tile for each of the feature maps (C, H, W) = `maps` that were
    flattened before this layer, or else one matrix. limit: how many rows and columns at the most.
    """
    if value.ndim == 2 and maps is not None and value.shape[1] == np.prod(maps) and max(maps[1:]) > 1:
        value = value.reshape(-1, *maps)
        names = ("output", "feature map")
    elif value.ndim == 2:
        tile = value[: 4 * limit, : 8 * limit]
        return Grid(tile[None, None], _note(tile.shape, value.shape, ("output", "input")))
    elif value.ndim == 4:
        names = ("filter", "input channel")
    else:
        return None
    if value.shape[1] in (1, 3) and names[0] == "filter":
        return _filters(value, limit)
    part = value[: max(limit // 2, 1), :limit] if names[0] == "filter" else value[:limit, :limit]
    return Grid(_smaller(part), _note(part.shape, value.shape, names) + _averaged(part))


def _filters(value: Array, limit: int) -> Grid:
    """Return filters (O, 1 or 3, kh, kw) as tiles, one a filter, eight in a row."""
    part = value[: 4 * limit]
    columns = min(8, len(part))
    rows = -(-len(part) // columns)
    padded = np.zeros((rows * columns, *part.shape[1:]), part.dtype)
    padded[: len(part)] = part
    tiles = padded.reshape(rows, columns, *part.shape[1:])
    tiles = tiles[:, :, 0] if value.shape[1] == 1 else np.moveaxis(tiles, 2, -1)
    colour = "; each colour channel around mid-grey" if value.shape[1] == 3 else ""
    return Grid(tiles, f"{_of(len(part), len(value), 'filter')}, one a tile{colour}")


def value_grid(y: Array, shown: int, limit: int, images: bool = False) -> Grid | None:
    """Return a node's output (or its gradient) for the first `shown` images: rows are images, columns channels.

    y (N, C, H, W); (N, D) and (N, T, D) are one matrix (for the first image). None for other shapes.
    images: y are the net's input images (or their gradients): one tile each, three channels in colour.
    """
    if y.ndim == 4 and y.shape[1] in (1, 3) and images:
        part = _smaller(y[:shown])
        tiles = part[:, 0][None] if y.shape[1] == 1 else np.moveaxis(part, 1, -1)[None]
        colour = "; each colour channel around mid-grey" if y.shape[1] == 3 else ""
        return Grid(tiles, f"{_of(len(part), len(part), 'image')}, one a tile{colour}{_averaged(y)}")
    if y.ndim == 4:
        part = y[:shown, :limit]
        return Grid(
            _smaller(part), _note(part.shape, (len(part), *y.shape[1:]), ("image", "channel")) + _averaged(part)
        )
    if y.ndim == 2:
        tile = y[:shown, : 8 * limit]
        return Grid(tile[None, None], _note(tile.shape, (len(tile), y.shape[1]), ("image", "unit")))
    if y.ndim == 3 and y.dtype.kind == "f":
        tile = y[0, : 4 * limit, : 8 * limit]
        return Grid(tile[None, None], "the first image's: " + _note(tile.shape, y.shape[1:], ("time step", "unit")))
    return None


def _note(shape: tuple[int, ...], full_shape: tuple[int, ...], names: tuple[str, str]) -> str:
    rows, columns = (_of(shape[i], full_shape[i], names[i]) for i in (0, 1))
    return f"rows: {rows}; columns: {columns}"


def _of(count: int, total: int, name: str) -> str:
    noun = name if total == 1 else f"{name}s"
    return f"{total} {noun}" if count == total else f"the first {count} of {total} {noun}"


def _factor(x: Array) -> int:
    return -(-max(int(x.shape[2]), int(x.shape[3])) // LARGEST_MAP)


def _smaller(x: Array) -> Array:
    """Average (..., H, W) over squares so that no side is longer than LARGEST_MAP; borders that do not fit are cut."""
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
