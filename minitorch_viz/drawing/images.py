"""Pictures and maps on axes, each way of showing one once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing.scales import robust_max, signed_colour
from minitorch_viz.drawing.words import LABEL_SIZE, NUMBER_SIZE, TITLE_SIZE, text_width, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLACK = -300  # the level drawn as black under a map that covers the photo in colour: so it is a pale grey
DARK = -60  # under a map that shines: a middle grey


def show_image(axes: Axes, image: Array, title: str = "", pixel_aspect: float = 1.0, **settings: Any) -> Any:
    """Draw an image without ticks. Pixels stay visible as squares: nothing is smoothed that the net did not see.

    title: "" leaves the one that the axes have.
    pixel_aspect: a pixel's height divided by its width, to undo a stretch to the net's input size.
    """
    drawn = axes.imshow(image, aspect=pixel_aspect, **{"interpolation": "nearest", **settings})
    axes.set_xticks([])
    axes.set_yticks([])
    if title:
        axes.set_title(title, fontsize=TITLE_SIZE)
    return drawn


def show_photo(
    axes: Axes,
    photo: Array,
    size: Sequence[int],
    title: str = "",
    pixel_aspect: float = 1.0,
    grey: float | None = None,
    part: tuple[int, int, int, int] | None = None,
) -> Any:
    """Draw a photo (H, W, 3) in its own pixels over the area of the net's, so that maps of these lie on it.

    size: (h, w) of the net's pixels, in which the axes count; pixel_aspect: of such a pixel.
    grey: draw it without colours, this level (0 to 255, or below 0 for a pale picture) as black.
    part: draw only this part, (top, left, bottom, right) in the net's pixels.
    """
    top, left, bottom, right = part or (0, 0, *size[:2])
    down, across = photo.shape[0] / size[0], photo.shape[1] / size[1]  # the photo's pixels in one of the net's
    rows, columns = (
        slice(int(np.floor(begin * step)), int(np.ceil(end * step)))
        for begin, end, step in ((top, bottom, down), (left, right, across))
    )
    photo = photo[rows, columns]
    edges = (columns.start / across, columns.stop / across, rows.stop / down, rows.start / down)
    place: dict[str, Any] = {"extent": tuple(edge - 0.5 for edge in edges), "interpolation": None}
    if grey is not None:
        photo = photo.mean(axis=2)
        place |= {"cmap": "gray", "vmin": grey, "vmax": 255}
    drawn = show_image(axes, photo, title, pixel_aspect, **place)
    axes.set_xlim(left - 0.5, right - 0.5)
    axes.set_ylim(bottom - 0.5, top - 0.5)
    return drawn


def show_signed(
    axes: Axes,
    x: Array,
    title: str = "",
    pixel_aspect: float = 1.0,
    scale: float | None = None,
    names: Sequence[str] = (),
) -> Any:
    """Draw a signed (C, H, W) array: three channels as colours around mid-grey, one as red (+) and blue (-) on white.

    Any other number of channels is a grid of maps in red and blue, from left to right and down.
    scale: the value at full scale; None is the 99.5th percentile of |x|. names: of the channels in a grid.
    """
    scale = robust_max(x) if scale is None else scale
    if len(x) == 3:
        return show_image(axes, signed_colour(x, scale), title, pixel_aspect)
    if len(x) != 1:
        return _show_grid(axes, x, title, pixel_aspect, scale, names)
    return show_image(axes, x[0], title, pixel_aspect, cmap="RdBu_r", vmin=-scale, vmax=scale)


def _show_grid(axes: Axes, x: Array, title: str, pixel_aspect: float, scale: float, names: Sequence[str]) -> Any:
    """Draw the maps of many channels on one axes, with their names where these have room, else their numbers."""
    count, high, wide = x.shape
    columns = int(np.ceil(np.sqrt(count)))
    rows = -(-count // columns)
    gap = max(1, max(high, wide) // 24)
    # As many rows as columns, so that the grid has the shape of one map, and its place is filled.
    sheet = np.full((columns * (high + gap) - gap, columns * (wide + gap) - gap), np.nan)
    corners = [(row * (high + gap), column * (wide + gap)) for row in range(rows) for column in range(columns)]
    for each, (top, left) in zip(x, corners, strict=False):
        sheet[top : top + high, left : left + wide] = each
    axes.set_facecolor("0.75")
    drawn = show_image(axes, np.ma.masked_invalid(sheet), title, pixel_aspect, cmap="RdBu_r", vmin=-scale, vmax=scale)
    axes.apply_aspect()
    width, height = axes.figure.get_size_inches()  # type: ignore[union-attr]  # axes without a figure are removed ones
    place = axes.get_position()
    room = place.width * width * wide / sheet.shape[1] - 0.06  # inches a map
    tall = place.height * height * high / sheet.shape[0]
    labels = [names[i] if names and text_width(names[i], NUMBER_SIZE) < room else str(i) for i in range(count)]
    if max(text_width(label, NUMBER_SIZE) for label in labels) < room and tall > 2.2 * NUMBER_SIZE / 72:
        for label, (top, left) in zip(labels, corners, strict=False):
            axes.text(left + wide / 40, top + high / 40, label, ha="left", va="top", fontsize=NUMBER_SIZE)
    return drawn


def show_magnitude(
    axes: Axes, heat: Array, title: str = "", pixel_aspect: float = 1.0, scale: float | None = None
) -> Any:
    """Draw a nonnegative map (h, w), black to white at `scale`; None is the 99.5th percentile."""
    scale = robust_max(heat) if scale is None else scale
    return show_image(axes, heat, title, pixel_aspect, cmap="gray", vmin=0, vmax=scale)


def show_shares(axes: Axes, heat: Array, title: str = "", pixel_aspect: float = 1.0) -> Any:
    """Draw a signed map (h, w): red for, blue against, white 0; full colour is the 99.5th percentile of |heat|."""
    scale = robust_max(heat)
    return show_image(axes, heat, title, pixel_aspect, cmap="RdBu_r", vmin=-scale, vmax=scale)


def show_heat(axes: Axes, heat: Array, title: str = "", pixel_aspect: float = 1.0) -> Any:
    """Draw any heat map (h, w): signed ones in red and blue, others from black to white."""
    return (show_shares if heat.min() < 0 else show_magnitude)(axes, heat, title, pixel_aspect)


def smoothing(size: Sequence[int]) -> float:
    """Return by how many pixels a map (h, w) is smoothed where it lies over the photo; 0 for a small one."""
    sigma = min(size) / 100
    return sigma if sigma >= 1 else 0.0


def show_over(axes: Axes, heat: Array, photo: Array, title: str = "", pixel_aspect: float = 1.0) -> Any:
    """Draw a signed map (h, w) over the photo in pale grey, smoothed by `smoothing`, on its own scale."""
    from skimage.filters import gaussian

    sigma = smoothing(heat.shape)
    heat = gaussian(heat, sigma) if sigma else heat
    scale = robust_max(heat)
    show_photo(axes, photo, heat.shape, title, pixel_aspect, grey=BLACK)
    opaque = np.clip(np.abs(heat) / scale, 0, 1) ** 0.7
    return show_image(axes, heat, "", pixel_aspect, cmap="RdBu_r", vmin=-1.3 * scale, vmax=1.3 * scale, alpha=opaque)


def show_blank(axes: Axes, size: Sequence[int], why: str, title: str = "", pixel_aspect: float = 1.0) -> None:
    """Draw a panel (h, w) in plain grey that says in words why there is no map; why "": it is said in the notes."""
    show_image(axes, np.full(tuple(size), 0.92), title, pixel_aspect, cmap="gray", vmin=0, vmax=1)
    axes.apply_aspect()  # so that the place is as large as the picture
    place = axes.get_position()
    width, height = axes.figure.get_size_inches()  # type: ignore[union-attr]  # axes without a figure are removed ones
    words = f"blank, because {why}" if why else "blank: see the notes"
    text = wrapped(words, max(0.9 * place.width * width, 1.0), LABEL_SIZE)
    lines = text.split("\n")
    fitting = max(int(0.95 * place.height * height / (1.22 * LABEL_SIZE / 72)), 1)
    if len(lines) > fitting:
        text = "\n".join([*lines[: fitting - 1], "(see the notes)"])
    if max(text_width(line, LABEL_SIZE) for line in text.split("\n")) <= place.width * width:
        axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=LABEL_SIZE, transform=axes.transAxes)
