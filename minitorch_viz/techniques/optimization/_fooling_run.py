"""An attack as it runs: what is known of it after each step, and what another run goes on from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.attacks import Aim, Attempt
from minitorch_viz.optimize.attacks.carried import Companions, carried
from minitorch_viz.optimize.attacks.growing import growing
from minitorch_viz.techniques.optimization._fooling_settings import Means
from minitorch_viz.techniques.state import State

NEW, OLD = "share/new", "share/old"  # what a state keeps of the probabilities after each step


class Moment(NamedTuple):
    """Hold one input's attack after a step."""

    attempt: Attempt
    share_new: Array  # (total,): the probability of the target, or of the best other answer; NaN for steps to come
    share_old: Array  # (total,): that of the answer that is to go away
    steps_each: int  # steps that each eps gets, where several are tried; else 0
    eps: float  # that fooled first, else the last one that was tried; NaN of an attack without

    @property
    def state(self) -> State:
        """Return what another run goes on from."""
        arrays, numbers = self.attempt.packed()
        done = self.attempt.done
        shares = {NEW: self.share_new[:done].copy(), OLD: self.share_old[:done].copy()}
        return State({**arrays, **shares}, {**numbers, "total": self.attempt.total})


def moments(
    means: Means, aim: Aim, pixels: Array, companions: Companions | None, seed: int, state: State | None
) -> Iterator[Moment]:
    """Yield where the attack of one input (1, ...) stands after each step; from a state at first where that stood.

    companions: of which a change for all is made.
    """
    attack, new, old = means.attack, list[float](), list[float]()
    packed = None
    if state is not None:
        packed = (state.arrays, state.numbers)
        new, old = list(state.arrays[NEW]), list(state.arrays[OLD])
        attempt = Attempt.unpacked(packed, int(state.numbers["total"]))
        yield _moment(means, attempt, new, old)
        if attempt.done == attempt.total:
            return
    if companions is not None:
        loop = carried(attack, companions, aim, pixels, seed=seed, state=packed)
    elif means.tried:
        loop = growing(attack, aim, pixels, means.tried, sure=means.sure, seed=seed, state=packed)
    else:
        loop = attack.attempts(aim, pixels, seed=seed, state=packed)
    for attempt in loop:
        shares = aim.shares(attempt.logits)[0].copy()
        old.append(float(shares[aim.labels[0]]))
        if aim.targets is None:
            shares[aim.labels[0]] = -1.0
            new.append(float(shares.max()))
        else:
            new.append(float(shares[aim.targets[0]]))
        yield _moment(means, attempt, new, old)


def _moment(means: Means, attempt: Attempt, new: list[float], old: list[float]) -> Moment:
    rest = [np.nan] * (attempt.total - attempt.done)
    eps, steps = float(getattr(means.attack, "eps", np.nan)), 0
    if means.tried:
        number = int(attempt.inner["round"])
        first = float(attempt.inner["eps"][0])  # at which the net was fooled
        eps = means.tried[number] if np.isnan(first) else first
        steps = int(attempt.inner["attack/"]["total"]) if "attack/" in attempt.inner else attempt.total
    return Moment(attempt, np.array(new + rest), np.array(old + rest), steps, eps)
