"""From coarse to fine: large strokes are found where they are small, and cost little there.

How the picture grows depends on what it begins as. Measured at 512 pixels on VGG-19 to conv3_1 with L-BFGS, beside
pictures of one size that were given the same work, about 85 steps: from noise, which has everything to find, many sizes
pay: 17 and 48 % less loss for two pairs of photo and painting. A photo has its shapes already, and with the same many
sizes it was 5 % worse off. With most steps at the finished size and few in between four pairs came to 25 and 8 % less
and to 0.8 and 1.6 % more, and have the large strokes, which a net that ends at conv3_1 cannot see at the finished size:
a single coarse size of 181 pixels did about as well in loss, but its sky had no swirl.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from minitorch_viz._types import Pair


class Ladder(NamedTuple):
    """Describe how a picture grows to the size that is asked for."""

    factor: float  # of the longer side, from one size to the next
    coarsest: int  # pixels: no size is smaller, but for the one that is asked for
    first: float  # steps at the coarsest of several sizes, over those that are asked for
    between: float
    last: float  # at the finished one


FROM_NOISE = Ladder(math.sqrt(2), 128, 2, 1, 1)  # as Crowson, style_transfer.py, 2021
FROM_PHOTO = Ladder(2, 128, 1, 0.25, 2)


def sides(end: int, ladder: Ladder) -> list[int]:
    """Return longer sides end / factor^i, the smallest first: none below the coarsest, and at least `end` itself."""
    powers = math.log(end / ladder.coarsest) / math.log(ladder.factor) if end > ladder.coarsest else 0.0
    return [round(end / ladder.factor**i) for i in range(math.floor(powers + 1e-9), -1, -1)]


def steps_of(steps: int, count: int, ladder: Ladder) -> list[int]:
    """Return the steps at each of so many sizes, at least 1; at a single size just those that are asked for."""
    if count == 1:
        return [steps]
    shares = [ladder.first, *[ladder.between] * (count - 2), ladder.last]
    return [math.ceil(share * steps) for share in shares]


def size_at(side: int, shape: Pair) -> Pair:
    """Return (H, W) of a picture of these proportions whose longer side has so many pixels; at least 1 each."""
    longest = max(shape)
    return max(1, round(side * shape[0] / longest)), max(1, round(side * shape[1] / longest))
