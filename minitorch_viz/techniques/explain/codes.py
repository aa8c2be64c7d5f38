"""Codes: what a node gives for each picture of a data set, as one row of numbers a picture.

The codes of many pictures are compared by distances, so that of a very large node random sums will do: each number is
added to one of a few thousand sums, with a random sign (Charikar et al. 2002). Distances are kept up to a few percent,
and no picture takes more than those sums in memory.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape, ancestors, channel_axis
from minitorch_viz.layers import Kind
from minitorch_viz.models.features import nearest_weights
from minitorch_viz.techniques.tally import Tally

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Metric = Literal["cosine", "l2"]
Places = Literal["mean", "all"]  # of a node's maps: the mean over its places, or each place's numbers

MOST_NUMBERS = 4096  # of one code
LEAST_NUMBERS = 64
MOST_BYTES = 2**29  # of all codes


@dataclass
class Codes(Tally):
    """Keep what a node gives for each picture: `numbers` (n,) and `codes` (n, d) float32."""

    node: str
    axis: int | None  # that of the channels, over the places of which the mean is taken; None: all numbers are kept
    most: int = MOST_NUMBERS  # numbers of a code; of more, so many random sums are kept
    arrays: dict[str, Array] = field(default_factory=dict)

    @property
    def upto(self) -> tuple[str, ...]:
        return (self.node,)

    def see(self, tape: Tape, numbers: Array) -> None:
        later = Codes(self.node, self.axis, self.most, {"numbers": numbers, "codes": self.codes_of(tape)})
        self.merge(later)

    def merge(self, other: Self) -> None:
        if not self.arrays or not other.arrays:
            self.arrays = dict(self.arrays or other.arrays)
            return
        self.arrays = {name: np.concatenate([value, other.arrays[name]]) for name, value in self.arrays.items()}

    def result(self) -> tuple[Array, Array]:
        """Return the numbers (n,) of the pictures that could be read, and their codes (n, d)."""
        return self.arrays["numbers"], self.arrays["codes"]

    def codes_of(self, tape: Tape) -> Array:
        """Return the codes (N, d) float32 of the pictures on a tape."""
        values = kernels.to_cpu(tape[self.node]).astype(np.float32)
        if self.axis is not None and values.ndim > 2:
            values = np.moveaxis(values, self.axis, 1)
            values = values.reshape(*values.shape[:2], -1).mean(axis=2)
        return random_sums(values.reshape(len(values), -1), self.most)


def random_sums(values: Array, count: int) -> Array:
    """Return rows (N, D) as they are, or if they are longer than `count`, as that many sums of their numbers.

    Each number is added to one sum, or taken from it. The squared distance of two rows is right on average, with a
    standard deviation of sqrt(2 / count) of itself. The sums are the same ones in every call.
    """
    if values.shape[1] <= count:
        return values
    summed: Array = (_signs(values.shape[1], count) @ values.T).T
    return np.ascontiguousarray(summed, dtype=np.float32)


@functools.lru_cache(maxsize=4)
def _signs(length: int, count: int) -> Any:
    """Return the sparse matrix (count, length) of the sums: one +1 or -1 in each column."""
    from scipy.sparse import csr_array

    rng = np.random.default_rng([length, count])
    rows, signs = rng.integers(count, size=length), rng.choice(np.array([-1, 1], np.float32), length)
    return csr_array((signs, (rows, np.arange(length))), shape=(count, length))


def room_for(count: int) -> int:
    """Return how many numbers the code of each of `count` pictures may have."""
    return int(np.clip(MOST_BYTES // (4 * max(count, 1)), LEAST_NUMBERS, MOST_NUMBERS))


def codes_tally(model: Model, node: str | None, places: Places | None, count: int) -> Codes:
    """Return the empty tally of a node's codes for so many pictures.

    node: by default what the last layer with weights reads. places: by default the mean of each channel; of the net's
    input all numbers, since the mean of its pixels is no more than a colour.

    Raises NetError for an unknown node, SettingError for other places.
    """
    if places is not None and places not in get_args(Places):
        raise SettingError(f'places must be "mean" or "all", but got {places!r}.')
    name = before_the_answer(model) if node is None else node
    if name in model.net.inputs:
        axis: int | None = None if places != "mean" else 1
    else:
        model.net[name]  # NetError with near names
        axis = None if places == "all" else channel_axis(model.net.nodes, name)
    return Codes(name, axis, room_for(count))


def before_the_answer(model: Model) -> str:
    """Return the node that the last layer with weights reads; of a net of one such layer the answer itself."""
    nodes = model.net.nodes
    answer = model.logits or model.maps or model.net.output
    last = nearest_weights(nodes, answer)
    if not last:
        return answer
    below = model.net[last[0]].inputs[0]
    layers = {node.name: node.layer for node in nodes}
    has_weights = any(layers[name].kind is Kind.WEIGHS for name in ancestors(nodes, below) if name in layers)
    return below if has_weights else answer


def as_compared(codes: Array, metric: Metric) -> Array:
    """Return codes (n, d) whose distances are those of the metric: "l2" as they are, "cosine" each of length 1.

    The distance of two codes of length 1 is sqrt(2 - 2 cos) of the angle between them; a code of zeros stays one.
    """
    if metric == "l2":
        return codes
    lengths = np.linalg.norm(codes.astype(np.float64), axis=1, keepdims=True)
    result: Array = codes / np.where(lengths > 0, lengths, 1)
    return result
