"""How like a given code a node's output is: closer and closer, or larger and larger."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import ShapeError
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import OfNode, Seeds
from minitorch_viz.objectives.reading import output_of

LEAST = 0.1  # of the cosine: below it likeness grows with the size of the output alone


@dataclass(frozen=True, eq=False)
class Likeness(OfNode):
    """Take the dot product with a code, over the code's length, times max(cos, 0.1) ** power: (N, ...) -> (N,).

    All places count together. The dot product grows with the output, so that what the code has is exaggerated: the
    picture is a caricature. The cosine keeps it from having what the code has not.

    Paper: Olah et al. 2018, "The Building Blocks of Interpretability"; lucid's dot_compare.
    """

    wanted: Array  # of the shape of the node's output for one image
    power: int = 2

    @property
    def is_sum(self) -> bool:
        return self.power == 0

    @property
    def label(self) -> str:
        return f"likeness to a code of {self.node}"

    def value(self, tape: Tape) -> Array:
        _, dot, cosine, _ = self._parts(tape)
        values: Array = dot * np.maximum(cosine, LEAST) ** self.power
        return values

    def seeds(self, tape: Tape) -> Seeds:
        rows, dot, cosine, length = self._parts(tape)
        code = self._code
        gate = np.maximum(cosine, LEAST)
        by_dot = (gate**self.power)[:, None] * code
        # d cos / d row = code / |row| - cos row / |row|^2, where |code| = 1
        slope = self.power * gate ** (self.power - 1) * dot * (cosine > LEAST)
        by_cosine = slope[:, None] * (code / length[:, None] - (cosine / length**2)[:, None] * rows)
        output = tape[self.node]
        return {self.node: (by_dot + by_cosine).reshape(output.shape).astype(output.dtype, copy=False)}

    @property
    def _code(self) -> Array:
        """Return the code as a row of length 1."""
        row = self.wanted.reshape(-1)
        code: Array = row / (np.sqrt((row**2).sum()) + 1e-12)
        return code

    def _parts(self, tape: Tape) -> tuple[Array, Array, Array, Array]:
        """Return the rows (N, D), and (N,) each: the dot product, the cosine, the length."""
        rows = flat(tape, self.node, self.wanted)
        dot, length = rows @ self._code, np.sqrt((rows**2).sum(axis=1)) + 1e-12
        return rows, dot, dot / length, length


@dataclass(frozen=True, eq=False)
class Nearness(OfNode):
    """Take minus the distance of a whole node from a code: -|phi - phi0|, (N, ...) -> (N,). Its slope is 0 at the code.

    Paper: Hamblin et al. 2024, "Feature Accentuation": what keeps an accentuated photo itself.
    """

    wanted: Array  # of the shape of the node's output for one image

    @property
    def label(self) -> str:
        return f"nearness to a code of {self.node}"

    def value(self, tape: Tape) -> Array:
        values: Array = -np.sqrt((self._difference(tape) ** 2).sum(axis=1))
        return values

    def seeds(self, tape: Tape) -> Seeds:
        difference, output = self._difference(tape), tape[self.node]
        length = np.sqrt((difference**2).sum(axis=1, keepdims=True))
        seed = -difference / (length + (length == 0))  # at the code itself the slope is 0
        return {self.node: seed.reshape(output.shape).astype(output.dtype, copy=False)}

    def _difference(self, tape: Tape) -> Array:
        return flat(tape, self.node, self.wanted) - self.wanted.reshape(-1)


def flat(tape: Tape, node: str, wanted: Array) -> Array:
    """Return a node's output as rows (N, D). Raises ShapeError where a code of this shape does not fit it."""
    output = output_of(tape, node)
    if output.shape[1:] != wanted.shape:
        raise ShapeError(
            f"A code of shape {wanted.shape} does not fit {node!r}, which gives {output.shape[1:]} an image."
        )
    rows: Array = output.reshape(len(output), -1)
    return rows
