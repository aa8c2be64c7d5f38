"""A photo as the net sees it, and as it should be drawn: in its own pixels, where the net looked."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import proportions, robust_max, show_photo, smoothing
from minitorch_viz.drawing.overlay import OPAQUE, laid_over, smoothed
from minitorch_viz.errors import SettingError
from minitorch_viz.techniques.base import Result
from minitorch_viz.techniques.options import Images

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class View:
    """Hold what goes into the net, and the picture to draw maps beside.

    Given to a technique in place of the photo it is not read and resized again.
    """

    x: Array  # (1, C, h, w) float32: the net's input
    picture: Array  # (h, w, 3) uint8: the same pixels as a person sees them
    pixel_aspect: float  # a pixel's height over its width when the photo's proportions are restored
    photo: Array  # (H, W, 3) uint8: all of it
    area: Array  # (H', W', 3) uint8: the area of it that x shows, at most 1024 pixels a side, to draw maps over
    reader: tuple[Any, ...]  # how it became x

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        """Return the photo, for whatever takes an array and knows nothing of views."""
        return np.array(self.photo, *args, **kwargs)


def view(model: Model, image: Any) -> View:
    """Read, resize and normalize an image (path, array or Pillow image) for `model`; a view that it had so stays."""
    from minitorch_viz.io.images import load_image

    reader = (model.preprocessing, model.dtype, model.net.device)
    if isinstance(image, View) and image.reader == reader:
        return image
    photo = load_image(image)
    x = model.preprocess(photo)
    height, width = x.shape[2:]
    stretched = model.preprocessing.resize == "stretch"
    pixel_aspect = (photo.shape[0] / height) / (photo.shape[1] / width) if stretched else 1.0
    return View(x, model.restore(x), pixel_aspect, photo, model.preprocessing.area_seen(photo), reader)


def several(image: Images, most: int) -> list[Any]:
    """Return one image or a list of them as a list; SettingError unless there are 1 to `most`."""
    images = list(image) if isinstance(image, (list, tuple)) else [image]
    if not 1 <= len(images) <= most:
        raise SettingError(f"Give one image, or a list of 1 to {most}; this is a list of {len(images)}.")
    return images


@dataclass(frozen=True, eq=False)
class PhotoResult(Result):
    """Be a result that is drawn beside its photo, or over it."""

    photo: Array | None = field(default=None, kw_only=True)  # (H, W, 3) uint8: the photo's own pixels; None: `picture`

    def overlay(self, opacity: float = OPAQUE, colormap: str | None = None, photo: Array | None = None) -> Array:
        """Return (H, W, 3) uint8, a plain picture: `heat` over the photo, where it is large less transparent.

        opacity: 0..1, how opaque the map is at full scale, the 99.5th percentile of its magnitudes.
        colormap: one of Matplotlib's; by default inferno, of a map with signs RdBu_r (red for, blue against).
        photo: what to lay it over, (H, W, 3) uint8: the area that the net saw, as `Preprocessing.area_seen` gives it;
            by default the photo's own pixels, at most 1024 a side.

        Raises SettingError without a map of the pixels, for an opacity outside 0..1 or an unknown colour map.
        """
        below: Array = own_pixels(self) if photo is None else photo  # type: ignore[arg-type]  # all have a picture
        return laid_over(self._smooth, below, self._signed, opacity, colormap)

    def overlay_legend(self, colormap: str | None = None) -> str:
        """Return what the colours of an overlay mean, and the scale; colormap: as `overlay` was given it."""
        smooth = self._smooth
        if not smooth.any():
            return "Over the photo: nothing, since the map is blank."
        scale, sigma = robust_max(smooth), smoothing(smooth.shape)
        if not self._signed:
            ends = f"0 to {scale:.3g}"
        elif colormap is None:
            ends = f"red for and blue against, +-{scale:.3g} at full colour"
        else:
            ends = f"-{scale:.3g} to {scale:.3g}, 0 in the middle"
        ends += f" in the colours of {colormap}" if colormap else ""
        blur = f"smoothed by {sigma:.1f} pixels, " if sigma else ""
        return f"Over the photo: {blur}{ends}, the 99.5th percentile; the smaller the value, the clearer the photo."

    @property
    def overlay_scale(self) -> str:
        """Return the scale of an overlay in a few words."""
        smooth = self._smooth
        if not smooth.any():
            return "blank"
        return f"scale {'+-' if self._signed else '0 to '}{robust_max(smooth):.3g}"

    @functools.cached_property
    def _smooth(self) -> Array:
        """Return `heat` as it lies over the photo, (h, w)."""
        return smoothed(self._map())

    @functools.cached_property
    def _signed(self) -> bool:
        """Return whether there is anything in `heat` that is negative."""
        return bool(self._map().min(initial=0) < 0)

    def _map(self) -> Array:
        """Return `heat`; SettingError if there is none."""
        heat = self.heat
        if heat is None:
            raise SettingError(f"{self.technique.name} gives no map of the pixels that could lie over the photo.")
        return heat


class Pictured(Protocol):
    """Hold what is needed to draw a photo."""

    @property
    def picture(self) -> Array:
        """Return (h, w, 3) uint8: what the net saw."""

    @property
    def photo(self) -> Array | None:
        """Return (H, W, 3) uint8: the same area in the photo's own pixels."""

    @property
    def pixel_aspect(self) -> float:
        """Return the height of a pixel of `picture` over its width."""


def own_pixels(result: Pictured) -> Array:
    """Return the photo in its own pixels, (H, W, 3) uint8; what the net saw where these are unknown."""
    return result.picture if result.photo is None else result.photo


def proportions_of(result: Pictured) -> float:
    """Return the photo's height over its width."""
    return proportions(result.picture, result.pixel_aspect)


def draw_photo(axes: Axes, result: Pictured, grey: float | None = None) -> None:
    """Draw the photo on axes that count in the net's pixels; grey: without colours, this level drawn as black."""
    show_photo(axes, own_pixels(result), result.picture.shape[:2], pixel_aspect=result.pixel_aspect, grey=grey)
