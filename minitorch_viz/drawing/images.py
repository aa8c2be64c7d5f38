"""Pictures and maps on axes, each way of showing one once."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing.layout import TITLE_SIZE, proportions, title_width, wrapped
from minitorch_viz.drawing.scales import robust_max, signed_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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


def show_magnitude(axes: Axes, heat: Array, title: str, aspect: float) -> Any:
    """A nonnegative map, black to white at the 99.5th percentile."""
    return show_image(axes, heat, title, aspect, cmap="gray", vmin=0, vmax=robust_max(heat))


def show_shares(axes: Axes, heat: Array, title: str, aspect: float) -> Any:
    """A signed map: red for, blue against, white 0."""
    scale = robust_max(heat)
    return show_image(axes, heat, title, aspect, cmap="RdBu_r", vmin=-scale, vmax=scale)


def show_over(axes: Axes, heat: Array, picture: Array, aspect: float, title: str = "") -> Any:
    """A signed map over the photo in pale grey, smoothed on large photos (the title says so), each on its own scale."""
    from skimage.filters import gaussian

    sigma = min(heat.shape) / 100
    heat = gaussian(heat, sigma) if sigma >= 1 else heat
    if not title:
        title = f"smoothed by {sigma:.1f} pixels, over the photo" if sigma >= 1 else "the same over the photo"
        title = wrapped(title, title_width(proportions(picture, aspect)))
    scale = robust_max(heat)
    show_image(axes, picture.mean(axis=2), title, aspect, cmap="gray", vmin=-300, vmax=255)
    opaque = np.clip(np.abs(heat) / scale, 0, 1) ** 0.7
    return show_image(axes, heat, title, aspect, cmap="RdBu_r", vmin=-1.3 * scale, vmax=1.3 * scale, alpha=opaque)


def show_heat(axes: Axes, heat: Array, title: str, aspect: float) -> Any:
    """Any heat map: signed ones in red and blue, others from black to white."""
    return (show_shares if heat.min() < 0 else show_magnitude)(axes, heat, title, aspect)


def show_blank(axes: Axes, size: tuple[int, ...], why: str, aspect: float, title: str = "") -> None:
    """A panel in plain grey that says in words why there is no map."""
    show_image(axes, np.full(size, 0.92), title, aspect, cmap="gray", vmin=0, vmax=1)
    text = textwrap.fill(f"blank, because {why}", 30)
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=8, transform=axes.transAxes)
