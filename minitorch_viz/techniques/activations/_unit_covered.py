"""The empirical field of a unit for its passport: where small squares over its strongest pictures change its answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minitorch_viz.data.picture_base import ChosenPictures
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.techniques.activations.unit_field import unit_field
from minitorch_viz.techniques.explain.unit_pictures import Effective, Wanted
from minitorch_viz.techniques.explain.unit_survey import Ground

COVERED = 4  # pictures that are covered, as published three to five


def empirical(ground: Ground, pictures: Pictures, wanted: Sequence[Wanted]) -> Effective | None:
    """Return the empirical field over a unit's strongest answers; None of a unit without a place, or a silent one.

    It is slow: each picture goes through the net once for each place of the square.
    """
    strong = [each for each in wanted[:COVERED] if isinstance(each.position, tuple) and each.value > 0]
    if not strong:
        return None
    chosen = ChosenPictures(pictures, sorted({each.number for each in strong}))
    *_, result = unit_field.each(
        ground.model, chosen, node=ground.node, channel=strong[0].channel, top=min(COVERED, len(chosen))
    )
    energy, spread = np.nan_to_num(result.field), result.spread
    if spread.is_blank:
        return None
    return Effective(energy / energy.sum(), float(np.mean(spread.sigma)), spread.share, len(chosen))
