"""Which preset is taken where none is named: the one whose pictures look best on nets of this kind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from minitorch_viz.optimize.presets import Preset, get_preset
from minitorch_viz.optimize.score import own_size
from minitorch_viz.techniques.optimization._climb import scaled

if TYPE_CHECKING:
    from minitorch_viz.models import Model


SMALL, FEW = 64, 80  # pixels of a side up to which so many steps are enough
ENOUGH = 160  # steps of larger ones


def best_preset(model: Model) -> Preset:
    """Return the preset that is taken for a net where none is named.

    A net without maps compares with templates, which jitter would smear; its pictures are kept smooth by a penalty.
    """
    side = max(own_size(model))
    if side > SMALL:
        return _in_steps(get_preset("lucid"), ENOUGH, "which is quicker")
    return _in_steps(get_preset("oygard" if model.last_conv else "mahendran"), FEW, "since the pictures are small")


def _in_steps(preset: Preset, steps: int, why: str) -> Preset:
    """Return a preset in fewer steps, and say so."""
    if preset.steps <= steps:
        return preset
    words = f"{preset.differs} In {steps} steps, {why}.".strip()
    return replace(preset, stages=scaled(preset.stages, steps), differs=words)
