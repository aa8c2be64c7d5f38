"""What silencing a unit does: its channel is set to 0 everywhere, and the scores are computed anew from there on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Tape, channel_axis
from minitorch_viz.techniques.explain.class_use import Reading
from minitorch_viz.techniques.tally import Tally

if TYPE_CHECKING:
    from minitorch_viz.models import Model


class Fall(NamedTuple):
    """Say what became of a class's score."""

    name: str  # of the class
    before: float
    after: float

    @property
    def by(self) -> float:
        """Return how far it fell; below 0 it rose."""
        return self.before - self.after


def silenced(model: Model, tape: Tape, node: str, channel: int) -> Array:
    """Return the class scores (N, classes) of a tape's images without one channel of a node; the tape holds both."""
    values = kernels.to_cpu(tape[node]).copy()
    np.moveaxis(values, channel_axis(model.net.nodes, node) % values.ndim, 0)[channel] = 0
    given: dict[str, Any] = {node: kernels.to_device(values, model.net.device)}
    images = None if node == model.input else tape[model.input]
    return kernels.to_cpu(model.net.predict(images, given=given, upto=model.logits))


@dataclass
class Silenced(Tally):
    """Sum up each class's score over the pictures, as it is and without one channel of a node."""

    node: str
    channel: int
    reading: Reading
    arrays: dict[str, Array] = field(default_factory=dict)

    @property
    def upto(self) -> tuple[str, ...]:
        model = self.reading.model
        return (model.input, self.node, model.logits)

    def see(self, tape: Tape, numbers: Array) -> None:  # noqa: ARG002 (it does not matter which pictures these are)
        model = self.reading.model
        before = kernels.to_cpu(tape[model.logits]).astype(np.float64)
        after = silenced(model, tape, self.node, self.channel).astype(np.float64)
        later = Silenced(self.node, self.channel, self.reading)
        later.arrays = {
            "before": before.sum(axis=0),
            "after": after.sum(axis=0),
            "pictures": np.array([len(before)]),
            "changed": np.array([(before.argmax(axis=1) != after.argmax(axis=1)).sum()]),
        }
        self.merge(later)

    def merge(self, other: Self) -> None:
        if not self.arrays:
            self.arrays = {name: value.copy() for name, value in other.arrays.items()}
        elif other.arrays:
            self.arrays = {name: value + other.arrays[name] for name, value in self.arrays.items()}

    def result(self) -> tuple[list[Fall], int]:
        """Return what became of each class's mean score, and in how many pictures the best class is another."""
        count = max(int(self.arrays["pictures"][0]), 1)
        names = self.reading.model.class_names
        rows = zip(names, self.arrays["before"] / count, self.arrays["after"] / count, strict=True)
        return [Fall(name, float(before), float(after)) for name, before, after in rows], int(self.arrays["changed"][0])
