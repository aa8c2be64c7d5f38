"""From coarse to fine: large strokes are found where they are small, and cost little there."""

from __future__ import annotations

import math

from minitorch_viz._types import Pair

COARSEST = 128  # the longer side of the first picture


def sides(end: int, coarsest: int = COARSEST) -> list[int]:
    """Return longer sides end / sqrt(2)^i, the smallest first: none below `coarsest`, and at least `end` itself.

    Paper: Crowson, style_transfer.py, 2021.
    """
    count = max(0, math.floor(2 * math.log2(end / coarsest) + 1e-9)) if end > coarsest else 0
    return [round(end / math.sqrt(2) ** i) for i in range(count, -1, -1)]


def size_at(side: int, shape: Pair) -> Pair:
    """Return (H, W) of a picture of these proportions whose longer side has so many pixels; at least 1 each."""
    longest = max(shape)
    return max(1, round(side * shape[0] / longest)), max(1, round(side * shape[1] / longest))
