"""Where objects go: a canvas of the object that each pixel shows, and the search for places where all stay visible."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from minitorch_viz._types import Array, Generator, Pair

TRIES = 12
MAIN_VISIBLE, OTHERS_VISIBLE = 0.65, 0.4  # what no other object may hide of one


@dataclass
class Canvas:
    """Hold the objects placed so far, the main one first."""

    owner: Array  # (H, W) uint8: 1 + index of the object that the pixel shows
    areas: list[int] = field(default_factory=list)  # pixels of each whole object
    seen: list[int] = field(default_factory=list)  # pixels that are seen of it
    order: list[int] = field(default_factory=list)  # indices, the nearest first
    corners: list[Pair] = field(default_factory=list)  # (top, left) of each one's mask

    def add(self, mask: Array, rng: Generator) -> Array | None:
        """Place a mask (h, w) before or behind all others; return its visible pixels, or None if nothing fits."""
        area = int(np.count_nonzero(mask))
        rooms = self.owner.shape[0] - mask.shape[0] + 1, self.owner.shape[1] - mask.shape[1] + 1
        if min(rooms) < 1:
            return None
        index = len(self.areas)
        for top_share, left_share, side in rng.random((TRIES, 3)).tolist():
            top, left, front = int(top_share * rooms[0]), int(left_share * rooms[1]), side < 0.5
            window = self.owner[top : top + mask.shape[0], left : left + mask.shape[1]]
            hits = np.bincount(window[mask], minlength=index + 1).tolist()
            if not self._leaves_enough(hits, area, front):
                continue
            visible = mask if front else mask & (window == 0)
            window[visible] = index + 1
            if front:
                self.seen = [pixels - hit for pixels, hit in zip(self.seen, hits[1:], strict=True)]
            self.areas.append(area)
            self.seen.append(area if front else hits[0])
            self.order.insert(0 if front else index, index)
            self.corners.append((top, left))
            return visible
        return None

    def _leaves_enough(self, hits: list[int], area: int, front: bool) -> bool:
        """Return whether every object stays visible, given the pixels of each (0: of none) that the new one meets."""
        if not front:
            return hits[0] >= OTHERS_VISIBLE * area
        for index, area_before in enumerate(self.areas):
            share = OTHERS_VISIBLE if index else MAIN_VISIBLE
            if self.seen[index] - hits[index + 1] < share * area_before:
                return False
        return True
