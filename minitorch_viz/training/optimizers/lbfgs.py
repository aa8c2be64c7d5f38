"""L-BFGS: Newton's step with the curvature that the last few steps have shown.

An image that is optimized has a value and a gradient without noise, and then L-BFGS needs far fewer evaluations than
the optimizers beside this file. It asks for values at several points, so its step takes the function itself:

    >>> def bowl(x):
    ...     return ((x - [1, 10, 100]) ** 2).sum(), 2 * (x - [1, 10, 100])
    >>> optimizer = LBFGS()
    >>> state = optimizer.start(np.zeros(3), bowl)
    >>> while state.status == "moving":
    ...     state = optimizer.step(state, bowl)
    >>> state.x.round(6).tolist(), state.status
    ([1.0, 10.0, 100.0], 'converged')

Read `direction` first, then `LBFGS.step`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers.fields import NumberField, WholeField
from minitorch_viz.training.optimizers._lbfgs_line import (
    Function,
    Line,
    Point,
    evaluated,
    frozen,
    inner,
    length_of,
    searched,
)

NUMBERS = ("steps", "evaluations", "value", "scale", "status", "words")  # the fields of a state that are no arrays
CURVATURE = 1e-10  # the cosine between move and change at least, for a pair to be kept
SMALL = tuple(10.0**-k for k in range(1, 13))  # of the first step: what is tried where the line search failed


class State(NamedTuple):
    """Hold where a minimization stands, and all that the next step depends on. Nothing in it is written to again."""

    steps: int  # taken so far
    evaluations: int  # of the function, so far
    x: Array  # float64, of the shape given
    value: float
    gradient: Array  # as x
    moves: tuple[Array, ...]  # the last m steps of x, each (D,), the oldest first
    changes: tuple[Array, ...]  # how the gradient changed along each, over `scale`
    scale: float  # a power of two near the start's largest slope; over it a loss of 1e12 is one like another
    status: str  # "moving", "converged" (the gradient is small), "still" (it is not, but no step lowers the value)
    words: str  # what happened in the last step, if it is worth a sentence; "" if not

    @property
    def largest_slope(self) -> float:
        """Return the largest entry of the gradient, without its sign."""
        return float(np.abs(self.gradient).max())

    def packed(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """Return the state as arrays by name, and what JSON can hold: `unpacked` makes the same state of them."""
        arrays = {"x": self.x, "gradient": self.gradient}
        for i, (move, change) in enumerate(zip(self.moves, self.changes, strict=True)):
            arrays |= {f"move{i}": move, f"change{i}": change}
        return arrays, {name: getattr(self, name) for name in NUMBERS} | {"pairs": len(self.moves)}


def unpacked(arrays: Mapping[str, Array], numbers: Mapping[str, Any]) -> State:
    """Return the state that was packed, to the bit. Raises KeyError where a part is missing."""
    pairs = range(numbers["pairs"])
    return State(
        x=frozen(arrays["x"]),
        gradient=frozen(arrays["gradient"]),
        moves=tuple(frozen(arrays[f"move{i}"]) for i in pairs),
        changes=tuple(frozen(arrays[f"change{i}"]) for i in pairs),
        **{name: numbers[name] for name in NUMBERS},
    )


@dataclass(frozen=True)
class LBFGS:
    """Minimize a smooth function of one array (Nocedal 1980; Liu and Nocedal 1989; Nocedal and Wright, algorithm 7.5).

    Each step goes along `direction` to a point that fulfils the strong Wolfe conditions (scipy.optimize.line_search).
    The optimizer remembers nothing: the state holds the history, so a run that was stopped goes on to the same bits.

    pairs: how many steps are remembered; each costs two float64 arrays as large as x. first_step: the length of the
    first step (Euclidean norm), and of any without a history; the line search doubles or shortens it. tolerance: it
    has converged when the largest slope is at most this share of the start's (which is rounded up to a power of two).
    """

    pairs: WholeField = WholeField(10, least=1)
    first_step: NumberField = NumberField(1.0, least=0)
    tolerance: NumberField = NumberField(1e-8, least=0)

    def __post_init__(self) -> None:
        if self.first_step == 0:
            raise SettingError("LBFGS's first_step must be above 0: a step of length 0 goes nowhere.")

    def start(self, x: Array, function: Function) -> State:
        """Return the state before the first step.

        x: floats, any shape. function: gives (value, gradient) at an array as x, always the same at the same x; it gets
        float64, whatever x was, and may not write to it.

        Raises ShapeError if x is no array of floats or the function gives something else, SettingError if the value or
        the gradient is not finite there.
        """
        if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or not x.size:
            kind = f"an array {x.shape} of {x.dtype}" if isinstance(x, np.ndarray) else f"a {type(x).__name__}"
            raise ShapeError(f"L-BFGS starts at a NumPy array of floats with at least one entry, but got {kind}.")
        flat = frozen(x.reshape(-1))
        value, gradient = evaluated(function, flat, x.shape)
        if not np.isfinite(flat).all() or not np.isfinite(value) or not np.isfinite(gradient).all():
            raise SettingError(
                f"L-BFGS needs a finite start, but the value there is {value:g} and "
                f"{np.count_nonzero(~np.isfinite(gradient))} of the {gradient.size} entries of its gradient are not "
                "finite; start elsewhere."
            )
        slope = float(np.abs(gradient).max())
        scale = 2.0 ** np.clip(np.ceil(np.log2(slope)), -1000, 1000) if slope else 1.0
        state = State(
            0, 1, flat.reshape(x.shape), value, gradient.reshape(x.shape), (), (), float(scale), "moving", ""
        )  # fmt: skip
        if slope == 0:
            words = (
                "The gradient is exactly 0 at the start: either the value does not depend on x there (a unit that does "
                "not fire, a loss that is saturated), or the start is a minimum already."
            )
            return state._replace(status="still", words=words)
        return state

    def step(self, state: State, function: Function) -> State:
        """Take one step downhill; a state that is not moving comes back as it is.

        function: as in `start`. Where its value or gradient is not finite, the step is halved until it is. If the line
        search fails, the history is dropped and a small step is taken along the gradient. Both are told in the new
        state's `words`. If no step lowers the value, its status is "still".

        Raises SettingError if the state is no state of L-BFGS, ShapeError if the function gives something else.
        """
        if not isinstance(state, State):
            raise SettingError(
                f"LBFGS needs a state that LBFGS.start or LBFGS.step gave, but got a {type(state).__name__}."
            )
        if state.status != "moving":
            return state
        line = Line(function, state.x.shape, state.scale)
        origin = Point(frozen(state.x.reshape(-1)), state.value, frozen(state.gradient.reshape(-1)))
        slopes = origin.gradient / state.scale
        downhill = direction(slopes, state.moves, state.changes)
        if not state.moves:
            downhill *= self.first_step / length_of(downhill)
        point, words = searched(line, origin, downhill)
        if point is None:
            state = state._replace(moves=(), changes=())
            point, recovery = self._small_step(line, origin, slopes)
            words = f"{words} {recovery}"
        if point is None:
            return state._replace(evaluations=state.evaluations + line.evaluations, status="still", words=words)
        return self._after(state, origin, point, line.evaluations, words)

    def _small_step(self, line: Line, origin: Point, slopes: Array) -> tuple[Point | None, str]:
        """Return a lower point a small step along the gradient, ever smaller ones being tried, and what was done."""
        steepest = slopes * (self.first_step / length_of(slopes))
        for share in SMALL:
            point = line.at(origin.x - share * steepest)
            if point.value < origin.value:
                length = share * self.first_step
                return point, f"The history was dropped, and a step of length {length:g} taken along the gradient."
        return None, (
            f"No step along the gradient lowers the value of {origin.value:.6g}, down to a length of "
            f"{SMALL[-1] * self.first_step:g}, although the largest slope is {np.abs(origin.gradient).max():.3g} "
            f"(about {line.scale:.3g} at the start): it stands still, which is not the same as converged. The value's "
            "rounding hides what is left, the gradient is not that of the value, or the function has an edge here."
        )

    def _after(self, state: State, origin: Point, point: Point, evaluations: int, words: str) -> State:
        """Return the state at a new point, its pair added to the history if the curvature along it is positive."""
        move, change = frozen(point.x - origin.x), frozen((point.gradient - origin.gradient) / state.scale)
        moves, changes = state.moves, state.changes
        if inner(move, change) > CURVATURE * length_of(move) * length_of(change):
            moves, changes = (*moves, move)[-self.pairs :], (*changes, change)[-self.pairs :]
        status, largest = "moving", float(np.abs(point.gradient).max())
        if largest <= self.tolerance * state.scale:
            status = "converged"
            words = f"{words} Converged: the largest slope is {largest:.3g}, of about {state.scale:.3g} at the start."
        return State(
            state.steps + 1, state.evaluations + evaluations, point.x.reshape(state.x.shape), point.value,
            point.gradient.reshape(state.x.shape), moves, changes, state.scale, status, words.strip(),
        )  # fmt: skip


def direction(slopes: Array, moves: Sequence[Array], changes: Sequence[Array]) -> Array:
    """Return the way downhill: minus the inverse curvature that the pairs have shown, times the slopes, all (D,).

    The two-loop recursion (Nocedal 1980): what BFGS's matrix gives, without the matrix of D x D. Without pairs it is
    the steepest descent.
    """
    curvatures = [inner(move, change) for move, change in zip(moves, changes, strict=True)]
    pairs = list(zip(moves, changes, curvatures, strict=True))
    rest = -slopes
    shares = []
    for move, change, curvature in reversed(pairs):  # the newest first
        share = inner(move, rest) / curvature
        rest = rest - share * change
        shares.append(share)
    if pairs:
        rest = rest * (curvatures[-1] / inner(changes[-1], changes[-1]))  # the usual curvature, as one number
    for (move, change, curvature), share in zip(pairs, reversed(shares), strict=True):  # the oldest first
        rest = rest + (share - inner(change, rest) / curvature) * move
    return rest
