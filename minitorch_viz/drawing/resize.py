"""Maps at another size, by scikit-image's formula.

scikit-image's own `resize` lies beside code that edits docstrings when it is loaded, so that it cannot be imported
where Python was told to drop them (PYTHONOPTIMIZE=2). The arithmetic is SciPy's in both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minitorch_viz._types import Array


def resize(values: Array, size: Sequence[int], *, smooth: bool = False, mode: str = "nearest") -> Array:
    """Return a map (h', w') at `size` (h, w), bilinear with align_corners=False, in its own precision.

    smooth: blur before making it smaller, with a sigma of half a pixel for each pixel that is dropped; otherwise
    smaller maps are only thinned out. mode: how SciPy continues the map beyond its border.
    """
    from scipy import ndimage

    factors = np.divide(values.shape, size)
    blurred = ndimage.gaussian_filter(values, np.maximum(0, (factors - 1) / 2), mode=mode) if smooth else values
    resized = ndimage.zoom(blurred, 1 / factors, order=1, mode=mode, grid_mode=True)
    clipped: Array = np.clip(resized, values.min(), values.max())
    return clipped
