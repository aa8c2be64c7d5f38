"""The order of the work: every picture a little, then all of them more, so that a budget leaves no layer out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from minitorch_viz._types import Array
from minitorch_viz.techniques.optimization._inversion_descent import begun, gone_on
from minitorch_viz.techniques.optimization._inversion_lbfgs import PAIRS
from minitorch_viz.techniques.optimization._inversion_problem import Descent, Packed, Problem
from minitorch_viz.techniques.optimization._inversion_weights import Method
from minitorch_viz.techniques.run import Pace
from minitorch_viz.techniques.state import State

SHARES = (0.1, 0.3, 1.0)  # of the steps, after each round
ROOM = 400e6  # bytes for what optimizers remember; where that is not enough, layers come one after the other


@dataclass(frozen=True, eq=False)
class Ended:
    """Hold a picture that is finished: what its optimizer remembered is not needed any more."""

    problem: Problem
    x: Array  # (1, C, H, W), pixel - mean
    done: int
    words: tuple[str, ...]
    ended: bool = True

    def step(self) -> Ended:
        """Return it as it is."""
        return self

    def packed(self) -> Packed:
        """Return what it is made of."""
        return {"x": self.x}, {"ended": self.done, "told": list(self.words)}


def rounds(
    problems: Mapping[str, Problem], method: Method, steps: int, descents: dict[str, Descent]
) -> Iterator[tuple[dict[str, Descent], list[str]]]:
    """Yield all descents, and which of them changed since the last time, until all have ended.

    descents: those of an earlier run; others begin here.
    """
    changed = list(descents)
    for key, problem in problems.items():
        if key not in descents:
            descents[key] = _kept(begun(problem, method))
            if descents[key].ended:
                changed.append(key)
    if all(descent.ended for descent in descents.values()):
        yield descents, changed
        return
    remembered = sum(problem.start.size for problem in problems.values()) * 8 * 2 * PAIRS
    pace = Pace()
    for share in SHARES if remembered < ROOM else (1.0,):
        goal = max(round(share * steps), 1)
        for key in problems:
            if descents[key].ended or descents[key].done >= goal:
                continue
            while not descents[key].ended and descents[key].done < goal:
                descents[key] = _kept(descents[key].step())
                at_end = descents[key].ended or descents[key].done >= goal
                if at_end or pace.due():
                    yield descents, sorted({*changed, key})
                    changed = []


def state_of(descents: Mapping[str, Descent]) -> State:
    """Return what another run goes on from."""
    arrays: dict[str, Array] = {}
    numbers: dict[str, Any] = {}
    for key, descent in descents.items():
        own, numbers[key] = descent.packed()
        arrays |= {f"{key}/{name}": value for name, value in own.items()}
    return State(arrays, numbers)


def states_from(problems: Mapping[str, Problem], method: Method, state: State | None) -> dict[str, Descent]:
    """Return the descents of a kept state."""
    descents: dict[str, Descent] = {}
    if state is None:
        return descents
    for key, problem in problems.items():
        prefix, numbers = f"{key}/", state.numbers[key]
        arrays = {name.removeprefix(prefix): value for name, value in state.arrays.items() if name.startswith(prefix)}
        if "ended" in numbers:
            descents[key] = Ended(problem, arrays["x"], int(numbers["ended"]), tuple(numbers["told"]))
        else:
            descents[key] = gone_on(problem, method, (arrays, numbers))
    return descents


def _kept(descent: Descent) -> Descent:
    """Return a descent; of one that has ended its picture alone."""
    return Ended(descent.problem, descent.x, descent.done, descent.words) if descent.ended else descent
