"""What dissection says of the units of a node, where the pictures have masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz.data.concepts import concepts_of
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.graph import channel_axis
from minitorch_viz.techniques.activations.dissection import Dissection, dissection
from minitorch_viz.techniques.explain.anchored import varying
from minitorch_viz.techniques.explain.passport import Evidence

if TYPE_CHECKING:
    from minitorch_viz.techniques.explain.unit_survey import Ground


def dissected(ground: Ground, pictures: Pictures, workers: int = 1, **settings: Any) -> Dissection | None:
    """Return the dissection of a node; None where nothing says what pixels show, or where maps have not one size.

    settings: of `dissection`; by default without the controls, which take further passes over the pictures.
    """
    maps, net = ground.tape[ground.node], ground.model.net
    has_maps = maps.ndim == 4 and maps.shape[2] * maps.shape[3] > 1 and channel_axis(net.nodes, ground.node) == 1
    unlabelled = ground.node in net.inputs or concepts_of(pictures) is None
    if not has_maps or unlabelled or varying(ground.model):
        return None
    asked = {"length": 1, "rotate": False, "untrained": 0, "workers": workers, **settings}
    *_, result = dissection.each(ground.model, pictures, node=ground.node, **asked)
    return result


def evidence_of(result: Dissection, channel: int) -> Evidence | None:
    """Return which concept a unit detects, and what speaks for it; None if it answers to none at all."""
    best = int(result.concept[channel])
    if best < 0:
        return None
    iou, ious = float(result.iou[channel]), np.nan_to_num(result.ious[channel])
    words = []
    auc, p = float(result.auc[channel, best]), float(result.p[channel, best])
    if np.isfinite(auc):
        sure = f", p {p:.2g} after correction for all tests" if np.isfinite(p) else ""
        words.append(f"Its mean answer tells the pictures that show it with an AUC of {auc:.2f}{sure}.")
    if np.isfinite(result.chance[channel]):
        words.append(f"A unit of an untrained net does as well with probability {result.chance[channel]:.2g}.")
    if (second := _second(ious, best)) is not None:
        words.append(f"Next best: {result.names[second]} ({ious[second]:.3f}).")
    formula = result.meanings[channel]
    if formula and formula != result.names[best]:
        words.append(f"As a formula: {formula} ({np.nanmax(result.formula_ious[channel]):.3f}).")
    return Evidence(result.names[best], result.categories[best], round(iou, 4), iou >= result.bar, " ".join(words))


def _second(ious: Any, best: int) -> int | None:
    others = ious.copy()
    others[best] = 0
    second = int(others.argmax())
    return second if others[second] > 0 else None
