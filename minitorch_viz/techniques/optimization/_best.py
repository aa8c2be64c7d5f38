"""Which preset is taken where none is named: the one whose pictures look best on nets of this kind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from minitorch_viz.optimize.presets import Preset, get_preset
from minitorch_viz.techniques.optimization._climb import scaled

if TYPE_CHECKING:
    from minitorch_viz.models import Model


FEW = 80  # steps of a net without maps: its pictures are small


def best_preset(model: Model) -> Preset:
    """Return the preset that is taken for a net where none is named.

    A net without maps compares with templates, which jitter would smear; its pictures are kept smooth by a penalty.
    """
    if model.last_conv:
        return get_preset("ours")
    preset = get_preset("mahendran")
    words = f"{preset.differs} In {FEW} steps, since the pictures are small.".strip()
    return replace(preset, stages=scaled(preset.stages, FEW), differs=words)
