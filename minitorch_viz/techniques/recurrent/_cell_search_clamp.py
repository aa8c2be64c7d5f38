"""The clamp test: hold a cell at one value while the net writes, and see what becomes of the text.

A cell of an LSTM keeps its value if its forget gate is open and its input gate is shut, whatever it reads. So holding
is a net of its own: the rows of that cell's two gates get weights of 0 and a bias that settles them, and the memory
begins with the value. Nothing else is touched: the output gate still decides when the value is given out.

    f = sigmoid(100) = 1,  i = sigmoid(-100) = 0        c = 1 * c + 0 * g = c
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.models import Model
from minitorch_viz.models.writing import Writer, drawn
from minitorch_viz.techniques.explain.reading import quantities_of

TEXTS = 50  # that are written side by side
LENGTH = 200  # letters of each
GROUPS = 10  # of texts: how much they differ tells how sure their mean is
SETTLED = 100.0  # sigmoid(100) is 1 in every precision


class Clamp(NamedTuple):
    """Say what the texts are like that the net writes freely, and with the cell held at two values."""

    held: tuple[float, float]  # the memory's value that stands for yes (or much), and for no (or little)
    values: Array  # (3,): the measure of texts that were written freely, with yes, with no; NaN: it says nothing
    errors: Array  # (3,): their standard errors
    words: str  # what is measured
    letters: int  # that were written each time

    @property
    def differs(self) -> bool:
        """Return whether yes and no differ by more than two standard errors of their difference."""
        _, yes, no = self.values.tolist()
        return bool(abs(yes - no) > 2 * np.hypot(*self.errors[1:].tolist()))


def can_be_held(model: Model, node: str) -> bool:
    """Return whether a layer's cells have a memory that can be held: LSTMs' have."""
    return "c" in quantities_of(model, node)


def holding(model: Model, node: str, cell: int) -> Model:
    """Return the net in which one cell of an LSTM keeps the memory that it begins with."""
    layer = model.net[node].layer
    hidden = layer.params["weight_hh_l0"].shape[1]
    fresh: dict[str, Array] = {}
    for name, value in layer.params.items():
        changed = value.copy()
        for gate, settled in ((0, -SETTLED), (1, SETTLED)):  # PyTorch's order: i, f, g, o
            changed[gate * hidden + cell] = settled / 2 if value.ndim == 1 else 0  # of two biases half each
        fresh[f"{node}.{name}"] = changed
    return dataclasses.replace(model, net=model.net.with_params(fresh))


def clamp_test(
    model: Model,
    node: str,
    cell: int,
    held: tuple[float, float],
    measure: Callable[[str], float],
    words: str,
    seed: int = 0,
) -> Clamp:
    """Return what a measure says of 10,000 letters, written freely and with the cell held at each of two values.

    The three are drawn with the same random numbers. Each text begins with a line end.
    """
    twin = holding(model, node, cell)
    written = [texts_with(model, None, seed), *(texts_with(twin, (node, cell, value), seed) for value in held)]
    table = np.array([_measured(texts, measure) for texts in written])  # (3, 2)
    return Clamp(held, table[:, 0], table[:, 1], words, TEXTS * LENGTH)


def texts_with(model: Model, start: tuple[str, int, float] | None, seed: int) -> list[str]:
    """Return texts that the net writes, the memory of one cell beginning with a value: (node, cell, value)."""
    writer = Writer(model)
    states: dict[str, Array] = {}
    if start is not None:
        node, cell, value = start
        weight = writer.net[node].layer.params["weight_hh_l0"]
        memory = np.zeros((TEXTS, weight.shape[1]), weight.dtype)
        memory[:, cell] = value
        states[next(name for name, owner, field in writer.carry.places if (owner, field) == (node, "c"))] = memory
    codes = np.stack([*drawn(writer, LENGTH, seed=seed, count=TEXTS, states=states)], axis=1)
    return [writer.text(row) for row in codes]


def _measured(texts: list[str], measure: Callable[[str], float]) -> tuple[float, float]:
    """Return (the measure of all texts, its standard error from groups of them)."""
    size = len(texts) // GROUPS
    groups = [measure("\n\n".join(texts[start : start + size])) for start in range(0, len(texts), size)]
    told = [value for value in groups if np.isfinite(value)]
    whole = float(measure("\n\n".join(texts)))
    return whole, float(np.std(told, ddof=1) / len(told) ** 0.5) if len(told) > 1 else float("nan")
