"""How alike two maps are: by the ranking of their pixels, and by structure."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import ShapeError
from minitorch_viz.grading.checks import need_map


def rank_correlation(a: Array, b: Array, *, absolute: bool = True) -> float:
    """Return Spearman's rank correlation of two maps (h, w), -1..1; 1 for maps that rank all pixels alike.

    absolute: rank magnitudes, so that a map and its negative are alike; False: rank signed values.
    A constant map ranks nothing: its correlation with another map is 0, with an equal one 1.

    Raises ShapeError for maps that are not finite or of different sizes.

    Paper: Adebayo et al. 2018 (Sanity checks for saliency maps) report both.
    """
    from scipy.stats import rankdata

    a, b = _pair(a, b)
    if absolute:
        a, b = np.abs(a), np.abs(b)
    if np.array_equal(a, b):
        return 1.0
    ranks = [rankdata(values.ravel()) for values in (a, b)]
    x, y = (values - values.mean() for values in ranks)
    size = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / size) if size else 0.0


def structural_similarity(a: Array, b: Array) -> float:
    """Return the SSIM of two maps (h, w), each divided by its largest magnitude; 1 if equal, around 0 if unrelated.

    Windows of 7 x 7 pixels (fewer on smaller maps), scikit-image's. The data range is 1 if both maps are nowhere
    negative, else 2. SSIM counts empty areas as alike: two sparse maps score high whatever they show.

    Raises ShapeError for maps that are not finite, of different sizes, or smaller than 3 x 3.

    Paper: Wang et al. 2004; for this purpose Adebayo et al. 2018.
    """
    from skimage.metrics import structural_similarity as ssim

    a, b = _pair(a, b)
    if min(a.shape) < 3:
        raise ShapeError(f"SSIM compares windows of at least 3 x 3 pixels, but the maps have shape {a.shape}.")
    side = min(7, (min(a.shape) - 1) // 2 * 2 + 1)  # odd
    a, b = (values / (np.abs(values).max() or 1) for values in (a, b))
    return float(ssim(a, b, win_size=side, data_range=1.0 if min(a.min(), b.min()) >= 0 else 2.0))


def _pair(a: Array, b: Array) -> tuple[Array, Array]:
    a, b = need_map(a, "the first map"), need_map(b, "the second map")
    if a.shape != b.shape:
        raise ShapeError(f"The maps have shapes {a.shape} and {b.shape}; only maps of one size can be compared.")
    return a, b
