"""The page of a linear explanation: a slider on the ten numbers and one on the photo, with the net's own answers."""

from __future__ import annotations

import base64
import dataclasses
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import robust_max
from minitorch_viz.drawing.html import embedded_figure, embedded_image, render, script_data
from minitorch_viz.techniques.optimization._linear_explanation_ten import STEP
from minitorch_viz.techniques.optimization._linear_explanation_words import short

if TYPE_CHECKING:
    from minitorch_viz.techniques.optimization._linear_explanation_task import Walk
    from minitorch_viz.techniques.optimization.linear_explanation import LinearExplanation

FULL = 32767  # the largest magnitude of a 16-bit number


def page_of(result: LinearExplanation) -> str:
    """Return the page as HTML, with everything inside."""
    has_pictures = result.is_grey and len(result.weights) in (1, 3)
    weights = "weights" if result.is_linear else "gradient"
    scale = _product_scale(result) if has_pictures else 1.0
    data = {
        "ten": {"x": result.ten.x.tolist(), "w": result.ten.w.tolist()},
        "quantity": result.quantity,
        "border": _known(result.border),
        "at": result.at,
        "shape": result.weights.shape,
        "aspect": result.pixel_aspect,
        "mean": result.mean,
        "photo": _photo(result) if has_pictures else None,
        "weights": _packed(result.weights, np.int16) if has_pictures else None,
        "productScale": scale,
        "ways": _ways(result, has_pictures),
    }
    return render(
        "linear_explanation.html",
        data=script_data(data),
        model=result.model,
        label=result.label,
        quantity=result.quantity,
        size=f"{result.weights.size:,}",
        ten={"step": STEP},
        ways=("along the sign of its weight", "by chance", f"by a mix of the {weights}"),
        weights=weights,
        has_pictures=has_pictures,
        scale=short(scale, 2),
        growth=embedded_figure(dataclasses.replace(result, part="dimension").figure()),
        caption=result.caption,
        notes=result.notes,
    )


def _ways(result: LinearExplanation, has_pictures: bool) -> list[dict[str, Any]]:
    """Return the three directions, each with what the net gives along it."""
    unit = " of 255" if result.is_grey else ""
    eps, share = (
        {"unit": unit, "axis": f"eps{unit and ', of 255'}"},
        {"unit": " of the length", "axis": "length of the mix"},
    )
    factor = float(np.linalg.norm(result.x)) / (float(np.linalg.norm(result.weights)) or 1.0)
    ways = [
        {**_walk(result.along), **eps, "scale": 1.0},
        {**_walk(result.random[0]), **eps, "scale": 1.0},
        {**_walk(result.mix), **share, "scale": factor * _step(result.weights)},
    ]
    if has_pictures:
        ways[0] |= _packed(np.sign(result.weights), np.int8)
        ways[1] |= _packed(result.noise, np.int8)
        ways[0]["scale"] = ways[1]["scale"] = 1.0
    return ways


def _walk(walk: Walk) -> dict[str, Any]:
    return {
        "lengths": walk.lengths.tolist(),
        "values": walk.values.tolist(),
        "straight": walk.straight.tolist(),
        "clipped": walk.clipped.tolist(),
        "turned": walk.turned.tolist(),
        "switched": [_known(float(share)) for share in walk.switched],
        "says": walk.says,
    }


def _step(values: Array) -> float:
    """Return what one step of a 16-bit number stands for."""
    return (float(np.abs(values).max()) or 1.0) / FULL


def _packed(values: Array, kind: type) -> dict[str, Any]:
    """Return an array as {"zlib", "kind", "scale"}: small whole numbers as they are, others as 16-bit shares."""
    step = _step(values) if kind is np.int16 else 1.0
    raw = np.round(values / step).astype(np.dtype(kind).newbyteorder("<")).tobytes()
    return {"zlib": base64.b64encode(zlib.compress(raw, 6)).decode(), "kind": np.dtype(kind).name, "scale": step}


def _product_scale(result: LinearExplanation) -> float:
    before = result.products.sum(axis=0)
    return robust_max(np.stack([before, before + result.effect.sum(axis=0)]))


def _photo(result: LinearExplanation) -> str:
    from PIL import Image

    return embedded_image(Image.fromarray(result.picture)).url


def _known(value: float) -> float | None:
    """Return a number that JSON can hold; None for what is not known."""
    return value if np.isfinite(value) else None
