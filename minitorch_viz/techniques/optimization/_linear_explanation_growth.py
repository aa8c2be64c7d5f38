"""How much the same small change of each number does, against how many numbers there are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator

DRAWS, SIZES = 64, 16


class Growth(NamedTuple):
    """Hold sums over ever more of a net's own weights, drawn by chance: of eps |w|, and of eps w with random signs."""

    sizes: Array  # (k,) int: how many numbers
    along: Array  # (k, draws): eps times the sum of |w|
    random: Array  # (k, draws): eps times the sum of +-w
    mean: float  # of |w|, over all weights
    root: float  # root of the mean of w squared

    def line(self, eps: float) -> Array:
        """Return (k,): what the mean weight alone says of the change along the signs, eps d mean|w|."""
        return eps * self.sizes * self.mean

    def curve(self, eps: float) -> Array:
        """Return (k,): what is to be expected of random signs, the root of the mean square, eps sqrt(d) rms(w)."""
        curve: Array = eps * np.sqrt(self.sizes) * self.root
        return curve


def growth_of(weights: Array, eps: float, rng: Generator) -> Growth:
    """Return both sums for weights of any shape; at the full size the first is eps times their L1 norm."""
    flat = weights.ravel()
    sizes = np.unique(np.geomspace(1, flat.size, SIZES).round().astype(int))
    along, random = (np.empty((len(sizes), DRAWS)) for _ in range(2))
    for draw in range(DRAWS):
        order = rng.permutation(flat.size)
        drawn = flat[order]
        signs = rng.integers(0, 2, flat.size) * 2 - 1
        along[:, draw] = eps * np.abs(drawn).cumsum()[sizes - 1]
        random[:, draw] = eps * (signs * drawn).cumsum()[sizes - 1]
    return Growth(sizes, along, random, float(np.abs(flat).mean()), float(np.sqrt((flat**2).mean())))
