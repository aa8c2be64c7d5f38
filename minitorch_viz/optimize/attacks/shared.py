"""What the attacks share that make one change for all pictures: it can be put onto pictures that had no part in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.optimize.attacks.aim import Aim
from minitorch_viz.optimize.attacks.attempt import Attempt

BEST = "best"  # the entry of an attempt's `inner` with the change that fooled most pictures so far


@dataclass(frozen=True)
class Shared:
    """Be what an attack is beside `Attack` that makes one change for all pictures at once, from those that it is given.

    `inner["best"]` of an attempt is the change; how it does on the pictures that it was made of says little, so
    measure it on others by `put_on`. Of a picture alone what fools need not stay so: the change that fools more of
    them in all is kept.
    """

    one_for_all: ClassVar[bool] = True

    batch: int = 32

    def put_on(self, aim: Aim, attempt: Attempt, pixels: Array, rng: Generator) -> Array:
        """Return other pictures (N, ...) with the change of an attempt, within the box; rng: where a place is drawn."""
        raise NotImplementedError

    def _rows(self, attempt: Attempt, count: int, rng: Generator) -> tuple[Array, dict[str, Any]]:
        """Return the pictures of the next step, and what of `inner` keeps their order: each once in a round."""
        size = min(self.batch, count)
        steps = -(-count // size)
        place = attempt.done % steps
        order = rng.permutation(count) if place == 0 else attempt.inner["order"]
        return order[place * size : (place + 1) * size], {"order": order}

    def _is_round(self, attempt: Attempt, count: int) -> bool:
        """Return whether the next step ends a round: then the change is tried on all pictures."""
        steps = -(-count // min(self.batch, count))
        return (attempt.done + 1) % steps == 0 or attempt.done + 1 == attempt.total


def change_of(attempt: Attempt) -> Array:
    """Return the change that fooled most pictures so far; before the first round's end the present one."""
    change: Array = attempt.inner[BEST if BEST in attempt.inner else "change"]
    return change


def better_for_all(
    attempt: Attempt, pixels: Array, logits: Array, fooled: Array, values: Array, change: Array
) -> tuple[Attempt, Array]:
    """Return the attempt and its change: the new ones where these fool more pictures, or as many more surely.

    pixels (N, ...), logits (N, K), fooled (N,), values (N,): of all pictures with the new change.
    """
    old = (int(attempt.fooled.sum()), float(attempt.values.mean()))
    new = (int(fooled.sum()), float(values.mean()))
    if BEST in attempt.inner and not new > old:
        return attempt, attempt.inner[BEST]
    return replace(attempt, pixels=pixels, logits=logits, fooled=fooled, values=values), np.array(change)
