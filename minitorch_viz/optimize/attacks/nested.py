"""An attempt inside another one: what an attack keeps that is a part of a longer run."""

from __future__ import annotations

from typing import Any

from minitorch_viz.optimize.attacks.attempt import Attempt

PREFIX = "attack/"  # the names of what the attempt inside keeps


def as_inner(within: Attempt) -> dict[str, Any]:
    """Return what an attempt packs, as entries of another one's inner state."""
    arrays, numbers = within.packed()
    return {PREFIX + name: value for name, value in arrays.items()} | {PREFIX: {**numbers, "total": within.total}}


def inner_attempt(whole: Attempt) -> Attempt | None:
    """Return the attempt inside another one's inner state, to the bit; None where there is none."""
    if PREFIX not in whole.inner:
        return None
    arrays = {
        name.removeprefix(PREFIX): value
        for name, value in whole.inner.items()
        if name.startswith(PREFIX) and name != PREFIX
    }
    numbers = whole.inner[PREFIX]
    return Attempt.unpacked((arrays, numbers), int(numbers["total"]))
