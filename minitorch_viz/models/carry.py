"""Carrying the state of recurrent layers from batch to batch: truncated backpropagation through time.

A long text is read a hundred letters at a time. The gradient stops at the cut, and the state does not: the next batch
begins with it (Williams and Peng 1990).

    plain net                        the same net, carrying
    input -> embedding -> lstm1      input, lstm1_h0, lstm1_c0 -> ...        what begins each sequence is an input

`carrying(net)` makes the second from the first, with the same nodes and parameters; a `Carry` moves the states of a
tape to the inputs of the next pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import NetError
from minitorch_viz.graph import Tape
from minitorch_viz.layers import GRU, LSTM, RNN, Embedding, Layer
from minitorch_viz.layers.softmax import Softmax, log_softmax
from minitorch_viz.net import Net

STATES: Mapping[type, tuple[str, ...]] = {LSTM: ("h", "c"), GRU: ("h",), RNN: ("h",)}  # fields of Saved, (N, T, H)
# The gates of each kind of layer by the names of their fields of Saved, (N, T, H) in 0..1, and the one that keeps.
GATES: Mapping[type, Mapping[str, str]] = {
    LSTM: {"i": "input gate", "f": "forget gate", "o": "output gate"},
    GRU: {"r": "reset gate", "z": "update gate"},
    RNN: {},
}
KEEPS: Mapping[type, str] = {LSTM: "f", GRU: "z", RNN: ""}


@dataclass(frozen=True)
class Carry:
    """Know which input of a carrying net gets which state of which node."""

    places: tuple[tuple[str, str, str], ...]  # (input, node, field of its Saved)

    def inputs(self, net: Net, x: Array, states: Mapping[str, Array]) -> dict[str, Array]:
        """Return what the net's pass takes: the sequences (N, ...), and the state (N, H) that each node begins with.

        states: of the batch before, by input; where there are none, zeros.
        """
        result = {net.inputs[0]: x}
        for name, node, _ in self.places:
            weight = net[node].layer.params["weight_hh_l0"]  # (rows, H)
            state = states.get(name)
            result[name] = np.zeros((len(x), weight.shape[1]), weight.dtype) if state is None else state
        return result

    def after(self, tape: Tape) -> dict[str, Array]:
        """Return the states after the last step of a pass, by input."""
        return {name: getattr(tape.saved[node], field)[:, -1].copy() for name, node, field in self.places}


def carrying(net: Net) -> tuple[Net, Carry]:
    """Return the net with an input for the state that each recurrent node begins with, and what carries them.

    Raises NetError if no node is recurrent, if one carries a state already, or if the net has several inputs.
    """
    if len(net.inputs) != 1:
        raise NetError(f"States are carried for a net with one input, but this one has {', '.join(net.inputs)}.")
    nodes: list[tuple[str, Layer, tuple[str, ...]]] = []
    places: list[tuple[str, str, str]] = []
    for node in net.nodes:
        inputs = tuple(node.inputs)
        if isinstance(node.layer, (LSTM, GRU, RNN)):
            if len(inputs) > 1:
                raise NetError(f"Node {node.name!r} is given the state to begin with already.")
            own = [(f"{node.name}_{field}0", node.name, field) for field in STATES[type(node.layer)]]
            inputs, places = (*inputs, *(name for name, *_ in own)), [*places, *own]
        nodes.append((node.name, node.layer, inputs))
    if not places:
        raise NetError("This net has no LSTM, GRU or RNN, so there is no state to carry.")
    return Net(nodes, (*net.inputs, *(name for name, *_ in places))), Carry(tuple(places))


def recurrent(net: Net) -> tuple[str, ...]:
    """Return the names of the nodes whose states are carried: LSTM, GRU and RNN."""
    return tuple(node.name for node in net.nodes if isinstance(node.layer, tuple(STATES)))


def has_memory(net: Net, node: str) -> bool:
    """Return whether a node has a memory c beside its output h: an LSTM has."""
    return isinstance(net[node].layer, LSTM)


def log_probabilities(net: Net, scores: Array) -> Array:
    """Return the log probability of each letter, (..., V), from what a net gives out: scores, or their softmax."""
    if isinstance(net[net.output].layer, Softmax):
        scores = np.log(np.maximum(scores, np.finfo(scores.dtype).tiny))
    return log_softmax(scores, scores.ndim - 1)


def log_probability_seed(net: Net, scores: Array, code: int) -> Array:
    """Return the derivative of one letter's log probability by what a net gives out, of the same shape (..., V)."""
    seed = np.zeros_like(scores)
    if isinstance(net[net.output].layer, Softmax):
        seed[..., code] = 1 / np.maximum(scores[..., code], np.finfo(scores.dtype).tiny)
        return seed
    seed[..., code] = 1
    return seed - np.exp(log_softmax(scores, scores.ndim - 1))


def gates_of(net: Net, node: str) -> Mapping[str, str]:
    """Return the gates of a recurrent node by their fields of Saved, in words: {"f": "forget gate", ...}."""
    return GATES[type(net[node].layer)]


def keeping_gate(net: Net, node: str) -> str:
    """Return the gate by which a recurrent node keeps its state: an LSTM's f, a GRU's z; "" if it has none."""
    return KEEPS[type(net[node].layer)]


def table_of(net: Net) -> str:
    """Return the node in which a net looks its letters or words up; "" if they come as vectors."""
    sources = (*net.inputs, *net.beside)
    tables = (node.name for node in net.nodes if isinstance(node.layer, Embedding) and node.inputs[0] in sources)
    return next(tables, "")
