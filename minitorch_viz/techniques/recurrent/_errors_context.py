"""How far back the context helps: the same letters predicted after ever longer contexts, each begun with no memory."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.models import Model
from minitorch_viz.models.carry import log_probabilities
from minitorch_viz.techniques.explain.reading import alphabet_of

LENGTHS = (1, 2, 3, 4, 5, 6, 8, 12, 20, 35, 60, 100, 150, 200, 300, 500, 1000)  # letters of context
CHUNK = 50  # texts that are read side by side


def lengths_up_to(reach: int) -> tuple[int, ...]:
    """Return the contexts that are tried, the longest of them `reach` letters."""
    return (*(length for length in LENGTHS if length < reach), reach)


def places_of(start: int, stop: int, reach: int, count: int) -> Array:
    """Return at most `count` places of letters from start to stop, evenly spread, with `reach` letters before each."""
    begin = max(start, reach)
    total = max(stop - begin, 0)
    return begin + (np.arange(min(count, total)) * total) // max(min(count, total), 1)


def nats_after(model: Model, codes: Array, places: Array, length: int) -> Array:
    """Return how surprised the net is at the letters at some places, (M,), after `length` letters and no more."""
    alphabet = alphabet_of(model)
    nats = np.empty(len(places))
    for start in range(0, len(places), CHUNK):
        chunk = places[start : start + CHUNK]
        x = alphabet.rows(codes[chunk[:, None] + np.arange(-length, 0)], model.dtype)  # of (N, length) letters
        logs = log_probabilities(model.net, model.net.predict(x))
        nats[start : start + CHUNK] = -logs[np.arange(len(chunk)), -1, codes[chunk]]
    return nats
