"""What a fooled net is called in words: the caption, and what must be known of how it came out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.attacks.carried import Companions
from minitorch_viz.optimize.attacks.norms import WORDS

if TYPE_CHECKING:
    from minitorch_viz.techniques.optimization.fooling import Fooled


def caption(result: Fooled) -> str:
    """Return both answers, the attack, and the size of the change with its unit and its colours."""
    start = "noise" if result.from_noise else f"the {result.noun}"
    answers = (
        f"{result.net} answers {result.before.names[0]} to {start} (probability {result.before.shares[0]:.3g}) and "
        f"{result.after.names[0]} to {start} with the change (probability {result.after.shares[0]:.3g}). "
    )
    wanted = f", towards {result.target}" if result.target else ""
    attack = (
        f"The attack is {result.method} ({result.paper}){wanted}{_limit(result)}: {result.passes} passes through the "
        "net. "
    )
    units = "steps of 0 to 255" if result.pixels else "the net's units"
    places = "values" if result.change.ndim == 2 else f"{result.place}s"
    size = (
        f"The change is {length(result)} in L2, {result.linf:.3g} in L-infinity and {result.rms:.3g} a value (root "
        f"mean square), in {units}; {result.l0:,} {places} differ. "
    )
    return answers + attack + size + _colours(result) + _as_files(result)


def length(result: Fooled) -> str:
    """Return the L2 of the change, without an exponent."""
    return f"{result.l2:,.0f}" if result.l2 >= 1000 else f"{result.l2:.4g}"


def _limit(result: Fooled) -> str:
    """Say how far the change may go."""
    if not np.isfinite(result.eps):
        return ""
    eps = f", within eps = {result.eps:.4g} ({WORDS[result.norm]})"
    if not result.steps_each:
        return eps
    return f"{eps}, the smallest tried that is enough" if result.fooled else f"{eps}, the largest tried"


def _colours(result: Fooled) -> str:
    """Say how the change is drawn."""
    if result.of_numbers is not None:
        return "The change is drawn on a scale of its own: red is more, blue less. "
    middle = "mid-grey" if len(result.change) == 3 else "white"
    return (
        f"It is drawn {result.factor:.3g} times as large: {middle} is no change, full colour one of {result.scale:.3g} "
        "(99.5th percentile). The net sees these very pixels, before mean and std. "
    )


def _as_files(result: Fooled) -> str:
    """Say what the net answers to the picture as it would be saved."""
    if not result.trials:
        return "The bars are probabilities from 0 to 1."
    parts = [f"{trial.way} it is {trial.answer} ({trial.probability:.2g})" for trial in result.trials]
    return f"The bars are probabilities from 0 to 1. As a file: {'; '.join(parts)}."


def of_all(companions: Companions, rates: Array) -> str:
    """Say how many pictures a change for all fools; rates (2,): of those that it was made of, and of others."""
    count, fresh = len(companions.of_making), len(companions.of_judging)
    if np.isnan(rates).any():
        return f"The change is being made of {count} other pictures, and will be tried on {fresh} more."
    return (
        f"The change was made of {count} other pictures, of which it fools {rates[0]:.0%}; of {fresh} that had no part "
        f"in it, nor has this one, it fools {rates[1]:.0%}."
    )


def outcome(result: Fooled) -> tuple[str, ...]:
    """Return a note where the net is not fooled, or no longer is by the file."""
    if not result.fooled:
        goal = f"the answer is not {result.target}" if result.target else f"the answer is still {result.new}"
        more = "a larger eps" if np.isfinite(result.eps) and not result.steps_each else "more steps"
        return (f"The net is not fooled: {goal}. Allow {more}, or take another attack.",)
    lost = [trial.way for trial in result.trials if not trial.fooled]
    return (f"The net is no longer fooled by the picture {' or '.join(lost)}.",) if lost else ()
