"""Ten numbers, ten weights: the lecture's example, in which a step of 0.5 in each number turns the answer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.layers import Sigmoid

X = (2, -1, 3, -2, 2, 2, 1, -4, 5, 1)
W = (-1, -1, 1, -1, 1, -1, 1, 1, -1, 1)
STEP = 0.5


class Ten(NamedTuple):
    """Hold the example: score = w . x, probability = 1 / (1 + exp(-score)), and both after the step."""

    x: Array  # (10,)
    w: Array  # (10,)
    moved: Array  # (10,): x + step * w, and since all weights are 1 or -1 also x + step * sign(w)
    products: Array  # (2, 10): w x before and after
    scores: Array  # (2,)
    probabilities: Array  # (2,)


def ten_numbers(step: float = STEP) -> Ten:
    """Return the example with each number moved by `step` in the direction of its weight.

    >>> ten = ten_numbers()
    >>> ten.scores.tolist(), ten.probabilities.round(2).tolist()
    ([-3.0, 2.0], [0.05, 0.88])
    """
    x, w = np.array(X, np.float64), np.array(W, np.float64)
    moved = x + step * np.sign(w)
    products = w * np.stack([x, moved])
    scores = products.sum(axis=1)
    return Ten(x, w, moved, products, scores, Sigmoid().forward(scores)[0])
