"""Where objects go: a canvas of who is seen at each pixel, and the search for places where all stay visible."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from minitorch_viz._types import Array, Generator, Pair

TRIES = 12
MAIN_VISIBLE, OTHERS_VISIBLE = 0.65, 0.4  # what no other object may hide of one


@dataclass
class Canvas:
    """The objects placed so far: the main one first."""

    owner: Array  # (H, W) uint8: 1 + index of the object that is seen
    areas: list[int] = field(default_factory=list)  # pixels of each whole object
    seen: list[int] = field(default_factory=list)  # pixels that are seen of it
    order: list[int] = field(default_factory=list)  # indices, the nearest first
    corners: list[Pair] = field(default_factory=list)  # (top, left) of each one's mask

    def add(self, mask: Array, rng: Generator) -> Array | None:
        """Place a mask (h, w) before or behind all others; which of its pixels are seen, or None if nothing fits."""
        area = int(np.count_nonzero(mask))
        rooms = self.owner.shape[0] - mask.shape[0] + 1, self.owner.shape[1] - mask.shape[1] + 1
        if min(rooms) < 1:
            return None
        index = len(self.areas)
        for down, right, side in rng.random((TRIES, 3)).tolist():
            top, left, front = int(down * rooms[0]), int(right * rooms[1]), side < 0.5
            window = self.owner[top : top + mask.shape[0], left : left + mask.shape[1]]
            hits = np.bincount(window[mask], minlength=index + 1).tolist()
            if not self._leaves_enough(hits, area, front):
                continue
            shown = mask if front else mask & (window == 0)
            window[shown] = index + 1
            if front:
                self.seen = [seen - hit for seen, hit in zip(self.seen, hits[1:], strict=True)]
            self.areas.append(area)
            self.seen.append(area if front else hits[0])
            self.order.insert(0 if front else index, index)
            self.corners.append((top, left))
            return shown
        return None

    def _leaves_enough(self, hits: list[int], area: int, front: bool) -> bool:
        """Whether every object stays visible, given whose pixels (0: nobody's) the new one meets."""
        if not front:
            return hits[0] >= OTHERS_VISIBLE * area
        for index, whole in enumerate(self.areas):
            least = OTHERS_VISIBLE if index else MAIN_VISIBLE
            if self.seen[index] - hits[index + 1] < least * whole:
                return False
        return True
