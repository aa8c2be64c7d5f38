"""One unit as a detector: the regions that it answers to most, of which none covers much of a stronger one."""

from __future__ import annotations

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Tape
from minitorch_viz.techniques.explain.receptive import Geometry
from minitorch_viz.techniques.explain.strongest import Strongest, by_channel, rows_and_columns

OVERLAP = 0.3  # intersection over union at which the weaker of two regions is left out


class Regions(Strongest):
    """Keep the k strongest regions of one channel, after non-maximum suppression in each picture.

    A region is a unit's receptive field inside the picture. From the strongest down, one that overlaps with a stronger
    one of the same picture by more than `overlap` (intersection over union) is left out.

    The result has one channel, the chosen one.

    Paper: Girshick, Donahue, Darrell, Malik 2014.
    """

    def __init__(
        self, node: str, channel: int, fields: Geometry | None, source: str, k: int = 16, *, overlap: float = OVERLAP
    ) -> None:
        super().__init__(node, k, k)
        self.channel, self.fields, self.source, self.overlap = channel, fields, source, overlap

    @property
    def settings(self) -> str:
        return f"{self.node} {self.channel} {self.k} {self.overlap}"  # the fields are the net's

    @property
    def upto(self) -> tuple[str, ...]:
        return (self.source, self.node)

    def see(self, tape: Tape, numbers: Array) -> None:
        maps = by_channel(kernels.to_cpu(tape[self.node]), self.axis)[:, self.channel]
        boxes = boxes_of(self.fields, maps.shape[1:], tape[self.source].shape[2:])
        for values, number in zip(maps.reshape(len(maps), -1), numbers, strict=True):
            places = suppressed(values, boxes, self.overlap, self.k)
            rows, columns = rows_and_columns(places, maps.shape[1:])
            entries = {"values": values[places], "numbers": np.full_like(places, number), "rows": rows}
            entries["columns"] = columns
            broken = np.array([int(not np.isfinite(values).all())])
            self._keep({name: entry[None] for name, entry in entries.items()}, broken)


def boxes_of(fields: Geometry | None, shape: tuple[int, ...], size: tuple[int, ...]) -> Array:
    """Return (P, 4) ints, top, left, bottom, right: what each place of maps (h, w) sees of an input (H, W)."""
    count = int(np.prod(shape))
    if fields is None or len(shape) != 2:
        return np.tile([0, 0, *size], (count, 1))
    boxes = np.array([fields.box((row, column)) for row in range(shape[0]) for column in range(shape[1])])
    limits = np.array([size[0], size[1]] * 2)
    clipped: Array = np.clip(boxes, 0, limits)
    return clipped


def suppressed(values: Array, boxes: Array, overlap: float, most: int) -> Array:
    """Return the indices of up to `most` values, the largest first, whose boxes do not overlap with larger ones.

    values (P,); those that are not finite are left out, and of equal ones the first comes first. boxes (P, 4).
    """
    order = np.argsort(-values, kind="stable")
    order = order[np.isfinite(values[order])]
    kept: list[int] = []
    while len(order) and len(kept) < most:
        best, order = order[0], order[1:]
        kept.append(int(best))
        order = order[shared(boxes[best], boxes[order]) <= overlap]
    return np.array(kept, np.int64)


def shared(box: Array, others: Array) -> Array:
    """Return the intersection over union of a box (4,) with others (P, 4)."""
    high, wide = (
        np.minimum(box[axis + 2], others[:, axis + 2]) - np.maximum(box[axis], others[:, axis]) for axis in (0, 1)
    )
    inside = np.maximum(high, 0) * np.maximum(wide, 0)
    areas = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    area = (box[2] - box[0]) * (box[3] - box[1])
    share: Array = inside / np.maximum(area + areas - inside, 1)
    return share
