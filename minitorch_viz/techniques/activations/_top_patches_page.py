"""The page of top patches: every unit in a card that can be linked to, its patches and what came back to them."""

from __future__ import annotations

from collections.abc import Sequence
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


def page_of(result: TopPatches) -> str:
    """Return a page of all units as HTML, with everything inside."""
    wide = SMALL if len(result.channels) > MANY else LARGE
    return render_units(
        [card_of(result, row, side=wide) for row in range(len(result.channels))],
        title=f"Top patches of {result.node}",
        about=f"{len(result.channels)} unit{'s' * (len(result.channels) > 1)}, {result.looked_at} pictures of "
        f"{result.source}",
        caption=result.caption,
        notes=result.notes,
        side=wide,
    )


def render_units(
    units: Sequence[dict[str, Any]],
    *,
    title: str,
    about: str,
    caption: str,
    notes: Sequence[str] = (),
    side: int = LARGE,
) -> str:
    """Return a page of such cards, of one node or of several."""
    return render(
        "top_patches.html", units=units, title=title, about=about, caption=caption, notes=notes, side=side
    )  # fmt: skip


def card_of(result: TopPatches, row: int, name: str = "", side: int = LARGE) -> dict[str, Any]:
    """Return what a page says of one unit: groups of patches, those of a kind together.

    name: what it is called by hand. side: pixels of a patch's width.
    """
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
        "heading": f"{result.node} unit {result.channels[row]}" if name else f"unit {result.channels[row]}",
        "id": f"{result.node}-{result.channels[row]}" if name else f"unit-{result.channels[row]}",
        "name": name or result.names[row],
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
