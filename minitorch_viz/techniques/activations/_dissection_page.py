"""The page of a dissection: all units, to be sorted, filtered and looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz.drawing.html import embedded_image, render
from minitorch_viz.techniques.activations._dissection_chance import LEVEL
from minitorch_viz.techniques.activations._dissection_words import words_of

if TYPE_CHECKING:
    from minitorch_viz.techniques.activations.dissection import Dissection

MOST_PICTURES = 400  # units with pictures on one page; the best
NAMED = 3  # concepts that a unit's mean answer tells, and that it falls silent for


def render_page(result: Dissection) -> str:
    """Return the page as one string of HTML, with everything inside."""
    order = np.argsort(-np.nan_to_num(result.iou), kind="stable").tolist()
    trials = {trial.unit: trial for trial in result.trials}
    units = [_unit(result, unit, place < MOST_PICTURES) for place, unit in enumerate(order)]
    for unit in units:
        trial = trials.get(unit["number"])
        unit["trial"] = trial and {
            "stands": trial.agrees,
            "words": trial.sentence(result.names[trial.concept], result.classes),
        }
    return render(
        "dissection.html",
        result=result,
        words=words_of(result),
        units=units,
        unique=result.unique(result.concept, result.iou),
        rotated=result.unique(result.rotated_concept, result.rotated) if len(result.rotated) else None,
        rotated_count=int((result.rotated >= result.bar).sum()),
        left_out=max(0, len(order) - MOST_PICTURES),
    )


def _unit(result: Dissection, unit: int, with_pictures: bool) -> dict[str, Any]:
    """Return what the page says of one unit."""
    concept = int(result.concept[unit])
    lengths = zip(result.formulas[unit], result.formula_ious[unit].tolist(), strict=False)
    return {
        "number": unit,
        "label": result.meanings[unit] or "nothing",
        "iou": float(np.nan_to_num(result.iou[unit])),
        "detector": bool(result.iou[unit] >= result.bar),
        "category": result.categories[concept] if concept >= 0 else "",
        "formulas": [(words, iou) for words, iou in lengths if words],
        "strip": _strip(result, unit) if with_pictures else None,
        "significant": bool(result.significant[unit]) if len(result.untrained) else None,
        "tells": _concepts(result, unit, 1),
        "silent": _concepts(result, unit, -1),
    }


def _strip(result: Dissection, unit: int) -> Any:
    """Return a unit's pictures side by side, as one picture of the page; None if it has none."""
    if result.shown is None or not (result.shown.places[unit] >= 0).any():
        return None
    from PIL import Image

    return embedded_image(Image.fromarray(result.shown.strip(unit)), "webp", quality=80)


def _concepts(result: Dissection, unit: int, sign: int) -> list[tuple[str, float]]:
    """Return (name, AUC) of the concepts that a unit answers to more (sign 1), or less (-1), where they are shown."""
    auc, p = result.auc[unit], np.nan_to_num(result.p[unit], nan=1)
    order = np.argsort(-sign * np.nan_to_num(auc, nan=0.5), kind="stable")
    chosen = [k for k in order.tolist() if p[k] < LEVEL and sign * (auc[k] - 0.5) > 0]
    return [(result.names[k], float(auc[k])) for k in chosen[:NAMED]]
