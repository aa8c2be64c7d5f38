"""The ways down: a picture is moved until the net says of it what it says of the photo."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.optimization._inversion_lbfgs import Newtonian, smooth
from minitorch_viz.techniques.optimization._inversion_problem import Descent, Packed, Problem
from minitorch_viz.techniques.optimization._inversion_published import Rolling
from minitorch_viz.techniques.optimization._inversion_weights import PUBLISHED, Method

SPREAD = 10.0  # of the noise to start from, in steps of 0..255


def begun(problem: Problem, method: Method) -> Descent:
    """Return a descent before its first step."""
    return Newtonian.begun(problem) if method == "lbfgs" else Rolling.begun(problem, method)


def gone_on(problem: Problem, method: Method, packed: Packed) -> Descent:
    """Return a descent where it stood when it was packed."""
    return Newtonian.unpacked(problem, packed) if method == "lbfgs" else Rolling.unpacked(problem, method, packed)


def steps_of(method: Method) -> int:
    """Return how many steps a method takes where no number is given."""
    return 100 if method == "lbfgs" else PUBLISHED[method].steps


def noise(shape: tuple[int, ...], method: Method, seed: int, number: int) -> Array:
    """Return the start of one of several pictures: noise about the mean colour, of L-BFGS in large areas, too."""
    white = np.random.default_rng((seed, number)).standard_normal(shape) * SPREAD
    return smooth(white) if method == "lbfgs" else white
