"""The figure of style transfer: photo, paintings, pictures, and the curve of the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing import GAP, LABEL_SIZE, PALETTE, axes_at, panels, show_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization.style import Style

CHART = 2.6  # inches: the height of the chart below the pictures, with its labels
LARGE = 4.2  # inches: the side of a picture that was made


def draw(result: Style, figure: Figure) -> None:
    """Draw photo, paintings and pictures in a row, the loss below."""
    high, wide = result.sizes[-1]
    shown = [result.photo, *result.styles[:3], result.picture]
    count = len(result.styles)
    names = ["the photo", *(f"style {i + 1}" if count > 1 else "the style" for i in range(len(shown) - 2))]
    sheet = panels(figure, [[*names, "painted"]], high / wide, side=LARGE, bottom=CHART, least=7.0)
    for axes, picture in zip(sheet.axes[0], shown, strict=True):
        show_image(axes, picture, interpolation="antialiased")
    width, height = figure.get_size_inches()
    axes = axes_at(figure, 0.95, height - CHART + 0.15, width - 0.95 - 2 * GAP, CHART - 0.75)
    draw_losses(axes, result)


def draw_losses(axes: Axes, result: Style) -> None:
    """Draw each loss over the steps, on a logarithmic scale; where the picture grew there is a line."""
    for index, losses in enumerate(result.losses):
        taken = np.isfinite(losses)
        if taken.any():
            axes.plot(
                np.flatnonzero(taken) + 1, losses[taken], color=PALETTE[index % len(PALETTE)], lw=1.6, marker=".", ms=3
            )
    axes.set_yscale("log")
    ends = np.cumsum(result.steps)
    for end in ends[:-1]:
        axes.axvline(end + 0.5, color="0.75", lw=0.8)
    axes.set_xlim(0.5, max(ends[-1], 2) + 0.5)
    axes.set_xlabel("step" + ("; at each line the picture grows" if len(ends) > 1 else ""), fontsize=LABEL_SIZE)
    axes.set_ylabel("loss", fontsize=LABEL_SIZE)
    axes.tick_params(labelsize=LABEL_SIZE - 1)
    axes.spines[["top", "right"]].set_visible(False)
