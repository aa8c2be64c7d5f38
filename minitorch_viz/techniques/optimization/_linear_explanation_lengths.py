"""How far the input is moved: the step that is shown, and the lengths at which the net is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.optimize.units import WHITE

if TYPE_CHECKING:
    from minitorch_viz.techniques.optimization._linear_explanation_task import Task
    from minitorch_viz.techniques.optimization._linear_explanation_units import OwnUnits

PLACES = 25  # lengths of a line
UNTURNED = 8.0  # grey levels, where no step tried turns the answer
UNTURNED_NUMBERS = 0.1  # of the numbers' standard deviation, of a net that takes no picture
LONGEST_MIX = 1.0  # of a mix: as long a vector as the photo itself
STRIP = 4  # mixes that are drawn, beside none
BEFORE, BETWEEN = 6, 5  # lengths up to where the answer turns; from one that is drawn to the next


def checked_eps(eps: object, units: OwnUnits) -> float:
    """Return eps as a float; SettingError unless it is above 0, and at most 255 of a picture."""
    is_number = isinstance(eps, (int, float, np.integer, np.floating)) and not isinstance(eps, bool)
    step = float(eps) if is_number else np.nan  # type: ignore[arg-type]  # `is_number` says that it is one
    if not (np.isfinite(step) and step > 0):
        unit = "grey levels of 0 to 255" if units.is_grey else "the numbers' own units"
        raise SettingError(f"eps is how far each number is moved, in {unit}: it must be above 0, but got {eps!r}.")
    if units.is_grey and step > WHITE:
        root = step / units.numbers.size**0.5
        raise SettingError(
            f"eps is how far each number is moved, at most 255 grey levels, but got {eps!r}. As an L2 norm of the "
            f"whole change it would be {root:.3g} a number: eps={root:.3g}."
        )
    return step


def chosen_eps(task: Task, turn: float) -> float:
    """Return the step that is shown where none is asked for.

    turn: the least step at which the answer turns: the next whole grey level, of numbers 5 % more, or NaN, where no
    step does.
    """
    if task.units.is_grey:
        return min(max(float(np.ceil(turn)), 1.0), WHITE) if np.isfinite(turn) else UNTURNED
    if np.isfinite(turn):
        return float(f"{1.05 * turn:.2g}")
    return float(f"{UNTURNED_NUMBERS * np.mean(task.units.std):.2g}")


def lengths_about(task: Task, eps: float, turn: float) -> Array:
    """Return the steps at which the net is asked, eps among them: from 0 to twice it, and past the turn."""
    end = max(2 * eps, 1.25 * turn if np.isfinite(turn) else 0.0)
    end = max(min(end, WHITE), eps) if task.units.is_grey else end
    return np.unique([*np.linspace(0, end, PLACES), eps])


def mix_lengths(turn: float, guess: float) -> Array:
    """Return the lengths of a mix: from 0 to where the answer turns, then up to that of the photo itself.

    guess: where it turns by the straight line, in place of NaN.
    """
    turn = turn if np.isfinite(turn) else guess
    least = turn if np.isfinite(turn) and 0 < turn < LONGEST_MIX / 2 else LONGEST_MIX / 20
    far = np.geomspace(least, LONGEST_MIX, BETWEEN * (STRIP - 1) + 1)
    return np.array([*np.linspace(0, least, BEFORE + 1), *far[1:]])


def shown_mixes() -> Array:
    """Return the numbers of the lengths that are drawn: 0, where the answer turns, and some beyond."""
    return np.array([0, *range(BEFORE, BEFORE + BETWEEN * (STRIP - 1) + 1, BETWEEN)])
