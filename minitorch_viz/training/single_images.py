"""A batch of one image and batch normalization: where a map has one pixel, one value a channel has no variance.

The last batch of an epoch often is one image (33 images, batches of 32). It is joined to the batch before it, so that
no image is lost. If the whole data set is one image, the step is taken with the running statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.batches import Batches
from minitorch_viz.net import Net


class StepData(NamedTuple):
    """Hold what one step is taken on."""

    x: Any  # as Net.forward takes it
    target: Array
    batches: int  # how many of the source's batches it is made of


class SingleImages:
    """Find the batches that a net cannot be trained on alone, join them to others, and count them."""

    def __init__(self, net: Net, output: str) -> None:
        """Prepare for `net`, whose loss reads the node `output`."""
        self.net, self.output = net, output
        self.norms = [node for node in net.nodes if node.layer.buffer_names]  # running statistics
        self.joined = 0  # batches
        self.frozen = 0  # steps with the running statistics

    def is_untrainable(self, x: Any, target: Array) -> bool:
        """Return whether this is one image of which some batch normalization gets one value a channel."""
        if not self.norms or len(target) != 1:
            return False
        values = self.net.forward(x, upto=self.output).values
        return any(norm.name in values and values[norm.name][0, 0].size == 1 for norm in self.norms)

    def steps(self, batches: Iterable[tuple[Any, Array]]) -> Iterator[StepData]:
        """Yield the batches of an epoch, each single image joined to the batch before it (the first: to the next)."""
        earlier: StepData | None = None  # one batch is held back, in case the next has to be joined to it
        last: StepData | None = None
        holds_back: bool | None = None
        for x, target in batches:
            if holds_back is None:
                holds_back = self.is_untrainable(_first(x), target[:1])
            if not holds_back:  # what is taken is stepped at once: Ctrl-C costs no batch
                yield StepData(x, target, 1)
                continue
            if last is not None and self.is_untrainable(last.x, last.target):
                last = self._join(last, StepData(x, target, 1))
                continue
            if earlier is not None:
                yield earlier
            earlier, last = last, StepData(x, target, 1)
        if last is not None and earlier is not None and self.is_untrainable(last.x, last.target):
            last = self._join(earlier, last)
            earlier = None
        yield from (part for part in (earlier, last) if part is not None)

    def count(self, source: Any) -> int | None:
        """Return how many steps an epoch of a source has, if that can be known before it."""
        count = len(source) if isinstance(source, Sized) else None
        if count is None or not self.norms:
            return count
        if isinstance(source, (list, tuple)):
            return sum(1 for _ in SingleImages(self.net, self.output).steps(source))
        batch = getattr(source, "batch", None)
        if not isinstance(source, Batches) or not isinstance(batch, int) or len(source.labels) % batch != 1 % batch:
            return count
        if not self.is_untrainable(source.first(), source.labels[:1]):
            return count
        return max(1, len(source.labels) // max(batch, 2))

    def notes(self) -> tuple[str, ...]:
        """Return sentences on what was done."""
        reason = "batch normalization has no variance of one value a channel"
        notes = []
        if self.joined:
            notes.append(
                f"{self.joined} {_batches(self.joined)} of one image joined to the next to it, since {reason}."
            )
        if self.frozen:
            notes.append(
                f"{self.frozen} {'step was' if self.frozen == 1 else 'steps were'} taken on one image alone, with the "
                f"running statistics and without dropout, since {reason}."
            )
        return tuple(notes)

    def _join(self, first: StepData, second: StepData) -> StepData:
        self.joined += 1
        target = np.concatenate([first.target, second.target])
        return StepData(_concatenated(first.x, second.x), target, first.batches + second.batches)


def _first(x: Any) -> Any:
    """Return the first image of a batch."""
    if isinstance(x, Mapping):
        return {name: _first(value) for name, value in x.items()}
    return type(x)(map(_first, x)) if isinstance(x, (tuple, list)) else x[:1]


def _concatenated(a: Any, b: Any) -> Any:
    if isinstance(a, Mapping):
        return {name: _concatenated(a[name], b[name]) for name in a}
    if isinstance(a, (tuple, list)):
        return type(a)(_concatenated(x, y) for x, y in zip(a, b, strict=True))
    return np.concatenate([a, b])


def _batches(count: int) -> str:
    return "batch was" if count == 1 else "batches were"
