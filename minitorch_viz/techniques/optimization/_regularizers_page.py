"""The page of all presets for one unit: a row each, sorted by year, with every number; natural patches beside each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing.html import Embedded, embedded_image, render
from minitorch_viz.optimize.units import coloured
from minitorch_viz.techniques.explain.patches import framed
from minitorch_viz.techniques.optimization._regularizers_figure import number, trust_range
from minitorch_viz.techniques.optimization._regularizers_words import known_words

if TYPE_CHECKING:
    from minitorch_viz.techniques.optimization.regularizers import Regularizers

SIDE, PATCH = 224, 96  # pixels of a picture's width, and of a patch's
BESIDE = 4  # natural patches in each row
QUALITY = 88  # of the pictures, of 100
CURVE = 180, 84  # pixels of a curve of trust


def page_of(result: Regularizers) -> str:
    """Return the page as HTML, with everything inside."""
    patches = [
        {"picture": _embedded(framed(patch, PATCH), PATCH), "value": f"{patch.value:.3g}", "title": patch.title}
        for patch in result.natural
    ]
    return render(
        "regularizers.html",
        title=f"{result.label} of {result.net}, by every preset",
        about=f"{len(result.shown)} presets, {result.pixels.shape[1]} seeds each",
        caption=result.caption,
        notes=result.notes[: len(result.notes) - len(result.verdicts)],
        verdicts=result.verdicts,
        rows=[_row(result, place) for place in range(len(result.methods))],
        layers=_layers(result),
        patches=patches,
        beside=BESIDE,
        natural_slope=number(result.natural_slope, 2),
        source=result.source,
        looked_at=result.looked_at,
        curve=CURVE,
    )


def _row(result: Regularizers, place: int) -> dict[str, Any]:
    """Return what the page says of one preset."""
    way, is_shown = result.methods[place], place in result.shown
    probability = float(np.mean(result.probabilities[place]))
    return {
        "name": way.name,
        "title": way.title,
        "year": way.year,
        "family": way.family,
        "source": way.source,
        "unlike": " ".join(way.unlike),
        "steps": result.steps[place],
        "why": result.reasons[place] or ("" if is_shown else "not made yet"),
        "pictures": [_embedded(coloured(picture), SIDE) for picture in result.pixels[place]] if is_shown else [],
        "score": number(float(result.scores[place].mean()), 2),
        "probability": number(probability, 3) if np.isfinite(probability) else "",
        "slope": number(float(result.slopes[place]), 2),
        "spread": number(float(result.spreads[place]), 1),
        "seconds": number(float(result.seconds[place]), 1),
        "trust": number(float(result.trusts[place]), 2),
        "known": known_words(result.plant, result.truths[place]) if is_shown else "",
        "by_layer": [number(float(value), 2) for value in result.trust_by_layer[place]],
        "curve": _curve(result.trust_by_layer[place], trust_range(result)) if is_shown else [],
        "levels": tuple(_height(level, trust_range(result)) for level in (0.0, 1.0)),
    }


def _curve(values: Array, scale: tuple[float, float]) -> list[tuple[float, float]]:
    """Return the points of a curve, in pixels; NaN is left out. scale: at its bottom and its top."""
    wide = CURVE[0]
    step = (wide - 12) / max(len(values) - 1, 1)
    return [
        (round(6 + place * step, 1), _height(float(value), scale))
        for place, value in enumerate(values)
        if np.isfinite(value)
    ]


def _height(value: float, scale: tuple[float, float]) -> float:
    """Return how far below the top of a curve a trust score is, in pixels."""
    low, high = scale
    return round(4 + (CURVE[1] - 8) * (high - value) / (high - low), 1)


def _layers(result: Regularizers) -> list[dict[str, str]]:
    """Return what natural pictures have at each layer."""
    return [
        {"node": node, "same": number(float(same), 3), "other": number(float(other), 3)}
        for node, same, other in zip(result.nodes, result.same, result.other, strict=True)
    ]


def _embedded(picture: Array, side: int) -> Embedded:
    from PIL import Image

    tall = max(1, round(side * picture.shape[0] / picture.shape[1]))
    how = Image.Resampling.NEAREST if picture.shape[1] < side else Image.Resampling.LANCZOS
    return embedded_image(Image.fromarray(picture).resize((side, tall), how), "webp", quality=QUALITY, method=4)
