"""From a heat map to a mask: confident seeds, grown by GrabCut (OpenCV) or a watershed, and the largest piece of it."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array

BACKGROUND, FOREGROUND, UNSURE = 0, 1, 2  # seeds; the numbers are OpenCV's GC_BGD, GC_FGD, GC_PR_BGD


def has_grabcut() -> bool:
    """Return whether OpenCV is installed."""
    try:
        import cv2
    except ImportError:
        return False
    return hasattr(cv2, "grabCut")


def seeds_of(heat: Array, high: float, low: float) -> Array:
    """Return seeds (h, w) uint8: foreground above the percentile `high` of a map >= 0, background below `low`."""
    top, bottom = np.percentile(heat, [high, low])
    seeds = np.full(heat.shape, UNSURE, np.uint8)
    seeds[heat <= bottom] = BACKGROUND
    seeds[(heat >= top) & (heat > bottom)] = FOREGROUND
    return seeds


def grabcut(picture: Array, seeds: Array, iterations: int) -> Array:
    """Return the foreground (h, w) bool of a picture (h, w, 3) uint8: the seeds' colours, the picture's edges."""
    import cv2

    mask = seeds.copy()
    models = np.zeros((1, 65)), np.zeros((1, 65))  # OpenCV's room for the two mixtures of colours
    cv2.setRNGSeed(0)  # it draws the first cluster centres by chance
    nowhere = (0, 0, 0, 0)  # the seeds say where, not a rectangle
    cv2.grabCut(np.ascontiguousarray(picture[..., ::-1]), mask, nowhere, *models, iterations, cv2.GC_INIT_WITH_MASK)
    inside: Array = (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)
    return inside


def flooded(picture: Array, seeds: Array) -> Array:
    """Return the foreground (h, w) bool of a picture (h, w, 3) uint8: both kinds of seeds rise to the edges.

    The height of a pixel is the size of the colours' gradient in Lab, after smoothing by a hundredth of the shorter
    side: a watershed (Vincent, Soille 1991).
    """
    from skimage.color import rgb2lab
    from skimage.filters import gaussian, sobel
    from skimage.segmentation import watershed

    smooth = gaussian(rgb2lab(picture), min(seeds.shape) / 100, channel_axis=2)
    height = np.sqrt(sum(sobel(channel) ** 2 for channel in np.moveaxis(smooth, 2, 0)))
    markers = np.select([seeds == FOREGROUND, seeds == BACKGROUND], [1, 2], 0)
    inside: Array = watershed(height, markers) == 1
    return inside


def largest_piece(mask: Array) -> Array:
    """Return the largest connected piece of a mask (h, w) bool; diagonal neighbours do not touch."""
    from skimage.measure import label

    pieces = label(mask, connectivity=1)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    largest: Array = (pieces == sizes.argmax()) & mask
    return largest


def box_of(mask: Array) -> tuple[int, int, int, int] | None:
    """Return (top, left, bottom, right) of a mask's pixels, the last ones not included; None if it is empty."""
    if not mask.any():
        return None
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
