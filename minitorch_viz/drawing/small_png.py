"""Small pictures as PNG files of few kilobytes, for pages and files that hold thousands of them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from minitorch_viz._types import Array

COLOURS = 128  # of a palette: a third of the bytes of full colour, and no difference to be seen at this size


def thumbnail(picture: Array, side: int) -> bytes:
    """Return a picture (h, w, 3) uint8 as a PNG file, its longer side at most `side` pixels; a smaller one stays."""
    return _png(smaller(picture, side))


def contact_sheet(pictures: Sequence[Array], columns: int, side: int) -> bytes:
    """Return pictures (h, w, 3) uint8 as one PNG file, in places of `side` pixels with white between them.

    Small ones are enlarged with their pixels visible.
    """
    gap = max(1, side // 24)
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (side + gap) - gap, columns * (side + gap) - gap, 3), 255, np.uint8)
    for index, picture in enumerate(pictures):
        small = fitted(picture, side)
        top = index // columns * (side + gap) + (side - small.shape[0]) // 2
        left = index % columns * (side + gap) + (side - small.shape[1]) // 2
        sheet[top : top + small.shape[0], left : left + small.shape[1]] = small
    return _png(sheet)


def fitted(picture: Array, side: int) -> Array:
    """Return a picture with its longer side `side` pixels long; pixels that are enlarged stay visible."""
    from PIL import Image

    longer = max(picture.shape[:2])
    if longer >= side:
        return smaller(picture, side)
    size = (max(1, round(picture.shape[1] * side / longer)), max(1, round(picture.shape[0] * side / longer)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.NEAREST))


def smaller(picture: Array, side: int) -> Array:
    """Return a picture with its longer side at most `side` pixels long."""
    from PIL import Image

    longer = max(picture.shape[:2])
    if longer <= side:
        return picture
    size = (max(1, round(picture.shape[1] * side / longer)), max(1, round(picture.shape[0] * side / longer)))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BOX))


def _png(picture: Array) -> bytes:
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(picture))
    few = image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    few.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
