"""How genes change: polynomial mutation, and two parents crossed as binary strings would be (SBX).

A gene is a number from 0 to 1. Both operators come from Deb 2001, Multi-Objective Optimization using Evolutionary
Algorithms, pages 113 and 124; the larger eta is, the nearer children stay to their parents.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array, Generator


def polynomial_mutation(genes: Array, rng: Generator, rate: float, eta: float) -> Array:
    """Return genes of which each is changed with the probability `rate`, in float64.

    With u uniform in 0..1 the change is (2 u)^(1 / (eta + 1)) - 1 below u = 1/2, and its mirror image above: on average
    1 / (eta + 2) of the range in either direction. What would leave 0..1 stays at the border.
    """
    chosen = rng.random(genes.shape) < rate
    changed = genes.astype(np.float64)
    changed[chosen] = np.clip(changed[chosen] + polynomial_change(rng.random(int(chosen.sum())), eta), 0, 1)
    return changed


def polynomial_change(u: Array, eta: float) -> Array:
    """Return the changes that uniform numbers u mean: their distribution is that of Deb's polynomial."""
    side: Array = np.minimum(u, 1 - u)
    size = 1 - (2 * side) ** (1 / (eta + 1))
    return np.where(u < 0.5, -size, size)


def simulated_binary_crossover(first: Array, second: Array, rng: Generator, eta: float) -> tuple[Array, Array]:
    """Return two children of two parents, in float64: gene by gene as far from the parents' mean as beta says.

        child = ((1 + beta) first + (1 - beta) second) / 2, and the other with the signs of beta changed

    With u uniform in 0..1, beta = (2 u)^(1 / (eta + 1)) up to u = 1/2, and 1 / (2 (1 - u))^(1 / (eta + 1)) above: the
    children's mean is their parents', and they lie as often between them as outside. Which child is which is drawn for
    each gene. What would leave 0..1 stays at the border.
    """
    u = rng.random(first.shape)
    beta = np.where(u <= 0.5, 2 * u, 1 / (2 * np.maximum(1 - u, 1e-12))) ** (1 / (eta + 1))
    middle, half = (first.astype(np.float64) + second) / 2, beta * (first.astype(np.float64) - second) / 2
    half = np.where(rng.random(first.shape) < 0.5, half, -half)
    return np.clip(middle + half, 0, 1), np.clip(middle - half, 0, 1)
