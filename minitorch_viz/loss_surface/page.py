"""The page of a loss surface: its picture, what it shows, and a table, in one HTML file."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minitorch_viz.loss_surface.surface import LossSurface


def render(result: LossSurface) -> str:
    """The self-contained page."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from minitorch_viz import __version__
    from minitorch_viz.drawing import figure_bytes

    environment = Environment(
        loader=PackageLoader("minitorch_viz"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    picture = base64.b64encode(figure_bytes(result.figure(), "png", dpi=110)).decode()
    page: str = environment.get_template("loss_surface.html").render(
        result=result,
        picture=f"data:image/png;base64,{picture}",
        rows=rows(result),
        command=command(result),
        version=__version__,
    )
    return page


def rows(result: LossSurface) -> list[tuple[str, ...]]:
    """A line a width: hidden units, test loss (mean, spread, best, worst), training loss (mean, spread), accuracy."""
    lines = []
    for k, width in enumerate(result.widths):
        test, train = result.test_loss[k], result.train_loss[k]
        losses = [test.mean(), test.std(ddof=1), test.min(), test.max(), train.mean(), train.std(ddof=1)]
        lines.append((str(width), *(f"{loss:.3g}" for loss in losses), f"{np.median(result.test_accuracy[k]):.1%}"))
    return lines


def command(result: LossSurface) -> str:
    """The command line that makes it again."""
    chosen = result.settings
    widths = " ".join(map(str, chosen["widths"]))
    options = " ".join(f"--{name} {chosen[name]}" for name in ("seeds", "epochs", "grid", "seed"))
    return f"minitorch-viz loss-surface --widths {widths} {options}"
