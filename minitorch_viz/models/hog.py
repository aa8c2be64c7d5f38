"""HOG as a net: histograms of oriented gradients, the features before learned ones, as layers of this package.

Nothing in it is learned. What Dalal and Triggs compute is what layers compute: differences of neighbouring pixels are a
convolution, "how far does the gradient point this way" is a convolution with a ReLU behind it, a histogram of a cell is
an average pooling, and a block's contrast is taken out by a local response normalization. So all that is asked of a net
can be asked of HOG.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array, Pair
from minitorch_viz.layers import AvgPool2d, Concat, Conv2d, Hardtanh, LocalResponseNorm, Mul, ReLU
from minitorch_viz.models.model import Model
from minitorch_viz.models.readers import Preprocessing
from minitorch_viz.net import Net

BINS, CELL, BLOCK = 9, 8, 2  # directions without sign; pixels a side of a cell; cells a side of a block
WHITE = 255
LENGTH_FLOOR = 1e-8  # of a squared gradient, where pixels are 0..1: keeps the direction of none from being 0 / 0
FLOOR = 1e-5  # of a block's length, as in scikit-image
CLIP = 0.2  # L2-Hys: no entry is larger before the second normalization
DIFFERS = (
    "HOG as layers differs from scikit-image's in one step: a gradient between two directions counts for both, in "
    "shares that fall with the angle, where scikit-image counts it for one alone, from which nothing could be inverted."
)


def hog(bins: int = BINS, cell: int = CELL, block: int = BLOCK) -> Net:
    """Build HOG: x (N, 1, H, W), grey pixels less 0.5 -> "hog" (N, bins block^2, H', W'), H' = H / cell - block + 1.

    Nodes: "gradient", differences to the right and down (N, 2, H, W); "length", their norm; "directions", what
    lies in each of 2 x bins directions; "orientations", those that differ by half a turn together; "cells"; "blocks",
    the cells of each block side by side; "hog", normalized as L2-Hys.
    A gradient g at the angle a counts for a direction u by max(0, <g, u> - |g| c) / (1 - c), c = cos(pi / bins): all of
    it along u, nothing where the next direction begins.

    Papers: Dalal and Triggs 2005; as layers Mahendran and Vedaldi 2015.
    """
    angles = (np.arange(2 * bins) + 0.5) * np.pi / bins  # the middles of scikit-image's bins
    least = np.cos(np.pi / bins)
    along = np.stack([np.cos(angles), np.sin(angles), np.full(2 * bins, -least)], axis=1) / (1 - least)
    together = np.tile(np.eye(bins), 2)  # (bins, 2 bins): opposite directions are one orientation
    values = bins * block**2
    length = LocalResponseNorm(2 * values - 1, 1.0, 0.5, FLOOR**2, divide_alpha=False)  # over all of a block
    return Net([
        ("gradient", Conv2d(_differences(), padding=1, padding_mode="reflect")),
        ("direction", LocalResponseNorm(3, 1.0, 0.5, LENGTH_FLOOR, divide_alpha=False)),  # g / |g|
        ("product", Mul(), ("gradient", "direction")),
        ("length", _mix([(1, 1)]), ("product",)),  # <g, g> / |g|
        ("vector", Concat(), ("gradient", "length")),
        ("share", _mix(along)),
        ("directions", ReLU()),
        ("orientations", _mix(together)),
        ("cells", AvgPool2d(cell)),
        ("blocks", Conv2d(_side_by_side(bins, block))),
        ("contrast", length),
        ("clipped", Hardtanh(-CLIP, CLIP)),
        ("hog", length),
    ])  # fmt: skip


def hog_model(size: Pair = (128, 128), dtype: npt.DTypeLike = np.float32) -> Model:
    """Return HOG as a model for photos, which are brought to `size` and made grey."""
    reader = Preprocessing(size, channels=1, mean=(WHITE / 2,), std=(WHITE,))
    return Model.from_net(hog().astype(dtype), readers=reader, name="hog")


def _mix(weights: npt.ArrayLike) -> Conv2d:
    """Return a 1 x 1 convolution with weights (O, C)."""
    return Conv2d(np.asarray(weights, np.float32)[:, :, None, None])


def _differences() -> Array:
    """Return (2, 1, 3, 3): the pixel at the right less the one at the left, the one below less the one above."""
    weight = np.zeros((2, 1, 3, 3), np.float32)
    weight[0, 0, 1, [0, 2]] = weight[1, 0, [0, 2], 1] = -1, 1
    return weight


def _side_by_side(channels: int, side: int) -> Array:
    """Return (channels side^2, channels, side, side): each place of a window as channels of its own."""
    weight = np.zeros((side, side, channels, channels, side, side), np.float32)
    for row, column in np.ndindex(side, side):
        weight[row, column, np.arange(channels), np.arange(channels), row, column] = 1
    return weight.reshape(side * side * channels, channels, side, side)
