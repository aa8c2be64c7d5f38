"""How well each place of a node is like some place of another picture: what a guided dream climbs."""

from __future__ import annotations

from dataclasses import dataclass

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import ShapeError
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import OfNode, Seeds
from minitorch_viz.objectives.reading import output_of

AT_ONCE = 2**24  # products that are in memory at a time


@dataclass(frozen=True, eq=False)
class BestMatch(OfNode):
    """Take, at each place of a node, the largest dot product with one of the columns; their sum: (N, C, ...) -> (N,).

    columns: (C, P), what the node gives at each of P places of the picture that guides. The gradient is, at each place,
    the column that fits best.

    Raises ShapeError where the columns are not as long as the node has channels.

    Paper: DeepDream's "controlling dreams", Mordvintsev et al. 2015.
    """

    columns: Array

    @property
    def label(self) -> str:
        return f"the guide's best match at each place of {self.node}"

    def value(self, tape: Tape) -> Array:
        output = output_of(tape, self.node)
        values: Array = (output * self._best(output)).reshape(len(output), -1).sum(axis=1)
        return values

    def seeds(self, tape: Tape) -> Seeds:
        return {self.node: self._best(output_of(tape, self.node))}

    def _best(self, output: Array) -> Array:
        """Return, in the shape of a node's output (N, C, ...), the column that fits best at each place."""
        if output.ndim < 3 or self.columns.ndim != 2 or output.shape[1] != len(self.columns):
            raise ShapeError(
                f"Columns of shape {self.columns.shape} do not fit {self.node!r}, which gives an array of shape "
                f"{output.shape[1:]} an image: one number a channel is needed."
            )
        columns = kernels.to_device(self.columns.astype(output.dtype, copy=False), kernels.device_of(output))
        rows = output.reshape(*output.shape[:2], -1)  # (N, C, Q)
        best = rows.copy()
        step = max(1, AT_ONCE // columns.shape[1])
        for image in range(len(rows)):
            for begin in range(0, rows.shape[2], step):
                part = slice(begin, begin + step)
                number = (rows[image, :, part].T @ columns).argmax(axis=1)  # of a tie the first
                best[image, :, part] = columns[:, number]
        fitting: Array = best.reshape(output.shape)
        return fitting
