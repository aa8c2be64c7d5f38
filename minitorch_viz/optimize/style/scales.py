"""From coarse to fine: large strokes are found where they are small, and cost little there.

How the picture grows depends on what it begins as. Measured at 512 pixels on VGG-19 to conv3_1, L-BFGS, at the work of
about 85 steps of the finished size (the loss of one size alone in brackets): from noise, which has everything to find,
many sizes pay, 0.060 and 0.039 for two pairs of photo and painting (0.072 and 0.075). The photo has its shapes already:
with the same many sizes it comes to 0.0507 (0.0482), and with a single coarse one, and the steps at the finished size,
to 0.0480 and 0.031 (0.0481 and 0.033).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from minitorch_viz._types import Pair


class Ladder(NamedTuple):
    """Describe how a picture grows to the size that is asked for."""

    factor: float  # of the longer side, from one size to the next
    coarsest: int  # pixels: no size is smaller, but for the one that is asked for
    doubled: int  # which of the sizes gets twice the steps: 0, the coarsest; -1, the finished one


FROM_NOISE = Ladder(math.sqrt(2), 128, 0)  # as Crowson, style_transfer.py, 2021
FROM_PHOTO = Ladder(math.sqrt(8), 90, -1)


def sides(end: int, ladder: Ladder) -> list[int]:
    """Return longer sides end / factor^i, the smallest first: none below the coarsest, and at least `end` itself."""
    powers = math.log(end / ladder.coarsest) / math.log(ladder.factor) if end > ladder.coarsest else 0.0
    return [round(end / ladder.factor**i) for i in range(math.floor(powers + 1e-9), -1, -1)]


def steps_of(steps: int, count: int, ladder: Ladder) -> list[int]:
    """Return the steps at each of so many sizes: at one of them twice as many; at a single one just these."""
    listed = [steps] * count
    if count > 1:
        listed[ladder.doubled] *= 2
    return listed


def size_at(side: int, shape: Pair) -> Pair:
    """Return (H, W) of a picture of these proportions whose longer side has so many pixels; at least 1 each."""
    longest = max(shape)
    return max(1, round(side * shape[0] / longest)), max(1, round(side * shape[1] / longest))
