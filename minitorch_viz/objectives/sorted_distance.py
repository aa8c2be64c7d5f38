"""The distance of a node's sorted values from wanted ones: how far its channels are distributed as in real pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import ShapeError
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import OfNode, Seeds
from minitorch_viz.objectives.reading import output_of


@dataclass(frozen=True, eq=False)
class SortedDistance(OfNode):
    """Take minus the mean squared distance of each channel's sorted values from wanted ones, channels by weight.

    The k-th smallest value of a channel is compared with the k-th smallest that is wanted: where values lie does not
    matter, how they are distributed does. It is an objective, so larger is better: 0 where all are met. For the
    gradient the ranks are taken as fixed, which is its derivative wherever no two values of a channel are equal.

    Paper: VITAL, Görgün et al. 2025 (sort matching).
    """

    wanted: Array  # (C, P): for each channel, rising; of maps with other than P places it is read in between
    weights: Array  # (C,): how much each channel counts

    @property
    def label(self) -> str:
        return f"distribution of {self.node}"

    def value(self, tape: Tape) -> Array:
        difference, _, share = self._parts(tape)
        values: Array = -(share * difference**2).sum(axis=(1, 2))
        return values

    def seeds(self, tape: Tape) -> Seeds:
        difference, order, share = self._parts(tape)
        output = tape[self.node]
        seed = np.zeros_like(difference)
        np.put_along_axis(seed, order, -2 * share * difference, axis=2)
        return {self.node: seed.reshape(output.shape).astype(output.dtype, copy=False)}

    def _parts(self, tape: Tape) -> tuple[Array, Array, Array]:
        """Return the sorted values less the wanted ones (N, C, P), the order of the places, weights / (C P) (C, 1)."""
        output = output_of(tape, self.node)
        if output.ndim < 2 or output.shape[1] != len(self.wanted) or len(self.weights) != len(self.wanted):
            raise ShapeError(
                f"Wanted values of {len(self.wanted)} channels, {len(self.weights)} of them weighed, do not fit "
                f"{self.node!r}, which gives an array of shape {output.shape[1:]} an image."
            )
        maps = output.reshape(*output.shape[:2], -1)
        order = np.argsort(maps, axis=2)
        wanted, device = quantiles(self.wanted, maps.shape[2]).astype(maps.dtype), kernels.device_of(maps)
        share = (self.weights / (len(self.weights) * maps.shape[2])).astype(maps.dtype)[:, None]
        difference = np.take_along_axis(maps, order, axis=2) - kernels.to_device(wanted, device)
        return difference, order, kernels.to_device(share, device)


def quantiles(values: Array, count: int) -> Array:
    """Return rising values (C, P) as so many, (C, count): the k-th stands for the share (k + 0.5) / P of them."""
    places = values.shape[1]
    if places == count:
        return values
    at = (np.arange(count) + 0.5) / count
    return np.stack([np.interp(at, (np.arange(places) + 0.5) / places, row) for row in values])
