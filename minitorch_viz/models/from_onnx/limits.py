"""How large a net in a file may be: what is declared is checked before memory is taken for it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from minitorch_viz.errors import NetError

MOST_NODES = 20_000
MOST_NUMBERS = 2**26  # in one array that the graph makes; those in the file are bounded by its size
MOST_IN_ALL = 2**28  # in all arrays of one forward pass: 1 GiB in float32
MOST_WORK = 2**37  # multiplications in one forward pass; VGG-19 needs 2**34.2
MOST_AXES = 8


class Budget:
    """Count what a net needs, and refuse one that would fill the memory or never end."""

    def __init__(self) -> None:
        self.numbers = self.work = 0

    def spend(self, shape: Iterable[int], label: str, work_each: int = 1) -> tuple[int, ...]:
        """Return the shape of an array about to be made, each number of which takes `work_each` multiplications.

        Raises NetError if a side is below 1, or if it is too large by itself or with all others.
        """
        sides = tuple(int(side) for side in shape)
        if len(sides) > MOST_AXES or any(side < 1 for side in sides):
            raise NetError(f"{label} would give an array of shape {sides!s:.120}; sides must be at least 1.")
        count = math.prod(sides)
        self.numbers += count
        self.work += count * work_each
        if count > MOST_NUMBERS:
            raise NetError(f"{label} would give {count:,} numbers, {sides}; at most {MOST_NUMBERS:,} are made.")
        if self.numbers > MOST_IN_ALL or self.work > MOST_WORK:
            raise NetError(
                f"Up to {label} the net makes {self.numbers:,} numbers by {self.work:,} multiplications for one input; "
                f"at most {MOST_IN_ALL:,} by {MOST_WORK:,} are taken. Give a smaller size=."
            )
        return sides
