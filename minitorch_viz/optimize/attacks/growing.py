"""The smallest eps that is enough: an attack of a fixed eps, tried with larger and larger ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.optimize.attacks.aim import Aim
from minitorch_viz.optimize.attacks.attempt import Attempt, Packed
from minitorch_viz.optimize.attacks.base import Attack
from minitorch_viz.optimize.attacks.box import Box
from minitorch_viz.optimize.attacks.nested import as_inner, inner_attempt
from minitorch_viz.optimize.attacks.norms import Norm

DOUBLINGS = 8  # from one grey level to 128
PIXELS = (1.0, 3.0, 5.0)  # as many as Su, Vargas and Sakurai let change


def doubled(box: Box, norm: Norm, values: int) -> tuple[float, ...]:
    """Return the eps to try: 1, 2, 4, ... 128 grey levels of each of so many values, and in L2 of all together.

    In L0 an eps is a number of pixels.
    """
    if norm == "l0":
        return tuple(count for count in PIXELS if count <= values)
    grains = [box.grain * 2.0**power for power in range(DOUBLINGS)]
    return tuple(grain * np.sqrt(values) if norm == "l2" else grain for grain in grains)


def growing(
    attack: Attack,
    aim: Aim,
    pixels: Array,
    tried: Sequence[float],
    *,
    sure: float = 0.0,
    seed: int = 0,
    state: Packed | None = None,
) -> Iterator[Attempt]:
    """Yield where an attack stands whose eps is tried anew with each of `tried`, for the pictures not fooled yet.

    tried: from small to large. sure: how probable the answer must be for a picture to count. `inner["eps"]` of an
    attempt is (N,): the eps at which each was fooled first, 0 without any change, NaN where it is not.

    Of one step attacks a larger eps need not fool where a smaller one does: the smallest of those tried is taken.
    Raises SettingError for an attack that looks for the smallest change by itself.
    """
    if attack.kind != "fixed eps":
        raise SettingError(f"{attack.name} looks for the smallest change itself: it has no eps to be tried.")
    if state is None:
        whole = Attempt.begin(aim, pixels, 1)
        whole = replace(whole, inner={"eps": np.where(whole.fooled, 0.0, np.nan), "round": 0})
    else:
        whole = Attempt.unpacked(state, int(state[1]["inner"]["total"]))
    within, number = inner_attempt(whole), int(whole.inner["round"])
    if within is not None and within.done == within.total:
        within, number = None, number + 1
    rows = _missing(whole, aim, sure) if within is None else whole.inner["rows"]
    if not len(rows) and whole.done == 0:
        yield replace(whole, done=1, inner={**whole.inner, "total": 1})
    while number < len(tried) and len(rows):
        begun = None if within is None else within.packed()
        passes = 0 if within is None else within.passes
        of_rows = replace(attack, eps=tried[number])  # type: ignore[call-arg]  # those of a fixed eps have one
        for within in of_rows.attempts(aim.of(rows), pixels[rows], seed=seed, state=begun):
            whole = whole.seen(aim, rows, within.pixels, within.logits, within.values)
            eps = np.where(whole.fooled & np.isnan(whole.inner["eps"]), tried[number], whole.inner["eps"])
            is_over = within.done == within.total and (number + 1 == len(tried) or not len(_missing(whole, aim, sure)))
            total = whole.done + 1 if is_over else within.total * len(tried)
            inner = {"eps": eps, "round": number, "rows": rows, "total": total, **as_inner(within)}
            whole = replace(whole.after(within.passes - passes, **inner), total=total)
            passes = within.passes
            yield whole
        within, number, rows = None, number + 1, _missing(whole, aim, sure)


def _missing(whole: Attempt, aim: Aim, sure: float) -> Array:
    """Return the numbers of the pictures that are not fooled, or not surely enough."""
    best = aim.shares(whole.logits).max(axis=1)
    return np.flatnonzero(~(whole.fooled & (best >= sure)))
