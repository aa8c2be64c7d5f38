"""The distance of a node's output from a given code: how far a picture is from saying the same to the net."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import OfNode, Seeds
from minitorch_viz.objectives.reading import output_of


@dataclass(frozen=True, eq=False)
class CodeDistance(OfNode):
    """Take minus the squared distance of a whole node from a code, over the code's own: -|phi - phi0|^2 / |phi0|^2.

    It is an objective, so larger is better: 0 where the code is met, and -1 for an output of zeros. Dividing by the
    code's size makes layers with large and with small outputs alike.
    Raises SettingError for a code of zeros, or one that is not finite.

    Paper: Mahendran and Vedaldi 2015.
    """

    wanted: Array  # of the shape of the node's output for one image, on the net's device

    def __post_init__(self) -> None:
        size = self._size
        if not size > 0 or not np.isfinite(size):
            state = "is zero everywhere" if size == 0 else "is not finite"
            raise SettingError(f"The code of {self.node!r} {state}: no distance can be measured as a share of it.")

    @property
    def label(self) -> str:
        return f"code of {self.node}"

    def value(self, tape: Tape) -> Array:
        difference = self._difference(tape)
        values: Array = (-(difference**2).reshape(len(difference), -1).sum(axis=1) / self._size).astype(
            difference.dtype
        )
        return values

    def seeds(self, tape: Tape) -> Seeds:
        difference = self._difference(tape)
        return {self.node: (difference * (-2 / self._size)).astype(difference.dtype, copy=False)}

    @property
    def _size(self) -> float:
        """Return |phi0|^2."""
        return float((self.wanted.astype(np.float64) ** 2).sum())

    def _difference(self, tape: Tape) -> Array:
        """Return phi - phi0 (N, ...)."""
        output = output_of(tape, self.node)
        if output.shape[1:] != self.wanted.shape:
            raise ShapeError(
                f"A code of shape {self.wanted.shape} does not fit {self.node!r}, which gives {output.shape[1:]} an "
                "image."
            )
        difference: Array = output - self.wanted
        return difference
