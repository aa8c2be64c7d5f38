"""The distance of a node's Gram matrix from a target: how far its style is met."""

from __future__ import annotations

from dataclasses import dataclass

from minitorch_viz._types import Array
from minitorch_viz.errors import ShapeError
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import OfNode, Seeds
from minitorch_viz.objectives.reading import output_of


@dataclass(frozen=True, eq=False)
class GramDistance(OfNode):
    """Take minus the squared distance of the Gram matrix from a target: -sum (G - A)^2 / (4 C^2 P^2).

    G = F F^T for maps F (C, P). It is an objective, so larger is better: 0 where the style is met.

    Paper: Gatys et al. 2015.
    """

    wanted: Array  # (C, C)

    @property
    def label(self) -> str:
        return f"style of {self.node}"

    def value(self, tape: Tape) -> Array:
        difference, _, scale = self._parts(tape)
        values: Array = -scale * (difference**2).sum(axis=(1, 2))
        return values

    def seeds(self, tape: Tape) -> Seeds:
        difference, maps, scale = self._parts(tape)
        output = tape[self.node]
        # d sum (F F^T - A)^2 / dF = 4 (F F^T - A) F for a symmetric A
        return {self.node: (-4 * scale * difference @ maps).reshape(output.shape).astype(output.dtype, copy=False)}

    def _parts(self, tape: Tape) -> tuple[Array, Array, float]:
        """Return G - A (N, C, C), the maps (N, C, P), and 1 / (4 C^2 P^2)."""
        output = output_of(tape, self.node)
        maps = output.reshape(*output.shape[:2], -1)
        channels, places = maps.shape[1:]
        if self.wanted.shape != (channels, channels):
            raise ShapeError(
                f"A Gram matrix of shape {self.wanted.shape} does not fit the {channels} channels of {self.node!r}."
            )
        return gram(output) - self.wanted, maps, 1 / (4 * channels**2 * places**2)


def gram(output: Array) -> Array:
    """Return the products of every two channels summed over all places: maps (N, C, ...) -> (N, C, C)."""
    maps = output.reshape(*output.shape[:2], -1)
    products: Array = maps @ maps.transpose(0, 2, 1)
    return products
