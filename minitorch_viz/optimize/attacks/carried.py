"""One change for all pictures, carried to a picture that had no part in it, and counted on others that had none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.optimize.attacks.aim import Aim
from minitorch_viz.optimize.attacks.attempt import Attempt, Packed
from minitorch_viz.optimize.attacks.base import Attack
from minitorch_viz.optimize.attacks.losses import margin
from minitorch_viz.optimize.attacks.nested import as_inner, inner_attempt
from minitorch_viz.optimize.attacks.shared import Shared

LEAST = 2  # pictures beside the one: one of which the change is made, one on which it is tried
RATES = "rates"  # the entry of `inner` with both shares
PLACES, FRESH = (1, 0), (1, 1)  # beside the seed: of where the change lies in the picture, and in those it is tried on


class Companions(NamedTuple):
    """Hold the pictures of which a change is made, and those on which it is tried."""

    making: Aim
    of_making: Array  # (M, ...)
    judging: Aim
    of_judging: Array  # (J, ...)


def companions_of(aim: Aim, others: Array) -> Companions:
    """Return every second of other pictures (N, ...) for making a change, and the rest for trying it.

    Those that the net takes for the target already are left out. Raises SettingError where fewer than two are left.
    """
    answers = aim.logits(others).argmax(axis=1) if len(others) else np.zeros(0, int)
    if aim.targets is not None:
        others, answers = others[answers != aim.targets[0]], answers[answers != aim.targets[0]]
    if len(others) < LEAST:
        raise SettingError(
            f"A change for all pictures is made of other pictures and tried on others again, so it needs at least "
            f"{LEAST} beside this one{'' if aim.targets is None else ' that are not of the target'}, but there are "
            f"{len(others)}: give a folder or a data set with pictures=."
        )
    targets = None if aim.targets is None else np.repeat(aim.targets[:1], len(others))
    whole = replace(aim, labels=answers, targets=targets)
    making, judging = slice(0, None, 2), slice(1, None, 2)
    return Companions(whole.of(making), others[making], whole.of(judging), others[judging])


def carried(
    attack: Attack, companions: Companions, aim: Aim, pixels: Array, *, seed: int = 0, state: Packed | None = None
) -> Iterator[Attempt]:
    """Yield where pictures (n, ...) stand that get what an attack makes of others, after each of its steps.

    What is fooled need not stay so. Of the last attempt `inner["rates"]` are the shares that are fooled of those that
    the change was made of, and of those that had no part in it; NaN before.

    Raises SettingError for an attack of single pictures.
    """
    if not isinstance(attack, Shared):
        raise SettingError(f"{attack.name} makes a change for each picture, and none that could be carried to others.")
    if state is None:
        whole = replace(Attempt.begin(aim, pixels, 1), inner={RATES: np.full(2, np.nan)})
    else:
        whole = Attempt.unpacked(state, 1)
    within = inner_attempt(whole)
    begun = None if within is None else within.packed()
    for within in attack.attempts(companions.making, companions.of_making, seed=seed, state=begun):
        x = attack.put_on(aim, within, pixels, np.random.default_rng([seed, *PLACES]))
        logits = aim.logits(x)
        rates = _rates(attack, companions, within, seed) if within.done == within.total else np.full(2, np.nan)
        whole = replace(
            whole, pixels=x, logits=logits, fooled=aim.fooled(logits), values=aim.loss(logits, margin)[0],
            done=within.done, total=within.total, passes=within.passes, inner={RATES: rates, **as_inner(within)},
        )  # fmt: skip
        yield whole


def _rates(attack: Shared, companions: Companions, within: Attempt, seed: int) -> Array:
    """Return the shares (2,) that are fooled: of the pictures of which the change was made, and of the others."""
    judging = companions.judging
    put = attack.put_on(judging, within, companions.of_judging, np.random.default_rng([seed, *FRESH]))
    return np.array([within.fooled.mean(), judging.fooled(judging.logits(put)).mean()])
