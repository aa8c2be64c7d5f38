"""How much memory an ascent will need, told before it is asked for."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.objectives import Objective
from minitorch_viz.optimize.score import own_size, takes

if TYPE_CHECKING:
    from minitorch_viz.models import Model

AT_ONCE = 16  # pictures that go through the net together
COPIES = 10  # of the pictures themselves: parameters, gradients, an optimizer's state, transforms
BACK = 2.5  # of a forward pass's maps: with what is saved, and the gradients


def need_memory(model: Model, objective: Objective, size: Pair, number: int) -> None:
    """Raise SettingError, a sentence, where `number` pictures of this size need more memory than there is."""
    needed, available = needed_bytes(model, objective, size, number), available_bytes()
    if needed > available:
        raise SettingError(
            f"{number} picture{'s' * (number > 1)} of {size[0]} x {size[1]} pixels would need about "
            f"{needed / 1e9:.1f} GB of memory, and {available / 1e9:.1f} GB are free; give a smaller --size, or fewer "
            "of them."
        )


def needed_bytes(model: Model, objective: Objective, size: Pair, number: int) -> float:
    """Return about how many bytes an ascent will need: the maps of one pass there and back, and the pictures."""
    own, channels = own_size(model), int(model.reader().blank(model.dtype).shape[1])
    blank = kernels.to_device(model.reader().blank(model.dtype), model.net.device)
    maps = sum(int(value.nbytes) for value in model.net.forward(blank, upto=objective.nodes).values.values())
    # Whether a net takes a large picture is asked at twice its own size, which costs little.
    grows = size[0] * size[1] > own[0] * own[1] and takes(model, objective, (2 * own[0], 2 * own[1]))
    area = size[0] * size[1] / (own[0] * own[1]) if grows else 1.0
    return BACK * maps * area * min(number, AT_ONCE) + COPIES * number * channels * size[0] * size[1] * 4.0


def available_bytes() -> float:
    """Return how much memory is free, as far as the system says; infinity where it says nothing."""
    place = Path("/proc/meminfo")
    if place.is_file() and (match := re.search(r"MemAvailable:\s*(\d+) kB", place.read_text())):
        return 1024.0 * int(match[1])
    try:
        return float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return float("inf")
