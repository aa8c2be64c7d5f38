"""How much of a smooth picture a code is traded for: the weights of the penalties, by depth, and published settings.

One form for all: of a picture x = pixel - mean, H x W pixels, what falls is

    |phi(x) - phi0|^2 / |phi0|^2  +  (R6(x) + RTV(x)) / (C H W)

    R6  = sum over values of (|x| / 80)^6                        no pixel far from the mean colour
    RTV = sum over values of (down^2 + right^2) (6.5 / 80)^2     no neighbours that differ

with the bounds B = 80 and V = B / 6.5 of Mahendran and Vedaldi 2016, in steps of 0..255 as here. A large C trusts the
code, a small one asks for smoothness. Their 2015 paper divides x by the norm of a natural picture, about DEVIATION a
value, and weighs the total variation by 1, 10 and 100 in the thirds of the depth: in this form C = 143, 14 and 1.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from minitorch_viz._types import Array
from minitorch_viz.optimize.regularizers import LpNorm, TotalVariation

Method = Literal["lbfgs", "mahendran-2015", "mahendran-2016"]

BOUND = 80.0  # B: the size of a value that counts as 1
VARIATION = BOUND / 6.5  # V: the difference of neighbours that counts as 1
DEVIATION = 60.0  # of natural pictures about the mean colour, in steps of 0..255
SHALLOW, SHARE, DEEP = 1e4, 1 / 3, 3.0  # C of the first layer with weights, of it for each further one, and at least
NORM = LpNorm(6.0, BOUND)
VARIANCE = TotalVariation(2.0, scale=VARIATION)


@dataclass(frozen=True)
class Published:
    """Hold a published schedule: steps, each with a share of the rate, and what C is by depth."""

    title: str
    stages: tuple[tuple[int, float], ...]  # (steps, rate)
    trusts: tuple[float, ...]  # C in equal parts of the depth
    jitters: bool  # by a quarter of the node's stride

    @property
    def steps(self) -> int:
        """Return how many steps it takes."""
        return sum(steps for steps, _ in self.stages)


def from_2015(weight: float) -> float:
    """Return C for the paper's weight of the total variation, (weight / 2) sum (down^2 + right^2) / |natural x|^2.

    Per pixel and channel that is weight / (2 * 3 DEVIATION^2); in the form above 1 / (C VARIATION^2).
    """
    return 6 * DEVIATION**2 / (weight * VARIATION**2)


# The rate is that of a picture in the papers' units; `in_steps` brings it to steps of 0..255.
PUBLISHED: dict[str, Published] = {
    "mahendran-2015": Published(
        "momentum as in Mahendran and Vedaldi 2015",
        ((100, 0.004), (200, 0.0004), (100, 0.00004)),
        tuple(from_2015(weight) for weight in (1, 10, 100)),
        jitters=False,
    ),
    "mahendran-2016": Published(
        "momentum and jitter as in Mahendran and Vedaldi 2016",
        ((300, 0.05 / 6), (50, 0.005 / 6)),
        (100.0, 20.0, 1.0),
        jitters=True,
    ),
}


def trust_at(method: Method, depth: int, deepest: int) -> float:
    """Return C at a depth, 1 at the first layer with weights and `deepest` at the last."""
    depth = max(depth, 1)
    if method == "lbfgs":
        return max(SHALLOW * SHARE ** (depth - 1), DEEP)
    steps = PUBLISHED[method].trusts
    return steps[min(len(steps) * (depth - 1) // max(deepest, 1), len(steps) - 1)]


def penalty(x: Array, trusted: float) -> tuple[float, Array]:
    """Return what is added to the code's distance for pictures x (1, C, H, W), and its gradient."""
    weight = 1 / (trusted * x.shape[-2] * x.shape[-1])
    value = weight * float(NORM.value(x)[0] + VARIANCE.value(x)[0])
    return value, weight * (NORM.gradient(x) + VARIANCE.gradient(x))
