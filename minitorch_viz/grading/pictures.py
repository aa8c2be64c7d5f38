"""Pictures of the page, all as WebP: maps, scenes with the object's outline, and the randomization curves."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import LABEL_SIZE, NUMBER_SIZE, figure_bytes, robust_max, start_charts, wrapped
from minitorch_viz.drawing.html import Embedded, embedded_image
from minitorch_viz.grading.grades import Grades, Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

SIDE = 96  # pixels: larger maps are shrunk, so that the page stays small
LEVELS = 16  # of the colour scale: the eye tells no more apart, and the files are half as large
OUTLINES = ((255, 255, 255), (255, 150, 0))


def map_url(heat: Array) -> str:
    """Draw a map as a data: URL; 0 is black, but white where values below 0 (blue) speak against the class (red)."""
    from matplotlib import colormaps
    from PIL import Image

    heat = _shrunk(heat)
    scale = robust_max(heat)
    signed = heat.min() < 0
    place = (heat / scale + 1) / 2 if signed else heat / scale
    codes = np.round(np.clip(place, 0, 1) * LEVELS).astype(np.uint8)
    colours = colormaps["RdBu_r" if signed else "inferno"](np.linspace(0, 1, LEVELS + 1))[:, :3]
    return _url(Image.fromarray(np.round(255 * colours).astype(np.uint8)[codes]))


def scene_url(picture: Array, masks: Array) -> str:
    """Draw a picture (h, w, 3) with the outlines of its objects (n, h, w): the first white, the second orange."""
    from PIL import Image
    from scipy.ndimage import binary_dilation, binary_erosion

    factor = max(1, round(2 * SIDE / max(picture.shape[:2])))
    drawn = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    for mask, colour in zip(masks, OUTLINES, strict=False):
        large = mask.repeat(factor, axis=0).repeat(factor, axis=1)
        drawn[binary_dilation(large) & ~large] = 0
        drawn[large & ~binary_erosion(large, iterations=2)] = colour
    return _url(Image.fromarray(drawn), lossless=False)


def curves_picture(grades: Grades, net: str) -> Embedded:
    """Return `draw_curves` as a picture for the page."""
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(facecolor="white")
    draw_curves(grades, net, figure)
    drawn = Image.open(io.BytesIO(figure_bytes(figure, "png", dpi=110))).convert("RGB")
    return embedded_image(drawn.quantize(64).convert("RGB"), "webp", lossless=True, quality=80)


def draw_curves(grades: Grades, net: str, figure: Figure) -> None:
    """Draw a small panel a method: what is left of its map, layer by layer, amid the curves of all others in grey."""
    rows = [row for row in grades.rows if row.net == net and row.cascading.size]
    columns = min(4, len(rows))
    lines = math.ceil(len(rows) / columns)
    start_charts(figure, 2.3 * lines + 0.55)
    panels = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True).ravel()
    names = [name.split(" + ")[0] for name in grades.layers[net]]
    lowest = [likeness[:, :, :2].mean(axis=0).min() for row in rows for likeness in (row.cascading, row.independent)]
    bottom = min(-0.35, *lowest) - 0.05
    slanted: dict[str, Any] = {"rotation": 60, "ha": "right", "rotation_mode": "anchor", "fontsize": NUMBER_SIZE}
    for number, (axes, row) in enumerate(zip(panels, rows, strict=False)):
        for other in rows:
            axes.plot(_means(other), color="#d9dee3", linewidth=1, zorder=1)
        low, high = _band(row)
        places = np.arange(len(low))
        axes.fill_between(places, low, high, color="#0b62a4", alpha=0.18, linewidth=0, zorder=2)
        axes.plot(_means(row), color="#0b62a4", linewidth=2.4, zorder=4)
        axes.plot(np.append(1.0, row.independent[:, :, 0].mean(axis=0)), color="#d2691e", linewidth=1.6, linestyle="--",
                  zorder=3)  # fmt: skip
        signed = np.append(1.0, row.cascading[:, :, 1].mean(axis=0))
        if not np.allclose(signed, _means(row)):
            axes.plot(signed, color="#1b1f24", linewidth=1.4, linestyle=":", zorder=3)
        axes.set_title(row.name.replace(":", "\n", 1), fontsize=LABEL_SIZE, color="#1b1f24")
        axes.set_ylim(bottom, 1.05)
        axes.set_yticks([0, 0.5, 1])
        axes.set_xticks(range(len(names) + 1), ["trained", *names], **slanted)
        axes.tick_params(labelbottom=number + columns >= len(rows))  # the lowest of its column
        axes.tick_params(axis="y", labelsize=NUMBER_SIZE)
        axes.axhline(0, color="#8c959f", linewidth=0.6, zorder=0)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[len(rows) :]:
        axes.axis("off")
    words = "rank correlation with the trained net's map"
    figure.supylabel(wrapped(words, 2.0 * lines, LABEL_SIZE), fontsize=LABEL_SIZE, multialignment="center")


def _means(row: Row) -> Array:
    means: Array = np.append(1.0, row.cascading[:, :, 0].mean(axis=0))
    return means


def _band(row: Row) -> tuple[Array, Array]:
    """Return the middle half of the scenes, layer by layer."""
    low, high = np.quantile(row.cascading[:, :, 0], [0.25, 0.75], axis=0)
    return np.append(1.0, low), np.append(1.0, high)


def _shrunk(heat: Array) -> Array:
    """Return means over blocks, so that the longer side has at most SIDE pixels."""
    factor = math.ceil(max(heat.shape) / SIDE)
    if factor == 1:
        return heat
    from skimage.measure import block_reduce

    smaller: Array = block_reduce(heat, factor, np.mean)
    return smaller


def _url(picture: Image, lossless: bool = True) -> str:
    """Return a picture as a data: URL."""
    return embedded_image(picture, "webp", lossless=lossless, quality=80).url  # lossless: the effort, not the quality
