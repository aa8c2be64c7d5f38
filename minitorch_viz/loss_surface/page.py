"""The page of a loss surface: its picture, what it shows, and a table, in one HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.drawing.html import embedded_figure, render

if TYPE_CHECKING:
    from minitorch_viz.loss_surface.surface import LossSurface


def page_of(result: LossSurface) -> str:
    """Return the self-contained page."""
    return render(
        "loss_surface.html",
        result=result,
        picture=embedded_figure(result.figure()),
        rows=rows(result),
        command=command(result),
    )


def rows(result: LossSurface) -> list[tuple[str, ...]]:
    """Return a row a width: hidden units, test loss (mean, std, best, worst), training loss (mean, std), accuracy."""
    lines = []
    for k, width in enumerate(result.widths):
        test, train = result.test_loss[k], result.train_loss[k]
        losses = [test.mean(), test.std(ddof=1), test.min(), test.max(), train.mean(), train.std(ddof=1)]
        lines.append((str(width), *(f"{loss:.3g}" for loss in losses), f"{np.median(result.test_accuracy[k]):.1%}"))
    return lines


def command(result: LossSurface) -> str:
    """Return the command line that makes it again."""
    chosen = result.settings
    widths = " ".join(map(str, chosen["widths"]))
    options = " ".join(f"--{name} {chosen[name]}" for name in ("seeds", "epochs", "grid", "seed"))
    return f"minitorch-viz loss-surface --widths {widths} {options}"
