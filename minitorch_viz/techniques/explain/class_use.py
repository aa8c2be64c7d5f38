"""Which classes use a unit: by the weights of the head that reads it, or by what it adds to their scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Tape, ancestors, between, channel_axis
from minitorch_viz.layers.kind import Kind
from minitorch_viz.techniques.tally import Tally

if TYPE_CHECKING:
    from minitorch_viz.models import Model

# How classes use a unit, in words.
BY_WEIGHT = "what the class's score rises by where the channel rises by 1 at every place: the weights of the head"
BY_GRADIENT = "gradient x activation of the class's score, the mean over the pictures that the net gives this class"


class ClassUse(NamedTuple):
    """Hold how much each class uses each channel of a node."""

    values: Array  # (classes, C)
    pictures: Array  # (classes,) int: of how many pictures it is the mean; empty where it is a weight
    way: str  # BY_WEIGHT or BY_GRADIENT


class Reading(NamedTuple):
    """Hold a model without copying it: it never changes."""

    model: Model

    def __deepcopy__(self, memo: object) -> Reading:
        return self

    def __repr__(self) -> str:
        return self.model.name


def leads_to_scores(model: Model, node: str) -> bool:
    """Return whether class scores depend on a node that comes before them."""
    return bool(model.logits) and node != model.logits and node in ancestors(model.net.nodes, model.logits)


def head_weights(model: Model, tape: Tape, node: str) -> ClassUse | None:
    """Return the weights of a head that reads a node's means over its places and mixes them once; None if it does not.

    tape: of one image, with all that the net saved.
    """
    way = between(model.net.nodes, [node], [model.logits])
    kinds = [other.layer.kind for other in way if not (other.layer.passes_on or other.layer.kind is Kind.SUMS)]
    if kinds != [Kind.WEIGHS] or tape[node].ndim not in (2, 4):
        return None
    classes = len(model.class_names)
    seeds = kernels.to_device(np.eye(classes, dtype=tape[model.logits].dtype), model.net.device)
    weights = kernels.to_cpu(model.net.backward(tape, {model.logits: seeds}, wrt=node)[node])
    return ClassUse(weights.reshape(*weights.shape[:2], -1).sum(axis=2), np.empty(0, int), BY_WEIGHT)


@dataclass
class GradientTimesActivation(Tally):
    """Sum up, for the class that the net gives each picture, what each channel of a node adds to its score."""

    node: str
    reading: Reading
    arrays: dict[str, Array] = field(default_factory=dict)

    @property
    def upto(self) -> tuple[str, ...]:
        return (self.reading.model.input, self.node)

    def see(self, tape: Tape, numbers: Array) -> None:  # noqa: ARG002 (it does not matter which pictures these are)
        model = self.reading.model
        given: dict[str, Any] = {} if self.node == model.input else {self.node: tape[self.node]}
        after = model.net.forward(tape[model.input], given=given, upto=model.logits, fuse=True)
        scores = kernels.to_cpu(after[model.logits])
        best = scores.argmax(axis=1)
        seeds = np.zeros_like(scores)
        seeds[np.arange(len(best)), best] = 1
        seeds = kernels.to_device(seeds, model.net.device)
        gradients = kernels.to_cpu(model.net.backward(after, {model.logits: seeds}, wrt=self.node)[self.node])
        products = gradients * kernels.to_cpu(tape[self.node])
        axis = channel_axis(model.net.nodes, self.node) % products.ndim
        shares = products.sum(axis=tuple(a for a in range(1, products.ndim) if a != axis), dtype=np.float64)  # (N, C)
        if not self.arrays:
            zeros = np.zeros((scores.shape[1], shares.shape[1]))
            self.arrays = {"sums": zeros, "counts": np.zeros(scores.shape[1], np.int64)}
        np.add.at(self.arrays["sums"], best, shares)
        np.add.at(self.arrays["counts"], best, 1)

    def merge(self, other: Self) -> None:
        if not self.arrays:
            self.arrays = {name: value.copy() for name, value in other.arrays.items()}
        elif other.arrays:
            self.arrays = {name: value + other.arrays[name] for name, value in self.arrays.items()}

    def result(self) -> ClassUse:
        counts = self.arrays["counts"]
        return ClassUse(self.arrays["sums"] / np.maximum(counts, 1)[:, None], counts, BY_GRADIENT)
