"""The energy of a whole node."""

from __future__ import annotations

from dataclasses import dataclass

from minitorch_viz._types import Array
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import OfNode, Seeds
from minitorch_viz.objectives.reading import output_of


@dataclass(frozen=True)
class Energy(OfNode):
    """Take half the sum of squares of a whole node, whose gradient is the node itself.

    Paper: DeepDream, Mordvintsev et al. 2015.
    """

    @property
    def label(self) -> str:
        return f"energy of {self.node}"

    def value(self, tape: Tape) -> Array:
        output = output_of(tape, self.node)
        values: Array = (output.reshape(len(output), -1) ** 2).sum(axis=1) / 2
        return values

    def seeds(self, tape: Tape) -> Seeds:
        return {self.node: output_of(tape, self.node).copy()}
