"""Drawing: arrays to colours with a stated scale, and figures to files. Matplotlib is imported where it is used."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Points, on figures about 10 inches wide: at a projector's 1150 pixels titles are 19 pixels high, labels 17.
TITLE_SIZE = 12
LABEL_SIZE = 11
SIDE = 3.0  # inches: the side of a square panel; others have its area
LINE = 0.215  # inches: a line of a title


def robust_max(x: Array, percentile: float = 99.5) -> float:
    """The value below which `percentile` % of |x| lie: a scale that a few outliers do not set.

    1.0 for an array of zeros, so that dividing by it is safe. Not finite values raise ValueError.
    """
    if not np.isfinite(x).all():
        raise ValueError("The map holds values that are not finite (NaN or infinity), so there is no scale to draw it.")
    top = float(np.percentile(np.abs(x), percentile)) if x.size else 0.0
    return top or float(np.abs(x).max(initial=0.0)) or 1.0


def signed_colour(x: Array, scale: float) -> Array:
    """A signed (3, H, W) array as a colour picture (H, W, 3) in 0..1: zero is mid-grey, +-scale the ends."""
    picture: Array = np.clip(0.5 + x.transpose(1, 2, 0) / (2 * scale), 0, 1)
    return picture


def show_image(axes: Axes, image: Array, title: str = "", pixel_aspect: float = 1.0, **settings: Any) -> Any:
    """Draw an image without ticks. Pixels stay visible as squares: nothing is smoothed that the net did not see.

    pixel_aspect: a pixel's height divided by its width, to undo a stretch to the net's input size.
    """
    drawn = axes.imshow(image, interpolation="nearest", aspect=pixel_aspect, **settings)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=TITLE_SIZE)
    return drawn


def show_signed(axes: Axes, x: Array, title: str = "", pixel_aspect: float = 1.0, scale: float | None = None) -> Any:
    """Draw a signed (C, H, W) array: three channels as colours around mid-grey, one as red (+) and blue (-) on white.

    scale: the value at full scale; None is the 99.5th percentile of |x|.
    """
    scale = robust_max(x) if scale is None else scale
    if len(x) == 3:
        return show_image(axes, signed_colour(x, scale), title, pixel_aspect)
    return show_image(axes, x[0], title, pixel_aspect, cmap="RdBu_r", vmin=-scale, vmax=scale)


def proportions(picture: Array, pixel_aspect: float = 1.0) -> float:
    """Height over width of a picture (h, w, ...) as it is drawn."""
    return float(pixel_aspect * picture.shape[0] / picture.shape[1])


def panel_size(tall: float, side: float = SIDE) -> tuple[float, float]:
    """(width, height) in inches of a panel for a picture of these proportions (height over width).

    All panels have the area of a square of `side`; beyond 1 : 3 they stay as they are.
    """
    root = min(max(tall, 1 / 3), 3.0) ** 0.5
    return side / root, side * root


def title_width(tall: float, side: float = SIDE) -> int:
    """How many letters of a title fit above such a panel."""
    return max(18, int(panel_size(tall, side)[0] / 0.094))


def panels(
    figure: Figure,
    rows: int,
    columns: int,
    tall: float,
    *,
    lines: int = 1,
    bars: int = 0,
    above: float = 0.0,
    below: float = 0.0,
    beside: float = 0.0,
    side: float = SIDE,
) -> Array:
    """Give a figure the size of rows x columns pictures of one shape, and return their axes, (rows, columns).

    tall: the pictures' height over their width; lines: of the titles; bars: how many columns have a colour bar at
    their right; above, below: inches over and under the pictures and their titles, for a heading or
    labels; beside: inches at the right, for a legend.
    """
    wide, high = panel_size(tall, side)
    figure.set_size_inches(
        columns * (wide + 0.1) + 0.95 * bars + beside, rows * (high + LINE * lines + 0.15 + below) + above + 0.05
    )
    axes: Array = figure.subplots(rows, columns, squeeze=False)
    for panel in axes.flat:
        panel.set_anchor("S")  # what is left over is above the titles, for which the layout then finds the room
    return axes


def colour_bar(figure: Figure, drawn: Any, axes: Axes, label: str) -> None:
    """A colour bar, as high as its axes, that says what the colours mean."""
    bar = figure.colorbar(drawn, cax=axes.inset_axes((1.03, 0, 0.05, 1)))
    bar.set_label(label, fontsize=LABEL_SIZE)
    bar.ax.tick_params(labelsize=LABEL_SIZE - 1)
    bar.ax.yaxis.get_offset_text().set_fontsize(LABEL_SIZE - 1)


def figure_bytes(figure: Figure, kind: str, dpi: int = 120) -> bytes:
    """A figure as the bytes of a PNG, SVG or PDF file, the same for the same figure (no date inside)."""
    buffer = io.BytesIO()
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    figure.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
    return buffer.getvalue()


def save_figure(figure: Figure, path: str | Path, dpi: int = 120) -> Path:
    """Write a figure to `path`, complete or not at all; the suffix says the format."""
    from minitorch_viz.io.atomic import write_bytes_atomically

    path = Path(path)
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("png", "svg", "pdf"):
        raise SettingError(f"A figure is saved as .png, .svg or .pdf, but the file is called {path.name!r}.")
    write_bytes_atomically(path, figure_bytes(figure, kind, dpi))
    return path
