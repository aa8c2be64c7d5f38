"""Large pictures in tiles: the net looks at one after the other, so that memory does not grow with the picture.

A tile ends where its picture goes on, so that near a seam the gradient is not that of the whole; twice as far from the
seams as a unit sees, it is. Where the picture is rolled by another amount in each step, the seams wander over it.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.graph import Rules
from minitorch_viz.objectives import Objective
from minitorch_viz.optimize.score import score_and_gradient

if TYPE_CHECKING:
    from minitorch_viz.models import Model


def tile_edges(side: int, most: int, stride: int = 1) -> list[int]:
    """Return where tiles of about equal size begin and end: as few as have at most `most` pixels, about.

    stride: between the units of a node: tiles begin at its multiples, so that these stand where they do in the whole.

    >>> tile_edges(600, 512, 16), tile_edges(512, 512, 16)
    ([0, 304, 600], [0, 512])
    """
    count = math.ceil(side / most)
    places = [round(number * side / count / stride) * stride for number in range(1, count)]
    return [0, *sorted({place for place in places if 0 < place < side}), side]


def tiled_score_and_gradient(
    model: Model, objective: Objective, x: Array, tile: int, stride: Pair = (1, 1), rules: Rules | None = None
) -> tuple[Array, Array]:
    """Return the sum of the objective over the tiles of x (N, C, H, W), as (N,), and its gradient by x.

    objective: one that adds up over places, such as an energy or a channel's sum. tile: pixels a side, at most, about.
    A picture that is no larger is one tile: then both are those of `score_and_gradient`.
    """
    rows, columns = (
        tile_edges(side, tile, step) for side, step in zip((x.shape[-2], x.shape[-1]), stride, strict=True)
    )
    scores, gradient = np.zeros(len(x), x.dtype), np.empty_like(x)
    for top, bottom in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            part = (..., slice(top, bottom), slice(left, right))
            values, gradient[part] = score_and_gradient(model, objective, x[part], rules)
            scores = scores + values
    return scores, gradient
