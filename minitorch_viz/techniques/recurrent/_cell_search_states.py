"""What the cells do while the net reads several texts side by side, and the same net with random weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.models import Model
from minitorch_viz.models.carry import carrying, log_probabilities
from minitorch_viz.models.readers import Alphabet
from minitorch_viz.techniques.explain.randomize import randomized
from minitorch_viz.techniques.explain.reading import alphabet_of, quantities_of, recurrent_nodes

STEPS = 100  # letters of each text that are read at a pass
Cells = tuple[str, str]  # (node, quantity)


class Piece(NamedTuple):
    """Hold what a net did at some letters of N texts."""

    first: int  # letter
    states: Mapping[Cells, Array]  # (N, t, H)
    scores: Array | None  # (N, t, V) log probabilities of the next letter; None of a net that gives none


def any_length(model: Model) -> Alphabet:
    """Return the letters that a net knows, for texts of any length: its recurrent layers do not mind."""
    return dataclasses.replace(alphabet_of(model), length=0)


def searched(model: Model) -> tuple[Cells, ...]:
    """Return what is searched: of an LSTM c, tanh(c) and h of every layer, of other layers h."""
    kinds = {node: quantities_of(model, node) for node in recurrent_nodes(model)}
    return tuple((node, quantity) for node, has in kinds.items() for quantity in ("c", "tanh", "h") if quantity in has)


def layer_sizes(model: Model) -> dict[str, int]:
    """Return how many cells each recurrent layer has, by the node's name."""
    weights = {name: model.net[name].layer.params["weight_hh_l0"] for name in recurrent_nodes(model)}
    return {name: weight.shape[1] for name, weight in weights.items()}


def read_side_by_side(model: Model, codes: Array, cells: Collection[Cells], *, scored: bool = False) -> Iterator[Piece]:
    """Yield what the net does at the letters of N texts, codes (N, T), `STEPS` letters at a time, from zeros on.

    cells: (node, quantity) pairs to keep. scored: whether the log probabilities are given, too.
    """
    alphabet, (net, carry) = alphabet_of(model), carrying(model.net)
    before: Mapping[str, Array] = {}
    for first in range(0, codes.shape[1], STEPS):
        piece = codes[:, first : first + STEPS]
        x = alphabet.rows(piece, model.dtype)
        tape = net.forward(carry.inputs(net, x, before), upto=None if scored else recurrent_nodes(model))
        before = carry.after(tape)
        states = {}
        for node, quantity in cells:
            saved = tape.saved[node]
            states[node, quantity] = np.tanh(saved.c) if quantity == "tanh" else getattr(saved, quantity)
        yield Piece(first, states, log_probabilities(net, tape[net.output]) if scored else None)


def cell_values(model: Model, codes: Array, cells: Cells, cell: int) -> Array:
    """Return what one cell does at the letters of N texts, (N, T)."""
    pieces = read_side_by_side(model, codes, [cells])
    return np.concatenate([piece.states[cells][..., cell] for piece in pieces], axis=1)


def random_twin(model: Model, seed: int = 0) -> Model:
    """Return a net of the same shape whose weights are random: what any cell knows that has learned nothing.

    Recurrent layers begin as before a training (PyTorch's initialization, forget gates open by a bias of 1), the
    others as `randomized` has them.
    """
    names = [node.name for node in model.net.nodes if node.layer.params]
    net = randomized(model.net, names, seed)
    fresh: dict[str, Array] = {}
    for name in recurrent_nodes(model):
        layer = model.net[name].layer
        rng = np.random.default_rng([seed, *name.encode()])
        hidden = layer.params["weight_hh_l0"].shape[1]
        twin = type(layer).random(rng, layer.params["weight_ih_l0"].shape[1], hidden)  # type: ignore[attr-defined]  # recurrent layers have it
        drawn = {key: value for key, value in twin.params.items() if key in layer.params}
        fresh |= {f"{name}.{key}": value.astype(model.dtype) for key, value in drawn.items()}
    return dataclasses.replace(model, net=net.with_params(fresh), name=f"random {model.name}")
