"""The figure of top patches: for each unit its patches in rows, and below each what came back to its pixels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz.drawing import LABEL_SIZE, NUMBER_SIZE, panels, proportions, text_width, wrapped
from minitorch_viz.techniques.activations._top_patches_rows import LOWEST, STRONGEST
from minitorch_viz.techniques.explain.patches import draw_beside, draw_patch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.activations.top_patches import TopPatches
    from minitorch_viz.techniques.explain.patches import Patch

MOST_UNITS = 12  # on a figure
ACROSS = 9  # patches side by side; of a single unit fewer and larger ones
LEFT = 1.15  # inches for what stands before a row


def draw(result: TopPatches, figure: Figure) -> None:
    """Draw a band of rows for each unit, and before each row what it shows."""
    units = range(min(len(result.channels), MOST_UNITS))
    places = _lines(result)
    below = result.beside != "none"
    columns = max(map(len, places))
    room = (10.0 - LEFT - 0.14 * (columns + 1)) / columns
    titles: list[list[str | None]] = []
    for unit in units:
        for line in places:
            words = [_title(result, unit, place, room) for place in line]
            titles.append([*words, *[None] * (columns - len(line))])
            if below:
                titles.append([None if title is None else "" for title in titles[-1]])
    patches = [patch for unit in units for patch in result.patches[unit] if patch is not None]
    tall = float(np.median([proportions(patch.crop, patch.pixel_aspect) for patch in patches] or [1]))
    sheet = panels(figure, titles, tall, heading=_heading(result), size=NUMBER_SIZE, left=LEFT, side=1.9)
    row = 0
    for unit in units:
        for line in places:
            _name(sheet.axes[row, 0], result, unit, line)
            for place, axes in zip(line, sheet.axes[row], strict=False):
                _draw(axes, result, unit, place, draw_patch)
            if below:
                for place, axes in zip(line, sheet.axes[row + 1], strict=False):
                    _draw(axes, result, unit, place, draw_beside)
            row += 1 + below


def _heading(result: TopPatches) -> str:
    of = f"{result.looked_at} pictures of {result.source}"
    return f"{result.node}: where the {result.answer} of a unit is strongest, of {of}"


def _lines(result: TopPatches) -> list[list[int]]:
    """Return the places of each row: those of a kind side by side, the tenths of one sample from left to right."""
    kinds = np.array(result.kinds)
    across = ACROSS
    alone = len(result.channels) == 1 and set(result.kinds) == {STRONGEST}
    if alone and len(kinds) > 5:
        across = -(-len(kinds) // -(-len(kinds) // 5)) if len(kinds) < 16 else 8
    lines = []
    for kind in (STRONGEST, LOWEST):
        places = np.flatnonzero(kinds == kind).tolist()
        lines += [places[begin : begin + across] for begin in range(0, len(places), across)]
        if kind == STRONGEST:
            tenths = [np.flatnonzero(kinds == f"tenth {tenth}").tolist() for tenth in range(10, 0, -1)]
            lines += [list(line) for line in zip(*tenths, strict=True)]
    return lines


def _name(axes: Axes, result: TopPatches, unit: int, line: list[int]) -> None:
    """Write before a row which unit it is, and what of it where there are several kinds."""
    words = "" if line[0] else result.names[unit].split(",")[0] or f"unit {result.channels[unit]}"
    kind = result.kinds[line[0]]
    if set(result.kinds) != {STRONGEST}:
        kind = "tenths, strongest first" if kind.startswith("tenth") else kind
        words = f"{words}\n{kind}".strip()
    style: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": LABEL_SIZE, "transform": axes.transAxes}
    axes.text(-0.08, 1, wrapped(words, LEFT - 0.15, LABEL_SIZE), **style)


def short_name(label: str, title: str) -> str:
    """Return what a picture is called below its value: its class, or its file's name without numbers and ending."""
    if label:
        return label.split(",")[0]
    stem = title.rpartition(".")[0] or title
    return re.sub(r"^\d+[_ -]+(?=\D)", "", stem).replace("_", " ")


def _title(result: TopPatches, unit: int, place: int, room: float) -> str | None:
    """Return the value of an answer and what its picture is called; None where there is no answer."""
    if result.numbers[unit, place] < 0:
        return None
    patch, value = result.patches[unit][place], f"{result.values[unit, place]:.3g}"
    label = "" if patch is None else patch.label
    name = short_name(label, result.files[unit * len(result.kinds) + place])
    while name and text_width(name, NUMBER_SIZE) > room:
        name = name[:-2].rstrip() + "\N{HORIZONTAL ELLIPSIS}" if len(name) > 2 else ""
    return f"{value}\n{name}".strip()


def _draw(axes: Axes, result: TopPatches, unit: int, place: int, how: Any) -> None:
    """Draw one patch, or hatch its place where it was not cut out yet."""
    if result.numbers[unit, place] < 0:
        return
    patch: Patch | None = result.patches[unit][place]
    if patch is not None and (how is draw_patch or patch.beside is not None):
        how(axes, patch)
        return
    axes.set_xticks([])
    axes.set_yticks([])
    axes.patch.set(hatch="///", edgecolor="0.6", facecolor="white")
