"""Style in one go, by the decoders of VGG-19: level by level, the deepest first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.models.vgg19_decoder import STEPS, load_vgg19_decoder
from minitorch_viz.optimize.style.closed_form import FORMULAS
from minitorch_viz.optimize.style.statistics import mixture
from minitorch_viz.optimize.units import WHITE
from minitorch_viz.techniques.optimization._style_task import Task

if TYPE_CHECKING:
    from minitorch_viz.net import Net

LEVELS = tuple(sorted(STEPS, reverse=True))  # relu3_1, relu2_1, relu1_1
NET = "vgg19_conv3_1"


def need_decoders(task: Task) -> list[Net]:
    """Return the decoders, the deepest first. Raises SettingError for another net, WeightsFileError without a file."""
    if task.model.name != NET:
        raise SettingError(
            f"fast decodes maps of {NET}, and no other net here has decoders; take --model {NET}, or leave out fast."
        )
    folder = Path(task.model.source).parent if task.model.source else None
    device = task.model.net.device
    return [load_vgg19_decoder(level, folder, task.model.dtype).to(device) for level in LEVELS]


def levels(task: Task, fast: str, strength: float, size: Pair, x: Array, first: int) -> Iterator[tuple[int, Array]]:
    """Yield (levels done, picture (1, C, H, W)) after each level, from number `first` on.

    x: the picture so far, pixel - mean. strength: 1 for the style's statistics, 0 for the maps as they are.
    """
    decoders = need_decoders(task)
    targets = task.statistics(size, LEVELS)
    for number in range(first, len(LEVELS)):
        level = LEVELS[number]
        output = task.outputs(x, [level])[level]
        maps = output.reshape(output.shape[1], -1)
        parts = [part[level] for part in targets]
        guides = task.inputs.guides((output.shape[2], output.shape[3]))
        if guides:
            moved, total = 0 * maps, np.sum(guides, axis=0)
            for part, guide in zip(parts, guides, strict=True):
                if guide.any():
                    share = guide / np.maximum(total, 1e-6)
                    weights = kernels.to_device(share.astype(maps.dtype), kernels.device_of(maps))
                    moved = moved + weights * FORMULAS[fast](maps, part, weights)
            bare = kernels.to_device((total <= 1e-6).astype(maps.dtype), kernels.device_of(maps))
            moved = moved + bare * maps  # where no style goes, the photo stays
        else:
            moved = FORMULAS[fast](maps, mixture(parts, task.shares))
        mixed = strength * moved + (1 - strength) * maps
        pixels = kernels.to_cpu(decoders[number].predict(mixed.reshape(output.shape)))[..., : size[0], : size[1]]
        x = task.inputs.units.clip(task.inputs.units.picture(WHITE * pixels))
        yield number + 1, x
