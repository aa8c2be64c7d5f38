"""The picture of a loss surface: where the nets end, how far apart, and slices with contour lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz.drawing import LABEL_SIZE, TITLE_SIZE, start_charts
from minitorch_viz.loss_surface.slices import Slice

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.loss_surface.surface import LossSurface

TEST, TRAIN = "#0b62a4", "#c44e00"
HEAD, TEXT = TITLE_SIZE, LABEL_SIZE
CHARTS, SLICES = 7.0, 4.3  # inches: both charts, and a row of slices
GUESSING = float(np.log(10))  # the loss of a net that says that all ten classes are equally likely


def plot(result: LossSurface, figure: Figure) -> None:
    """Draw above the test losses of each width, and their spread; below the slices, on one scale."""
    rows = -(-len(result.slices) // 2)
    heights = (CHARTS, SLICES * rows)
    start_charts(figure, sum(heights))
    upper: Any = figure
    if rows:
        upper, lower = figure.subfigures(2, 1, height_ratios=heights)  # type: ignore[misc]  # an array of two
        _slices(result.slices, lower)
    losses, spread = upper.subplots(2, 1, height_ratios=(1.4, 1))
    _losses(result, losses)
    _spread(result, spread)


def _losses(result: LossSurface, axes: Axes) -> None:
    """Draw one dot a net, a bar at the median, and a thin line over the middle nine tenths."""
    seeds = result.test_loss.shape[1]
    for place, (width, values) in enumerate(zip(result.widths, result.test_loss, strict=True)):
        aside = np.random.default_rng(width).uniform(-0.28, 0.28, seeds)  # so that dots do not hide each other
        axes.plot(place + aside, values, ".", color=TEST, alpha=0.45, markersize=7, markeredgewidth=0)
        low, middle, high = np.percentile(values, [5, 50, 95])
        axes.plot([place, place], [low, high], color="black", linewidth=1)
        axes.plot([place - 0.33, place + 0.33], [middle, middle], color="black", linewidth=2.5)
    axes.axhline(GUESSING, color="grey", linestyle="--", linewidth=1)
    words: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "ha": "right", "va": "bottom", "fontsize": TEXT}
    axes.text(0.99, GUESSING * 1.02, "knows nothing: ln 10 = 2.30", color="dimgrey", **words)
    axes.set_yscale("log")
    axes.set_ylim(top=GUESSING * 1.3)
    axes.set_xticks(range(len(result.widths)), [str(width) for width in result.widths])
    axes.set_xlabel("hidden units", fontsize=TEXT)
    axes.set_ylabel("test loss after training, nats (log scale)", fontsize=TEXT)
    axes.set_title(f"Where {seeds} nets of each width end: a dot each (bar: median, line: middle 90 %)", fontsize=HEAD)
    _plain(axes)


def _spread(result: LossSurface, axes: Axes) -> None:
    kinds = ("test", result.test_loss, TEST, "o"), ("training", result.train_loss, TRAIN, "s")
    for name, values, colour, mark in kinds:
        axes.plot(result.widths, values.std(axis=1, ddof=1), marker=mark, color=colour, label=f"{name} loss")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(result.widths, [str(width) for width in result.widths])
    axes.set_xlabel("hidden units", fontsize=TEXT)
    axes.set_ylabel("standard deviation over\nseeds, nats (log scale)", fontsize=TEXT)
    axes.set_title("How far apart they end", fontsize=HEAD)
    axes.legend(frameon=False, fontsize=TEXT)
    _plain(axes)


def _slices(slices: tuple[Slice, ...], figure: Any) -> None:
    """Draw all slices on one logarithmic scale, so that colours may be compared."""
    from matplotlib.colors import LogNorm

    high = max(float(plane.loss.max()) for plane in slices)
    low = max(min(float(plane.loss.min()) for plane in slices), high * 1e-6)  # a loss of 0 has no logarithm
    levels = np.geomspace(low, high * (1 + 1e-9), 25)
    panels = figure.subplots(-(-len(slices) // 2), min(len(slices), 2), squeeze=False)
    for spare in panels.flat[len(slices) :]:
        spare.axis("off")
    for axes, plane in zip(panels.flat, slices, strict=False):
        loss = np.clip(plane.loss, low, high)
        drawn = axes.contourf(plane.along, plane.across, loss, levels=levels, norm=LogNorm(low, high), cmap="viridis")
        axes.contour(plane.along, plane.across, loss, levels=levels[::2], colors="white", linewidths=0.4, alpha=0.7)
        if len(plane.path):
            axes.plot(*plane.path.T, "-o", color="white", markersize=2.5, linewidth=1)
            axes.plot(*plane.path[0], "s", color="white", markeredgecolor="black", markersize=7)
            axes.set_xlabel(
                f"distance in weights; square: start; this\nplane shows {plane.share:.0%} of the way (squared)",
                fontsize=TEXT,
            )
        else:
            axes.set_xlabel("two random directions, in\nlengths of each filter", fontsize=TEXT)
        axes.plot(0, 0, "*", color="#ff4040", markeredgecolor="white", markersize=13)
        axes.set_aspect("equal")
        axes.set_title(f"{plane.label}\nloss {plane.centre:.2g} at the star", fontsize=HEAD)
        axes.tick_params(labelsize=TEXT - 1)
        axes.locator_params(nbins=5)
    bar = figure.colorbar(drawn, ax=panels, shrink=0.8, pad=0.01)
    bar.set_label("training loss, nats (log scale)", fontsize=TEXT)
    ticks = 10.0 ** np.arange(np.ceil(np.log10(low)), np.floor(np.log10(high)) + 1)
    bar.set_ticks(ticks, labels=[f"{tick:g}" for tick in ticks])


def _plain(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid(visible=True, axis="y", which="major", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=TEXT)
