"""The page of top patches: every unit in a card that can be linked to, its patches and what came back to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing.html import Embedded, embedded_image, render
from minitorch_viz.techniques.activations._top_patches_figure import short_name
from minitorch_viz.techniques.activations._top_patches_rows import LOWEST, SMALL, STRONGEST
from minitorch_viz.techniques.explain.patches import beside_pixels, framed

if TYPE_CHECKING:
    from minitorch_viz.techniques.activations.top_patches import TopPatches
    from minitorch_viz.techniques.explain.patches import Patch

MANY, LARGE = 24, 144  # units; pixels of a patch's width where there are fewer
QUALITY = 82  # of the pictures, of 100


def page_of(result: TopPatches, names: dict[int, str] | None = None, side: int | None = None) -> str:
    """Return a page of all units as HTML, with everything inside.

    names: what units are called by hand, by channel. side: pixels of a patch's width.
    """
    wide = side or (SMALL if len(result.channels) > MANY else LARGE)
    return render(
        "top_patches.html",
        node=result.node,
        caption=result.caption,
        notes=result.notes,
        source=result.source,
        looked_at=result.looked_at,
        answer=result.answer,
        beside=result.beside,
        side=wide,
        units=[
            _unit(result, row, (names or {}).get(int(result.channels[row]), ""), wide)
            for row in range(len(result.channels))
        ],
    )


def _unit(result: TopPatches, row: int, name: str, side: int) -> dict[str, Any]:
    """Return what the page says of one unit: groups of patches, those of a kind together."""
    kinds = np.array(result.kinds)
    is_tenth = (kinds != STRONGEST) & (kinds != LOWEST)
    groups = [
        (STRONGEST, np.flatnonzero(kinds == STRONGEST)),
        ("from each tenth of the answers, the strongest first", np.flatnonzero(is_tenth)),
        (LOWEST, np.flatnonzero(kinds == LOWEST)),
    ]
    with_titles = len(set(result.kinds)) > 1
    return {
        "channel": int(result.channels[row]),
        "name": name,
        "groups": [
            {
                "title": title if with_titles else "",
                "patches": [_patch(result, row, int(place), side) for place in places],
            }
            for title, places in groups
            if len(places)
        ],
    }


def _patch(result: TopPatches, row: int, place: int, side: int) -> dict[str, Any] | None:
    """Return one patch for the page; None where there is no answer."""
    if result.numbers[row, place] < 0:
        return None
    patch: Patch | None = result.patches[row][place]
    file = result.files[row * len(result.kinds) + place]
    beside = None if patch is None or patch.beside is None or patch.blank else beside_pixels(patch, side)
    return {
        "kind": result.kinds[place] if result.kinds[place] not in (STRONGEST, LOWEST) else "",
        "value": f"{result.values[row, place]:.3g}",
        "name": short_name(patch.label if patch else "", file),
        "file": file,
        "picture": None if patch is None else _embedded(framed(patch, side)),
        "beside": None if beside is None else _embedded(beside),
    }


def _embedded(picture: Array) -> Embedded:
    from PIL import Image

    return embedded_image(Image.fromarray(picture), "webp", quality=QUALITY, method=4)
