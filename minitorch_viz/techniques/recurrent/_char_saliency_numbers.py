"""How much a prediction depends on each earlier letter: by the gradient at its vector, and by replacing the vector.

A letter is a vector e: its row of the net's table, or a row of zeros with a 1. S is what the net says of the letter to
come, its log probability or its score.

    gradient            |dS/de|, the length of the gradient at each place: how much a small change could do there
    gradient x input    e . dS/de: how much S rises if the vector grows, by its share; signed
    occlusion           S - S', with S' where the mean vector of all letters stands in its place; signed

Every place has a gradient of its own, also where one letter stands twice: only a table's gradient adds those up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.models import Model
from minitorch_viz.models.carry import Carry, carrying, log_probabilities, log_probability_seed, table_of
from minitorch_viz.models.readers import Alphabet
from minitorch_viz.net import Net
from minitorch_viz.techniques.explain.reading import passes

CHUNK = 50  # texts with a replaced letter that are read side by side


@dataclass(frozen=True, eq=False)
class Window:
    """Hold the R letters that are explained, and what the net remembered before the first of them."""

    model: Model
    net: Net  # the model's, carrying its state
    carry: Carry
    codes: Array  # (R,) numbers of the letters
    states: Mapping[str, Array]  # (1, H) each, of all letters before
    alphabet: Alphabet

    @classmethod
    def of(cls, model: Model, alphabet: Alphabet, codes: Array, first: int, stop: int) -> Window:
        """Read the letters before `first`, and take those from there to `stop`."""
        states: Mapping[str, Array] = {}
        for step in passes(model, codes[:first]):
            states = step.states
        return cls(model, *carrying(model.net), codes[first:stop], states, alphabet)

    @property
    def node(self) -> str:
        """Return where letters are vectors: the node of their table, or the input, whose rows they are."""
        return table_of(self.net) or self.net.inputs[0]

    @property
    def table(self) -> Array:
        """Return the vector of each letter, (V, D)."""
        name = table_of(self.net)
        table: Array = self.net[name].layer.params["weight"] if name else np.eye(len(self.alphabet.letters))
        return table.astype(self.model.dtype)

    @property
    def vectors(self) -> Array:
        """Return the letters' vectors, (R, D)."""
        vectors: Array = self.table[self.codes]
        return vectors

    def answer(self, vectors: Array) -> Array:
        """Return what the net gives out for N texts as vectors (N, R, D): (N, R, V)."""
        return self.net.predict(**self.inputs(vectors))

    def inputs(self, vectors: Array) -> dict[str, Any]:
        """Return what a pass is given for N texts as vectors (N, R, D), each with the same states before."""
        count = len(vectors)
        states = {name: state.repeat(count, axis=0) for name, state in self.states.items()}
        if not table_of(self.net):
            return {"x": self.carry.inputs(self.net, vectors, states)}
        x = self.carry.inputs(self.net, self.codes[None].repeat(count, axis=0), states)
        return {"x": x, "given": {self.node: vectors}}


def logs_of(window: Window, answer: Array) -> Array:
    """Return the log probability of each letter after the last one, (N, V), of passes whose answer is (N, R, V)."""
    return log_probabilities(window.net, answer[:, -1])


def values_of(window: Window, answer: Array, code: int, by_score: bool) -> Array:
    """Return S (N,) of passes whose answer is (N, R, V)."""
    values: Array = (answer[:, -1] if by_score else logs_of(window, answer))[:, code]
    return values


def gradients(window: Window, code: int, by_score: bool) -> Array:
    """Return dS/de at each place, (R, D)."""
    net = window.net
    tape = net.forward(**window.inputs(window.vectors[None]))
    answer = tape[net.output]
    seed = np.zeros_like(answer)
    if by_score:
        seed[0, -1, code] = 1
    else:
        seed[0, -1] = log_probability_seed(net, answer[0, -1], code)
    gradient: Array = net.backward(tape, {net.output: seed}, wrt=(window.node,))[window.node][0]
    return gradient


def occluded(window: Window, code: int, by_score: bool) -> Array:
    """Return by how much S falls where the mean vector of all letters stands in a letter's place, (R,)."""
    vectors, filling = window.vectors, window.table.mean(axis=0)
    count = len(vectors)
    falls = np.empty(count)
    whole = values_of(window, window.answer(vectors[None]), code, by_score)[0]
    for start in range(0, count, CHUNK):
        places = np.arange(start, min(start + CHUNK, count))
        changed = vectors[None].repeat(len(places), axis=0)
        changed[np.arange(len(places)), places] = filling
        answer = window.answer(changed)
        falls[places] = whole - values_of(window, answer, code, by_score)
    return falls


def spread(vectors: Array) -> Array:
    """Return how far each number of each vector is from the text's mean, squared: (R, D), Li et al.'s variance."""
    squares: Array = (vectors - vectors.mean(axis=0)) ** 2
    return squares


def percent(share: float) -> str:
    """Return a probability in percent, small ones to two digits: "12.3 %", "0.0045 %"."""
    return f"{share:.1%}".replace("%", " %") if share >= 0.01 else f"{100 * share:.2g} %"
