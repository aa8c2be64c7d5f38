"""One unit: a single number of a node."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import OfNode, Seeds
from minitorch_viz.objectives.reading import output_of


@dataclass(frozen=True)
class Unit(OfNode):
    """Take one number of one node: a class score, a channel at a position (row, column), or a step of (T, D).

    sign: -1 explains the opposite, for a net with one score ("no dog").
    """

    index: tuple[int, ...]  # the unit inside the node's output, without the batch axis
    words: str = ""  # 'class "tiger cat" (282)'; empty: the node and the index
    sign: int = 1

    @property
    def is_sum(self) -> bool:
        return True

    @property
    def label(self) -> str:
        return self.words or f"{self.node}[{', '.join(map(str, self.index))}]"

    def value(self, tape: Tape) -> Array:
        output = output_of(tape, self.node)
        self._check(output)
        values: Array = self.sign * output[(slice(None), *self.index)]
        return values

    def seeds(self, tape: Tape) -> Seeds:
        output = output_of(tape, self.node)
        self._check(output)
        seed = np.zeros_like(output)
        seed[(slice(None), *self.index)] = self.sign
        return {self.node: seed}

    def _check(self, output: Array) -> None:
        exists = len(self.index) == output.ndim - 1 and all(
            -size <= i < size for i, size in zip(self.index, output.shape[1:], strict=True)
        )
        if not exists:
            raise SettingError(
                f"{self.node!r} gives an array of shape {output.shape[1:]} an image, which has no unit {self.index}."
            )
