"""In words: how much of a value the pixels hold, and where the rest stayed."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.rules.accounts import Books

COMPLETE = 0.01  # of the value: shares that miss it by no more add up
LARGE_TIMES = 100  # times the value: a share beyond that says more about cancelling than about the pixel
NAMED = 3  # nodes of each cause that are named
SHOWN = 0.0005  # of the value: less is "0.0 %"


def books_notes(shares: Array, value: float, books: Books, of: str = "", places: str = "pixel") -> tuple[str, ...]:
    """Return a note if the shares (C, h, w) miss the value by more than 1 percent, and one if a share is far above it.

    of: the rule, to begin with, where there are several. places: what has a share: a "pixel", a "column", a "step".
    """
    if not np.isfinite(shares).all() or not np.isfinite(value) or value == 0:
        return ()  # such maps are blank, for a reason that is said
    notes, held, of = [], float(shares.sum(dtype=np.float64)), f"{of}: " if of else ""
    if abs(held - value) > COMPLETE * abs(value):
        notes.append(
            f"{of}The shares do not add up to the value: the {places}s hold {held:.4g} of {value:.4g} "
            f"({_percent(held, value)}). The rest stayed on the way: {where_it_stayed(held, value, books)}."
        )
    largest = float(max(np.abs(shares).max(), np.abs(shares.sum(axis=0)).max()))
    if largest > LARGE_TIMES * abs(value):
        notes.append(
            f"{of}One {places}'s share is {largest:.3g} in magnitude, {largest / abs(value):.0f} times the value: "
            f"shares for and against nearly cancel, so that single {places}s say little."
        )
    return tuple(notes)


def where_it_stayed(held: float, value: float, books: Books) -> str:
    """Return "95.1 % at biases (features.0 40.2 %, ...), 0.6 % at epsilon (classifier.1 0.6 %)", the largest first."""
    clauses = []
    for why, places in books.by_cause().items():
        if why == "rounding" or max(map(abs, places.values())) < COMPLETE / 10 * abs(value):
            continue
        large = sum(abs(amount) >= SHOWN * abs(value) for amount in places.values())  # they come first
        count = max(1, min(NAMED, large))
        named = [f"{name} {_percent(amount, value)}" for name, amount in list(places.items())[:count]]
        others = list(places.values())[count:]
        if others:
            named.append(f"{len(others)} other{'s' if len(others) > 1 else ''} {_percent(sum(others), value)}")
        clauses.append(f"{_percent(sum(places.values()), value)} at {why} ({', '.join(named)})")
    elsewhere = value - held - books.total
    if abs(elsewhere) > COMPLETE / 10 * abs(value):
        clauses.append(f"{_percent(elsewhere, value)} on ways that lead to no pixel")
    return ", ".join(clauses)


def _percent(part: float, total: float) -> str:
    return f"{100 * part / total:.1f} %"
