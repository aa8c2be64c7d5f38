"""Where the pixels of a picture lie, for what draws a picture from places alone."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array, Pair


def places(size: Pair) -> Array:
    """Return (H W, 2): the row and column of each pixel's middle, the longer side's edges at -1 and 1."""
    longer = max(size)
    rows, columns = ((2 * np.arange(side) + 1 - side) / longer for side in size)
    grid: Array = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    return grid
