"""The page of receptive fields: a slider along depth, the three fields over the photo, and a table of all nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import robust_max
from minitorch_viz.drawing.html import embedded_image, render, script_data
from minitorch_viz.techniques.activations._occlusion_fills import fill_words
from minitorch_viz.techniques.activations._receptive_field_figure import CHANGED, USED
from minitorch_viz.techniques.explain.view import own_pixels

if TYPE_CHECKING:
    from minitorch_viz.techniques.activations._receptive_field_nodes import Row
    from minitorch_viz.techniques.activations.receptive_field import FieldsAlong
    from minitorch_viz.techniques.explain.fields import Spread

LARGEST = 640  # pixels of the photo's longer side


def render_page(result: FieldsAlong) -> str:
    """Return the page as one string of HTML, with everything inside."""
    high, wide = result.picture.shape[:2]
    data = {
        "photo": _photo(result),
        "size": (high, wide),
        "aspect": result.pixel_aspect,
        "colours": {"used": USED, "changed": CHANGED},
        "square": result.size,
        "chosen": result.chosen,
        "depths": [_depth(result, depth) for depth in range(len(result.nodes))],
    }
    return render(
        "receptive_field.html",
        data=script_data(data),
        model=result.model_name,
        caption=result.caption,
        notes=result.notes,
        rows=[_row(result, row) for row in result.table.rows],
        uneven=not result.table.is_even.all(),
        nodes=result.nodes,
        square=result.size,
        fill=fill_words(result.fill),
        samples=result.samples,
    )


def _photo(result: FieldsAlong) -> str:
    """Return the photo, small, as a data: URL."""
    from PIL import Image

    image = Image.fromarray(own_pixels(result))
    if max(image.size) > LARGEST:
        image.thumbnail((LARGEST, LARGEST))
    sharp = max(image.size) <= 128  # a small picture's pixels stay as they are
    return embedded_image(image, "png").url if sharp else embedded_image(image, "webp", quality=88).url


def _depth(result: FieldsAlong, depth: int) -> dict[str, Any]:
    box, (high, wide) = result.box(depth), result.sides_of(depth)
    return {
        "node": result.nodes[depth],
        "label": result.units[depth],
        "box": box,
        "sides": (high, wide),
        "known": bool(result.has_box[depth]),
        "used": {**_spread(result.spread(depth)), "map": _layer(np.nan_to_num(result.effective[depth]), USED)},
        "changed": {**_spread(result.changed_spread(depth)), "map": _layer(result.changed(depth), CHANGED)},
    }


def _spread(spread: Spread) -> dict[str, Any]:
    if spread.is_blank:
        return {"blank": True}
    numbers = {
        "row": spread.row,
        "column": spread.column,
        "sigma": spread.sigma,
        "share": spread.share,
        "side": spread.side,
    }
    return {"blank": False, **numbers}


def _layer(energy: Array, colour: str) -> str:
    """Return the root of an energy as a picture of one colour, the clearer the larger."""
    from PIL import Image

    root = np.sqrt(energy)
    level = np.round(255 * np.minimum(root / (robust_max(root)), 1)).astype(np.uint8)
    pixels = np.empty((*root.shape, 4), np.uint8)
    pixels[..., :3] = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    pixels[..., 3] = level
    return embedded_image(Image.fromarray(pixels, "RGBA")).url


def _row(result: FieldsAlong, row: Row) -> dict[str, Any]:
    return {
        "node": row.node,
        "map": f"{row.sides[0]} x {row.sides[1]}",
        "size": _both(row.size),
        "stride": _both(row.stride),
        "offset": _both(row.offset),
        "star": not row.is_even,
        "depth": result.nodes.index(row.node) if row.node in result.nodes else None,
    }


def _both(pair: tuple[float, float] | None) -> str:
    """Return a pair in words, a number where both are alike."""
    if pair is None:
        return "everything"
    return f"{pair[0]:g}" if pair[0] == pair[1] else f"{pair[0]:g} x {pair[1]:g}"
