"""Which preset is taken where none is named: the one whose pictures look best on nets of this kind."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from minitorch_viz.optimize.presets import Preset, get_preset
from minitorch_viz.optimize.score import own_size
from minitorch_viz.techniques.optimization._climb import scaled

if TYPE_CHECKING:
    from minitorch_viz.models import Model


TINY, SMALL = 16, 32  # pixels of a side below which a net's pictures have no octaves, or hardly any
FEW = 80  # steps are enough for these


def best_preset(model: Model) -> Preset:
    """Return the preset that is taken for a net where none is named.

    Jitter would smear tiny pictures, and the templates of a net without maps: there a penalty keeps pictures smooth.
    """
    side = max(own_size(model))
    if side < TINY or not model.last_conv:
        preset = get_preset("mahendran")
    elif side < SMALL:
        preset = get_preset("oygard")
    else:
        return get_preset("ours")
    words = f"{preset.differs} In {FEW} steps, since the pictures are small.".strip()
    return replace(preset, stages=scaled(preset.stages, FEW), differs=words)
