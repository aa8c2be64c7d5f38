"""The pictures that a unit answers to most, with the pixels that it answers to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.data.bits import packed, unpacked
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.graph import Tape
from minitorch_viz.io.images import resize_image
from minitorch_viz.techniques.explain.anchored import Anchors
from minitorch_viz.techniques.tally import Tally

if TYPE_CHECKING:
    from minitorch_viz.models import Model

LARGEST = 128  # pixels of a side of a picture that is shown
DARK = 0.25  # how bright is what the unit does not answer to
GAP = 4  # white pixels between two pictures of a strip


class Masks(Tally):
    """Keep which pixels a unit answers to, in its own pictures.

    wanted (C, k): of each unit its pictures, by number; -1 for none. numbers: what the pictures of the pass are called
    there.
    """

    def __init__(self, node: str, thresholds: Array, wanted: Array, numbers: Sequence[int], anchors: Anchors) -> None:
        self.node, self.thresholds, self.wanted, self.anchors = node, thresholds, wanted, anchors
        self.numbers = tuple(numbers)
        self.arrays: dict[str, Array] = {}

    @property
    def upto(self) -> tuple[str, ...]:
        return (self.node,)

    def see(self, tape: Tape, numbers: Array) -> None:
        maps = kernels.to_cpu(tape[self.node]).astype(np.float32, copy=False)
        later = Masks(self.node, self.thresholds, self.wanted, self.numbers, self.anchors)
        size = len(self.anchors.rows.low) * len(self.anchors.columns.low)
        masks = np.zeros((*self.wanted.shape, -(-size // 64)), np.uint64)
        for image, number in zip(maps, numbers.tolist(), strict=True):
            units, ranks = np.nonzero(self.wanted == self.numbers[number])
            above = self.anchors.enlarged(image[units]) > self.thresholds[units][:, None, None]
            masks[units, ranks] = packed(above.reshape(len(units), -1))
        later.arrays = {"masks": masks}
        self.merge(later)

    def merge(self, other: Self) -> None:
        if not self.arrays or not other.arrays:
            self.arrays = self.arrays or other.arrays
            return
        self.arrays = {"masks": self.arrays["masks"] | other.arrays["masks"]}

    def result(self) -> Array:
        """Return (C, k, words) uint64: bit-packed masks; empty where there is no picture."""
        return self.arrays["masks"]


class Shown(NamedTuple):
    """Hold the pictures that the units answer to most, each once, and where in them."""

    pictures: Array  # (D, h, w, 3) uint8, as the net sees them
    places: Array  # (C, k) int: of each unit its pictures, the strongest first; -1 where there are fewer
    masks: Array  # (C, k, words) uint64, bit-packed: the pixels that it answers to
    size: Pair  # of the masks

    def of(self, unit: int) -> list[Array]:
        """Return a unit's pictures (h, w, 3) uint8, dark where it does not answer."""
        darkened = []
        for place, mask in zip(self.places[unit], self.masks[unit], strict=True):
            if place < 0:
                continue
            picture = self.pictures[place]
            height, width = picture.shape[:2]
            bright = unpacked(mask, self.size[0] * self.size[1]).reshape(self.size)
            rows, columns = (np.arange(n) * m // n for n, m in zip((height, width), self.size, strict=True))
            light = np.where(bright[rows][:, columns], 1, DARK)[..., None]
            darkened.append((picture * light).astype(np.uint8))
        return darkened

    def strip(self, unit: int) -> Array:
        """Return a unit's pictures side by side, (h, k w + gaps, 3) uint8; white where there are fewer."""
        count = self.places.shape[1]
        height, width = self.pictures.shape[1:3]
        strip = np.full((height, count * (width + GAP) - GAP, 3), 255, np.uint8)
        for place, picture in enumerate(self.of(unit)):
            strip[:, place * (width + GAP) : place * (width + GAP) + width] = picture
        return strip


def shown(model: Model, pictures: Pictures, wanted: Array, masks: Array, size: Pair) -> Shown:
    """Return the wanted pictures, each read once. wanted (C, k): their numbers, -1 for none."""
    numbers = np.unique(wanted[wanted >= 0])
    thumbs = [_small(model.restore(model.preprocess(pictures[int(number)]))) for number in numbers]
    places = np.where(wanted >= 0, np.searchsorted(numbers, wanted), -1)
    return Shown(np.stack(thumbs), places, masks, size)


def _small(picture: Any) -> Array:
    height, width = picture.shape[:2]
    scale = LARGEST / max(height, width)
    if scale >= 1:
        return np.asarray(picture)
    return resize_image(picture, (max(1, round(scale * height)), max(1, round(scale * width))))
