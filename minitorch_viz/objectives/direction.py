"""A direction in the space of the channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import ShapeError
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import OfNode, Seeds
from minitorch_viz.objectives.reading import by_channel, output_of


@dataclass(frozen=True, eq=False)
class Direction(OfNode):
    """Take the mean over all places of the dot product with a direction: (N, C, ...) . (C,) -> (N,).

    power: multiplied by the cosine to this power, max(cos, 0.1): 0 is the plain dot product (Olah et al. 2017); 1 and
        more keep the picture near the direction ("caricatures").
    axis: of the channels; -1 of a sequence (N, T, C), whose steps are its places.
    """

    vector: Array  # (C,)
    power: int = 0
    axis: int = 1

    @property
    def is_sum(self) -> bool:
        return self.power == 0

    @property
    def label(self) -> str:
        return f"{self.node} along a direction of {len(self.vector)} channels"

    def value(self, tape: Tape) -> Array:
        dot, cosine, _, _ = self._parts(tape)
        values: Array = (dot * np.maximum(cosine, 0.1) ** self.power).mean(axis=1)
        return values

    def seeds(self, tape: Tape) -> Seeds:
        dot, cosine, length, rows = self._parts(tape)  # (N, P) each, rows (N, C, P)
        v = self.vector[:, None]
        gate = np.maximum(cosine, 0.1)
        d_dot = gate**self.power
        d_cos = self.power * gate ** (self.power - 1) * dot * (cosine > 0.1) if self.power else np.zeros_like(dot)
        # d cos / d row = v / (|v| |row|) - cos row / |row|^2
        norm = np.linalg.norm(self.vector)
        d_row = d_dot[:, None] * v + d_cos[:, None] * (
            v / (norm * length[:, None]) - cosine[:, None] * rows / length[:, None] ** 2
        )
        output = tape[self.node]
        seed = (d_row / dot.shape[1]).reshape(by_channel(output, self.axis).shape)
        return {self.node: np.moveaxis(seed, 1, self.axis).astype(output.dtype, copy=False)}

    def _parts(self, tape: Tape) -> tuple[Array, Array, Array, Array]:
        """Return (dot, cosine, length of each row of channels), each (N, P), and the rows (N, C, P)."""
        output = output_of(tape, self.node)
        channels = by_channel(output, self.axis)
        if output.ndim < 2 or channels.shape[1] != len(self.vector):
            raise ShapeError(
                f"A direction of {len(self.vector)} numbers does not fit {self.node!r}, which gives an array of shape "
                f"{output.shape[1:]} an image: its channels are on axis {self.axis}."
            )
        rows = channels.reshape(*channels.shape[:2], -1)
        dot = np.einsum("ncp,c->np", rows, self.vector)
        length = np.sqrt((rows**2).sum(axis=1)) + 1e-12
        return dot, dot / (length * (np.linalg.norm(self.vector) + 1e-12)), length, rows
