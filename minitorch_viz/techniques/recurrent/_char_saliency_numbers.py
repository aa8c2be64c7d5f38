"""How much a prediction depends on each earlier letter: by the gradient at its vector, and by replacing the vector.

A letter or a word is a vector e: its row of the net's table, or a row of zeros with a 1. S is what the net says of the
letter to come, or of an answer: its log probability or its score.

    gradient            |dS/de|, the length of the gradient at each place: how much a small change could do there
    gradient x input    e . dS/de: how much S rises if the vector grows, by its share; signed
    occlusion           S - S', with S' where the mean of all vectors of the table stands in its place; signed

Every place has a gradient of its own, also where one letter stands twice: only a table's gradient adds those up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.models import Model
from minitorch_viz.models.carry import Carry, carrying, log_probabilities, log_probability_seed, table_of
from minitorch_viz.models.readers import Alphabet
from minitorch_viz.net import Net
from minitorch_viz.techniques.explain.reading import passes

CHUNK = 50  # texts with a replaced letter that are read side by side


class Read(Protocol):
    """Be a text as a net reads it: R letters or words as vectors (R, D), and what the net says after the last one."""

    @property
    def net(self) -> Net:
        """Return the net that reads it."""

    @property
    def node(self) -> str:
        """Return where the letters or words are vectors: a table's node, or an input."""

    @property
    def goal(self) -> str:
        """Return the node whose numbers are the scores."""

    @property
    def vectors(self) -> Array:
        """Return the vectors, (R, D)."""

    @property
    def filling(self) -> Array:
        """Return the mean of all vectors that there are, (D,)."""

    @property
    def places(self) -> Array:
        """Return which of the R are explained; others fill a row up."""

    def inputs(self, vectors: Array) -> dict[str, Any]:
        """Return what a pass over N texts as vectors (N, R, D) is given."""

    def scores(self, answer: Array) -> Array:
        """Return the scores (N, V) of a goal's numbers, a view of them."""

    def logs(self, answer: Array) -> Array:
        """Return the log probabilities, (N, V)."""

    def seed(self, answer: Array, code: int) -> Array:
        """Return the derivative of a log probability by the goal's numbers."""


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
    def goal(self) -> str:
        """Return the node whose numbers are the scores."""
        return self.net.output

    @property
    def places(self) -> Array:
        """Return all R."""
        return np.arange(len(self.codes))

    @property
    def filling(self) -> Array:
        """Return the mean vector of all letters of the alphabet, (D,)."""
        mean: Array = self.table.mean(axis=0)
        return mean

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

    def inputs(self, vectors: Array) -> dict[str, Any]:
        """Return what a pass is given for N texts as vectors (N, R, D), each with the same states before."""
        count = len(vectors)
        states = {name: state.repeat(count, axis=0) for name, state in self.states.items()}
        if not table_of(self.net):
            return {"x": self.carry.inputs(self.net, vectors, states)}
        x = self.carry.inputs(self.net, self.codes[None].repeat(count, axis=0), states)
        return {"x": x, "given": {self.node: vectors}}

    def scores(self, answer: Array) -> Array:
        """Return the scores after the last letter, (N, V), of an answer (N, R, V)."""
        return answer[:, -1]

    def logs(self, answer: Array) -> Array:
        """Return the log probability of each letter after the last one, (N, V)."""
        return log_probabilities(self.net, answer[:, -1])

    def seed(self, answer: Array, code: int) -> Array:
        """Return the derivative of the log probability of a letter after the last one by the answer (1, R, V)."""
        seed = np.zeros_like(answer)
        seed[0, -1] = log_probability_seed(self.net, answer[0, -1], code)
        return seed


def answer_of(read: Read, vectors: Array) -> Array:
    """Return the goal's numbers for N texts as vectors (N, R, D)."""
    return read.net.predict(**read.inputs(vectors), upto=read.goal)


def values_of(read: Read, answer: Array, code: int, by_score: bool) -> Array:
    """Return S (N,) of N texts."""
    values: Array = (read.scores(answer) if by_score else read.logs(answer))[:, code]
    return values


def gradients(read: Read, code: int, by_score: bool) -> Array:
    """Return dS/de at each place, (R, D)."""
    tape = read.net.forward(**read.inputs(read.vectors[None]), upto=read.goal)
    answer = tape[read.goal]
    if by_score:
        seed = np.zeros_like(answer)
        read.scores(seed)[0, code] = 1
    else:
        seed = read.seed(answer, code)
    gradient: Array = read.net.backward(tape, {read.goal: seed}, wrt=(read.node,))[read.node][0]
    return gradient


def occluded(read: Read, code: int, by_score: bool) -> Array:
    """Return by how much S falls where the mean vector stands in the place of one, (R,); 0 where none is explained."""
    vectors = read.vectors
    falls = np.zeros(len(vectors))
    whole = values_of(read, answer_of(read, vectors[None]), code, by_score)[0]
    for start in range(0, len(read.places), CHUNK):
        places = read.places[start : start + CHUNK]
        changed = vectors[None].repeat(len(places), axis=0)
        changed[np.arange(len(places)), places] = read.filling
        falls[places] = whole - values_of(read, answer_of(read, changed), code, by_score)
    return falls


def heats_of(read: Read, methods: Sequence[str], code: int, by_score: bool) -> tuple[Array, Array]:
    """Return what each method says of each place, (M, R), and dS/de, (R, D)."""
    gradient = gradients(read, code, by_score)
    heats: dict[str, Callable[[], Array]] = {
        "gradient": lambda: np.sqrt((gradient**2).sum(axis=1)),
        "gradient-x-input": lambda: (gradient * read.vectors).sum(axis=1),
        "occlusion": lambda: occluded(read, code, by_score),
    }
    return np.stack([heats[name]().astype(np.float64) for name in methods]), gradient


def spread(vectors: Array) -> Array:
    """Return how far each number of each vector is from the text's mean, squared: (R, D), Li et al.'s variance."""
    squares: Array = (vectors - vectors.mean(axis=0)) ** 2
    return squares


def percent(share: float) -> str:
    """Return a probability in percent, small ones to two digits: "12.3 %", "0.0045 %"."""
    return f"{share:.1%}".replace("%", " %") if share >= 0.01 else f"{100 * share:.2g} %"
