"""The figure of style transfer: photo, paintings, pictures, and the curves of the losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import GAP, LABEL_SIZE, PALETTE, axes_at, in_rows, panels, show_image

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.techniques.optimization._style_gram import Gram
    from minitorch_viz.techniques.optimization.style import Style

CHART = 2.6  # inches: the height of the chart below the pictures, with its labels
LARGE = 4.2  # inches: the side of a picture that was made
MOST_STYLES = 3  # of the paintings that are drawn
MOST_WORDS = 6  # curves that have their name in a legend
HEADROOM = 0.35  # of a chart's height, above its curves, for the legend
DASHES = ("-", "--", ":", "-.")


def draw(result: Style, figure: Figure) -> None:
    """Draw photo, paintings and pictures, the losses below; or the Gram matrix."""
    if result.gram is not None:
        draw_gram(result.gram, figure)
        return
    high, wide = result.sizes[-1]
    count = len(result.styles)
    shown = [result.photo, *result.styles[:MOST_STYLES]]
    names = ["the photo", *(f"style {i + 1}" if count > 1 else "the style" for i in range(len(shown) - 1))]
    for number, mask in enumerate(result.masks[:MOST_STYLES]):
        names.append(f"where {names[number + 1]} goes: white")
        shown.append(np.round(255 * mask).astype(np.uint8)[..., None].repeat(3, axis=2))
    places = [*names, *result.titles]
    columns = len(places) if len(places) <= 4 else 3 if len(places) <= 6 else 4
    sheet = panels(figure, in_rows(places, columns), high / wide, side=LARGE, bottom=CHART, least=7.0)
    for axes, picture in zip(sheet.axes.flat, [*shown, *result.pictures], strict=False):
        show_image(axes, picture, interpolation="antialiased")
    for axes in sheet.axes.flat[len(shown) + len(result.pictures) : len(places)]:
        show_hatched(axes, (high, wide))
    width, height = figure.get_size_inches()
    axes = axes_at(figure, 0.95, height - CHART + 0.15, width - 0.95 - 2 * GAP, CHART - 0.75)
    draw_losses(axes, result)


def show_hatched(axes: Axes, size: tuple[int, int]) -> None:
    """Draw the place of a picture that is not made yet."""
    show_image(axes, np.full((*size, 3), 255, np.uint8))
    axes.fill(
        [0, 1, 1, 0], [0, 0, 1, 1], transform=axes.transAxes, facecolor="none", edgecolor="0.8", hatch="///", lw=0
    )


def draw_losses(axes: Axes, result: Style) -> None:
    """Draw each loss on a logarithmic scale: over the steps, or where several optimizers compete over evaluations."""
    compared = len(result.titles) > 1
    ends = np.cumsum(result.steps)
    most = 1.0
    for index, losses in enumerate(result.losses):
        taken = np.isfinite(losses)
        if not taken.any():
            continue
        at = _counts(result.evaluations[index], result.steps) if compared else np.arange(1, len(losses) + 1.0)
        most = max(most, float(at[taken].max()))
        style: dict[str, Any] = {"color": PALETTE[index % len(PALETTE)], "ls": DASHES[index // len(PALETTE)], "lw": 1.6}
        for size, stop in enumerate(ends):  # a larger picture has another loss: a curve of its own
            part = slice(stop - result.steps[size], stop)
            measured = taken[part]
            axes.plot(
                at[part][measured], losses[part][measured], marker="." if measured.sum() < 3 else None,
                label=result.titles[index] if size == 0 else None, **style,
            )  # fmt: skip
    log_scale(axes)
    if compared:
        axes.set_xlim(0, max(most, 2))
        grows = "; where a curve is interrupted its picture grows" if len(ends) > 1 else ""
        axes.set_xlabel(f"evaluations of the loss{grows}", fontsize=LABEL_SIZE)
        if len(result.titles) <= MOST_WORDS and axes.lines:
            low, high = np.log(axes.get_ylim())
            axes.set_ylim(top=np.exp(high + HEADROOM * (high - low)))
            axes.legend(fontsize=LABEL_SIZE - 1, frameon=False, ncols=3, loc="upper right")
    elif result.fast:
        axes.set_xlim(0.9, ends[-1] + 0.1)
        axes.set_xticks(range(1, ends[-1] + 1))
        axes.set_xlabel("level decoded, the deepest first", fontsize=LABEL_SIZE)
    else:
        for end in ends[:-1]:
            axes.axvline(end + 0.5, color="0.75", lw=0.8)
        axes.set_xlim(0.5, max(ends[-1], 2) + 0.5)
        axes.set_xlabel("step" + ("; at each line the picture grows" if len(ends) > 1 else ""), fontsize=LABEL_SIZE)
    axes.set_ylabel("loss", fontsize=LABEL_SIZE)
    axes.tick_params(labelsize=LABEL_SIZE - 1)
    axes.spines[["top", "right"]].set_visible(False)


def log_scale(axes: Axes) -> None:
    """Draw the numbers of a logarithmic axis as plain ones: 0.02, 0.05, 0.1."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _counts(evaluations: Array, steps: tuple[int, ...]) -> Array:
    """Return evaluations counted through all sizes."""
    counts, before, at = np.full(len(evaluations), np.nan), 0.0, 0
    for number in steps:
        part = evaluations[at : at + number]
        counts[at : at + number] = before + part
        before += np.nanmax(part) if np.isfinite(part).any() else 0
        at += number
    return counts


def draw_gram(gram: Gram, figure: Figure) -> None:
    """Draw both Gram matrices, and the patches of the strongest pairs below."""
    rows = -(-len(gram.pairs) // 2)
    row, space = 1.05, 0.28
    bottom = rows * (row + space) + 0.2
    sheet = panels(
        figure, [["the painting", "the photo"]], 1.0, side=3.6, heading=f"channels of {gram.node}", bars=(1,),
        bottom=bottom, least=9.6,
    )  # fmt: skip
    for axes, matrix in zip(sheet.axes[0], (gram.style, gram.photo), strict=True):
        drawn = show_image(axes, matrix, cmap="viridis", vmin=0, vmax=1)
    sheet.bar(drawn, sheet.axes[0, 1], "cosine of two channels")
    width, height = figure.get_size_inches()
    half = (width - 3 * GAP) / 2
    for number, ((i, j), cosine) in enumerate(zip(gram.pairs, gram.cosines, strict=True)):
        left = GAP + (number % 2) * (half + GAP)
        top = height - bottom + 0.15 + (number // 2) * (row + space)
        framed = [np.pad(patch, ((0, 0), (0, 1), (0, 0)), constant_values=255) for patch in gram.patches[number]]
        strip = np.concatenate(framed, axis=1)[:, :-1]
        axes = axes_at(figure, left, top + space - 0.05, half, row)
        show_image(axes, strip)
        axes.set_anchor("W")
        axes.set_title(f"channels {i} and {j}, cosine {cosine:.2f}", fontsize=LABEL_SIZE, loc="left", pad=3)
