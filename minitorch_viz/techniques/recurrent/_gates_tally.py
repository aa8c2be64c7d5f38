"""What is kept of the gates of a text: counts and sums for each cell, so that a text of any length fits.

A gate is left-saturated where it is below 0.1, which blocks, and right-saturated above 0.9, which lets through. The
forget gate f multiplies the memory at each letter. Over T letters what was written once shrinks by the product of all
f, that is by exp(m) a letter with m the mean of log f, and half of it is gone after

    half-life = ln 2 / -m     letters
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.graph import Tape
from minitorch_viz.models import Model, carry
from minitorch_viz.techniques.explain.reading import recurrent_nodes

BINS = 50  # of a histogram over 0..1


class Gate(NamedTuple):
    """Name one gate of one layer."""

    node: str
    letter: str  # the field of the layer's `Saved`
    words: str  # "input gate"

    @property
    def title(self) -> str:
        """Return what a picture calls it."""
        return f"{self.node}, {self.words} {self.letter}"


def gates_of(model: Model) -> tuple[Gate, ...]:
    """Return the gates of all recurrent layers of a net, the first layer first."""
    names = recurrent_nodes(model)
    return tuple(Gate(name, *gate) for name in names for gate in carry.gates_of(model.net, name).items())


def keepers_of(model: Model) -> tuple[Gate, ...]:
    """Return of each layer with gates the one that keeps the memory: an LSTM's f, a GRU's z."""
    return tuple(gate for gate in gates_of(model) if gate.letter == carry.keeping_gate(model.net, gate.node))


def counted(
    sums: Mapping[str, Array], tape: Tape, gates: Sequence[Gate], keepers: Sequence[Gate], low: float, high: float
) -> dict[str, Array]:
    """Return the counts and sums with those of one more pass (1, T) added.

    "left.NODE.GATE", "right.NODE.GATE" (H,): at how many letters each cell's gate is below `low`, above `high`;
    "counts.NODE.GATE" (BINS,): of all its values; "logs.NODE" (H,): the sum of the keeping gate's logarithms.
    """
    added: dict[str, Array] = {}
    for gate in gates:
        values = getattr(tape.saved[gate.node], gate.letter)[0]  # (T, H)
        name = f"{gate.node}.{gate.letter}"
        added[f"left.{name}"] = (values < low).sum(axis=0)
        added[f"right.{name}"] = (values > high).sum(axis=0)
        places = np.minimum((values * BINS).astype(np.int64), BINS - 1)
        added[f"counts.{name}"] = np.bincount(places.ravel(), minlength=BINS)
        if gate in keepers:
            # Of a gate that is 0 to the last bit the logarithm is that of the smallest number: gone at once, too.
            kept = np.maximum(values.astype(np.float64), np.finfo(values.dtype).tiny)
            added[f"logs.{gate.node}"] = np.log(kept).sum(axis=0)
    return {name: value + sums[name] if name in sums else value for name, value in added.items()}


def half_lives(logs: Array, count: int) -> Array:
    """Return after how many letters half of what each cell holds is forgotten, (H,); infinite where all is kept.

    logs: (H,) the sums of log f over `count` letters.
    """
    kept = -logs / count
    lives: Array = np.divide(np.log(2), kept, out=np.full(len(kept), np.inf), where=kept > 0)
    return lives
