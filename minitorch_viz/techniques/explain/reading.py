"""Reading: what a recurrent net did at each letter of a text: its cells, its gates, and what it expected next.

reading = read(model, "He said")
reading.states["lstm1"]["c"]      (T, H) the memory after each letter; h, i, f, g, o likewise (GRU and RNN: h)
reading.scores                    (T, V) log probability of each letter to come, after each letter
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.graph import Tape
from minitorch_viz.models import Model
from minitorch_viz.models.carry import carrying, has_memory, log_probabilities, recurrent
from minitorch_viz.models.readers import Alphabet

PIECE = 1000  # letters of a pass: what a tape holds of them, and no more, is in memory beside what is kept
QUANTITIES: Mapping[str, str] = {
    "c": "the memory c",
    "tanh": "tanh(c), what the memory would give out",
    "h": "the output h",
    "i": "the input gate i",
    "f": "the forget gate f",
    "g": "what may be written, g",
    "o": "the output gate o",
}


@dataclass(frozen=True, eq=False)
class Reading:
    """Hold what a net did at each of the T letters of a text; the state before the first is zeros."""

    text: str  # T letters
    codes: Array  # (T,) int64: their numbers in the alphabet
    letters: str  # the alphabet, V letters
    states: Mapping[str, Mapping[str, Array]]  # node -> quantity -> (T, H)
    scores: Array  # (T, V) floats: log probability of each letter to come after each of the T; (T, 0): it says nothing

    @property
    def nats(self) -> Array:
        """Return how surprised the net was at each letter but the first, (T - 1,) in nats."""
        return -self.scores[np.arange(len(self.codes) - 1), self.codes[1:]]

    def likeliest(self, step: int, count: int = 5) -> list[tuple[str, float]]:
        """Return the letters that the net expected after letter `step`, the likeliest first, with their probability."""
        best = np.argsort(-self.scores[step], kind="stable")[:count]
        return [(self.letters[code], float(np.exp(self.scores[step, code]))) for code in best.tolist()]


def recurrent_nodes(model: Model) -> tuple[str, ...]:
    """Return the names of the LSTM, GRU and RNN nodes of a net, the first layer first."""
    return recurrent(model.net)


def quantities_of(model: Model, node: str) -> tuple[str, ...]:
    """Return what a recurrent node can show at each letter: names of QUANTITIES."""
    return tuple(QUANTITIES) if has_memory(model.net, node) else ("h",)


def remembers(model: Model) -> str | None:
    """Return why a net has no cells that can be watched letter by letter, in words; None if it has."""
    if not recurrent_nodes(model):
        return f"{model.name} has no LSTM, GRU or RNN layer, so it remembers nothing from letter to letter"
    reader = model.readers.get(model.net.inputs[0]) if len(model.net.inputs) == 1 else None
    if not isinstance(reader, Alphabet):
        return f"{model.name} does not read a text letter by letter"
    return None


def writes(model: Model) -> str | None:
    """Return why a net says nothing of the letter to come, in words; None if it gives each letter a score."""
    why = remembers(model)
    if why:
        return why
    alphabet = alphabet_of(model)
    shape = model.net.predict(alphabet.blank(model.dtype)).shape
    if len(shape) != 3 or shape[2] != len(alphabet.letters):
        return f"{model.name} does not say after each letter what may come next"
    return None


def alphabet_of(model: Model) -> Alphabet:
    """Return the reader of a net that `remembers` does not refuse; else MinitorchVizError with its words."""
    why = remembers(model)
    if why:
        raise MinitorchVizError(f"{why}.")
    alphabet = model.readers[model.net.inputs[0]]
    assert isinstance(alphabet, Alphabet)
    return alphabet


class Pass(NamedTuple):
    """Hold a net's pass over the letters from place `start` on, and the states after the last of them."""

    start: int
    tape: Tape  # of 1 text, T letters
    states: dict[str, Array]  # (1, H) each, by the input of the carrying net
    done: int  # letters read by then


def passes(model: Model, codes: Array, *, start: int = 0, states: Mapping[str, Array] | None = None) -> Iterator[Pass]:
    """Yield a net's passes over the letters (T,), `PIECE` of them each, the state carried on.

    start, states: where an earlier pass ended and its states there, to go on to the same bits; default: the beginning.
    """
    alphabet = alphabet_of(model)
    net, carry = carrying(model.net.to("cpu"))  # one text at a time is read fastest there
    carried: Mapping[str, Array] = states or {}
    for at in range(start, len(codes), PIECE):
        part = codes[None, at : at + PIECE]
        x = alphabet.rows(part, model.dtype)
        tape = net.forward(carry.inputs(net, x, carried))
        carried = carry.after(tape)
        yield Pass(at, tape, dict(carried), at + part.shape[1])


def read(model: Model, text: str, *, of: Collection[str] = ("c", "h"), nodes: Collection[str] | None = None) -> Reading:
    """Read a text of any length with a net, `PIECE` letters at a pass, the state carried on.

    of: the quantities to keep, names of QUANTITIES; those that a layer has not are left out. nodes: of these recurrent
    nodes alone. What is kept is T x H numbers for each quantity and node, and T x V scores.

    Raises SettingError for an empty text and for a letter that the net does not know, by its place; MinitorchVizError
    for a net that `remembers` refuses.
    """
    alphabet = alphabet_of(model)
    codes = alphabet.codes(text)
    names = [name for name in recurrent_nodes(model) if nodes is None or name in nodes]
    kept: dict[tuple[str, str], list[Array]] = {
        (name, quantity): [] for name in names for quantity in quantities_of(model, name) if quantity in of
    }
    scores: list[Array] = []
    for step in passes(model, codes):
        tape = step.tape
        for (name, quantity), pieces in kept.items():
            saved = tape.saved[name]
            pieces.append(np.tanh(saved.c[0]) if quantity == "tanh" else getattr(saved, quantity)[0].copy())
        answer = tape[model.net.output]
        if answer.ndim == 3 and answer.shape[2] == len(alphabet.letters):
            scores.append(log_probabilities(model.net, answer)[0])
    return Reading(
        text,
        codes,
        alphabet.letters,
        {
            name: {each: np.concatenate(kept[name, each]) for each in quantities_of(model, name) if each in of}
            for name in names
        },
        np.concatenate(scores) if scores else np.zeros((len(codes), 0), model.dtype),
    )
