"""The values of all cells of a net at each letter of a text, and which of them swing widely and slowly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import robust_max
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.techniques.explain.reading import QUANTITIES, quantities_of, read, recurrent_nodes

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Quantity: TypeAlias = Literal["tanh", "c", "h", "i", "f", "g", "o"]
MOST_LETTERS = 20_000  # of a text that are read: 512 cells of so many letters are 41 MB
BEST = 5  # letters that may come next
FAST, SLOW = 10, 200  # letters: what swings within SLOW and stays the same over FAST is told from noise and from drift
GATES = ("i", "f", "o")


class Watched(NamedTuple):
    """Hold the C cells of one or several layers at each of the T letters of a text."""

    text: str  # T letters: as the net reads them
    quantity: Quantity
    values: Array  # (T, C) float32
    nodes: tuple[str, ...]  # the layers, the first one first
    sizes: tuple[int, ...]  # how many of the C cells are in each of them
    left_out: tuple[str, ...]  # layers that have no such quantity
    next_codes: Array  # (T, 5) int: after each letter the likeliest ones to come; (T, 0) where the net says nothing
    next_probabilities: Array  # (T, 5)
    nats: Array  # (T,) how surprised the net was at each letter; NaN for the first, and where the net says nothing
    alphabet: str
    cut: int  # letters of the text that were left out

    @property
    def is_gate(self) -> bool:
        """Return whether the values are from 0 to 1."""
        return self.quantity in GATES

    @property
    def scale(self) -> float:
        """Return which value has the full colour: 1; of the memory c, which has no bound, the 99.5th percentile."""
        return robust_max(self.values) if self.quantity == "c" else 1.0

    @property
    def width(self) -> float:
        """Return how far the scale reaches: from 0 on for a gate, to both sides of 0 for the others."""
        return self.scale if self.is_gate else 2 * self.scale

    def name(self, cell: int) -> tuple[str, int]:
        """Return the layer of one of the C cells and its number there."""
        node, begin = 0, 0
        while cell >= begin + self.sizes[node]:
            begin += self.sizes[node]
            node += 1
        return self.nodes[node], cell - begin

    def first(self, node: str) -> int:
        """Return which of the C cells is the first one of a layer."""
        return sum(self.sizes[: self.nodes.index(node)])


def watched(model: Model, text: str, quantity: Quantity | None = None, node: str | None = None) -> Watched:
    """Read a text and keep one quantity of every cell, of one recurrent layer or of all.

    quantity: by default tanh(c) of LSTMs, the output h of nets that have none. Raises SettingError for a bad text, for
    a quantity that no layer has, and for a node that is not recurrent.
    """
    names = recurrent_nodes(model)
    if quantity is None:
        quantity = "tanh" if any("c" in quantities_of(model, name) for name in names) else "h"
    if quantity not in get_args(Quantity):
        raise SettingError(f"There is no quantity {quantity!r}; {near(quantity, get_args(Quantity), 'name')}.")
    if node is not None:
        model.net[node]  # NetError with near names
        if node not in names:
            raise SettingError(
                f"{node!r} is no LSTM, GRU or RNN, so it has no cells; the nodes that have are {', '.join(names)}."
            )
        names = (node,)
    able = tuple(name for name in names if quantity in quantities_of(model, name))
    if not able:
        raise SettingError(
            f"{' and '.join(names)} of {model.name} {'has' if len(names) == 1 else 'have'} no {QUANTITIES[quantity]}: "
            "only an LSTM has memory and gates like that. Take quantity h."
        )
    kept = text[:MOST_LETTERS] if isinstance(text, str) else text
    reading = read(model, kept, of=(quantity,), nodes=able)
    arrays = [reading.states[name][quantity] for name in able]
    codes, probabilities, nats = next_letters(reading.scores, reading.codes)
    return Watched(
        "".join(reading.letters[code] for code in reading.codes.tolist()),
        quantity,
        np.concatenate(arrays, axis=1).astype(np.float32),
        able,
        tuple(array.shape[1] for array in arrays),
        tuple(name for name in names if name not in able),
        codes,
        probabilities,
        nats,
        reading.letters,
        len(text) - len(kept),
    )


def next_letters(scores: Array, codes: Array) -> tuple[Array, Array, Array]:
    """Return the likeliest next letters (T, 5) and their probabilities, and the nats (T,) of the letters that came.

    scores: (T, V) log probabilities, or (T, 0).
    """
    nats = np.full(len(codes), np.nan, np.float32)
    if not scores.shape[1]:
        nothing = np.zeros((len(codes), 0))
        return nothing.astype(np.int64), nothing.astype(np.float32), nats
    best = np.argsort(-scores, axis=1, kind="stable")[:, :BEST]
    nats[1:] = -scores[np.arange(len(codes) - 1), codes[1:]]
    return best, np.exp(np.take_along_axis(scores, best, axis=1)).astype(np.float32), nats


def swings(values: Array, limit: float = np.inf) -> Array:
    """Return how widely and slowly each cell (T, C) swings: (C,), 0 for one that never changes.

    It is the root mean square of the mean over FAST letters minus the mean over SLOW letters around each letter. What
    flickers from letter to letter is gone from both means, what drifts over the whole text is in both. Values beyond
    +-limit count as that.
    """
    result = np.empty(values.shape[1])
    for begin in range(0, values.shape[1], 64):
        part = np.clip(values[:, begin : begin + 64].astype(np.float64), -limit, limit)
        difference = means_around(part, FAST) - means_around(part, SLOW)
        result[begin : begin + 64] = np.sqrt((difference**2).mean(axis=0))
    return result


def means_around(values: Array, letters: int) -> Array:
    """Return the mean of (T, C) over the `letters` letters around each letter, over fewer at the ends."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), values.cumsum(axis=0)])
    places = np.arange(len(values))
    begin = np.maximum(places - letters // 2, 0)
    end = np.minimum(places - letters // 2 + letters, len(values))
    result: Array = (sums[end] - sums[begin]) / (end - begin)[:, None]
    return result


def chosen_cells(watched: Watched, cell: Sequence[int] | int | None, node: str | None) -> tuple[int, ...]:
    """Return which of the C cells are asked for by their numbers in a layer: of `node`, else of the last layer.

    Raises SettingError for a number that the layer has not, one given twice, and more than four.
    """
    numbers = (cell,) if isinstance(cell, (int, np.integer)) else tuple(cell or ())
    layer = node or watched.nodes[-1]
    count = watched.sizes[watched.nodes.index(layer)]
    for number in numbers:
        need_whole(f"cell of {layer}", number, 0, count - 1)
    if not 1 <= len(numbers) <= 4 or len(set(numbers)) < len(numbers):
        raise SettingError(f"From one to four different cells are shown, but got {list(numbers)}.")
    return tuple(watched.first(layer) + int(number) for number in numbers)
