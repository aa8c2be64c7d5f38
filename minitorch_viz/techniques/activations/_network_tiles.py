"""Small pictures side by side, in colours whose meaning is said: black to white from 0, or red and blue around it."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.activations._network_sheets import Sheet

if TYPE_CHECKING:
    from PIL.Image import Image

LAST = 254  # the index of the colours' end; the next one is the grey between pictures
BETWEEN = 200  # that grey


def is_signed(sheet: Sheet) -> bool:
    """Return whether there are numbers below 0, so that 0 is white amid red and blue."""
    return bool(sheet.spread.least < 0)


def scale_words(sheet: Sheet) -> str:
    """Return what the colours mean."""
    if sheet.pictures.ndim == 4:
        return f"mid-grey is 0, full colour at ±{sheet.full:.3g}"
    return f"white 0, full red +, blue - {sheet.full:.3g}" if is_signed(sheet) else f"black 0, white {sheet.full:.3g}"


def tiled(sheet: Sheet, tall: float = 0.75) -> Array:
    """Return the pictures in rows: (H, W) uint8, indices of `colours`, or of coloured ones (H, W, 3) uint8.

    tall: the height over the width that the rows should come near to, where the sheet leaves it open.
    """
    pictures = sheet.pictures
    high, wide = pictures.shape[-2:]
    gap = 0 if len(pictures) == 1 else 1 if max(high, wide) < 24 else 2
    columns = sheet.columns or _columns(len(pictures), high + gap, wide + gap, tall)
    rows = math.ceil(len(pictures) / columns)
    colour = pictures.ndim == 4
    shape = (rows * (high + gap) - gap, columns * (wide + gap) - gap)
    sheet_of = np.full((*shape, 3) if colour else shape, BETWEEN if colour else LAST + 1, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = (place * (side + gap) for place, side in zip(divmod(number, columns), (high, wide), strict=True))
        sheet_of[top : top + high, left : left + wide] = _coloured(sheet, picture)
    return sheet_of


def _columns(count: int, high: int, wide: int, tall: float) -> int:
    """Return how many pictures in a row come nearest to a shape, with few places left empty."""

    def cost(columns: int) -> float:
        rows = math.ceil(count / columns)
        return abs(math.log(rows * high / (columns * wide) / tall)) + (rows * columns - count) / count

    return min(range(1, count + 1), key=cost)


def _coloured(sheet: Sheet, picture: Array) -> Array:
    """Return a picture (h, w) as indices, one with three channels as (h, w, 3) of 0..255."""
    if picture.ndim == 3:
        levels = np.nan_to_num(picture.transpose(1, 2, 0) / (2 * sheet.full) + 0.5, nan=0.5, posinf=1, neginf=0)
        return (levels.clip(0, 1) * 255).round().astype(np.uint8)
    shares = picture / sheet.full
    levels = (shares + 1) / 2 if is_signed(sheet) else shares
    indices = (np.nan_to_num(levels, nan=0, posinf=1, neginf=0).clip(0, 1) * LAST).round()
    return np.where(np.isnan(picture), LAST + 1, indices).astype(np.uint8)


@functools.cache
def colours(signed: bool) -> Array:
    """Return (256, 3) uint8: the colours of the indices."""
    from matplotlib import colormaps

    table = colormaps["RdBu_r" if signed else "gray"](np.linspace(0, 1, LAST + 1))[:, :3]
    return np.append((table * 255).round(), [[BETWEEN] * 3], axis=0).astype(np.uint8)


def image_of(sheet: Sheet, tall: float = 0.75) -> Image:
    """Return the pictures as one of Pillow's, with a palette where they have no colours of their own."""
    from PIL import Image

    indices = tiled(sheet, tall)
    image = Image.fromarray(indices)
    if indices.ndim == 2:
        image.putpalette(colours(is_signed(sheet)).tobytes())
    return image


def pixels_of(sheet: Sheet, tall: float = 0.75) -> Array:
    """Return the pictures as (H, W, 3) uint8."""
    indices = tiled(sheet, tall)
    return indices if indices.ndim == 3 else colours(is_signed(sheet))[indices]
