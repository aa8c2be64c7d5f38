"""A photo as the net sees it, and as it should be drawn: in its own pixels, where the net looked."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing import proportions, show_photo, smoothing
from minitorch_viz.drawing.number_maps import NumberMap
from minitorch_viz.drawing.overlay import OPAQUE, Seen, laid_over, seen_from
from minitorch_viz.errors import SettingError
from minitorch_viz.models.readers import Bands, Numbers, Preprocessing
from minitorch_viz.models.readers.values import values_of
from minitorch_viz.techniques.base import Result
from minitorch_viz.techniques.explain.given import Given, draw_numbers, steps_axis
from minitorch_viz.techniques.options import Images

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

NO_OVERLAY = (
    "An overlay is a map over a photo, and a row or a series of numbers is none: save the figure (.png, .svg, .pdf) or "
    "the numbers (.npz, .json)."
)


@dataclass(frozen=True, eq=False)
class View:
    """Hold what goes into the net, and the picture to draw maps beside.

    Given to a technique in place of the photo it is not read and resized again.
    """

    x: Array  # (1, C, h, w) float32, of a row (1, D), of a series (1, T, D) or (1, D, T): the net's input
    picture: Array  # (h, w, 3) uint8: the same pixels as a person sees them; of a row or a series its numbers
    pixel_aspect: float  # a pixel's height over its width when the photo's proportions are restored
    photo: Array  # (H, W, 3) uint8: all of it; (H, W, C) of other channels
    area: Array  # (H', W', 3) uint8: the area of it that x shows, at most 1024 pixels a side, to draw maps over
    reader: tuple[Any, ...]  # how it became x
    given: Given | None = None  # what else is to be known of it, where it is no photo
    source: Any = None  # what it was made of, where that is not `photo`: for the same net in another precision

    @property
    def noun(self) -> str:
        """Say what was looked at: a photo, a row, a series."""
        return self.given.kind if self.given is not None and self.given.is_numbers else "photo"

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        """Return the photo, for whatever takes an array and knows nothing of views."""
        return np.array(self.photo, *args, **kwargs)


def view(model: Model, image: Any) -> View:
    """Read, resize and normalize what `model` looks at; a view that it had so stays.

    image: a path, an array or a Pillow image; of a net of other channels an array (H, W, C) or its file; a tensor that
    is the net's input already; of a net for rows or series numbers, as `Numbers.read` takes them.
    """
    reads = model.reader()
    reader = (reads, model.dtype, model.net.device)
    if isinstance(image, View) and image.reader == reader:
        return image
    if isinstance(image, View) and image.source is not None:
        image = image.source
    if isinstance(reads, Numbers):
        return _numbers_seen(model, reads, image, reader)
    if not isinstance(reads, Preprocessing):
        model.preprocessing  # noqa: B018 (SettingError: what the net takes is no picture)
        raise SettingError(f"{model.name} takes {reads.noun}, and no picture.")
    is_bands = isinstance(reads, Bands)
    names = reads.labels if isinstance(reads, Bands) else ()
    remark = f"Of {reads.channels} channels the picture shows {reads.shown_words}." if isinstance(reads, Bands) else ""
    tensor = reads.prepared(image)
    if tensor is not None:
        x = kernels.to_device(tensor.astype(model.dtype), model.net.device)
        picture = reads.restore(x)
        shape = ", ".join(map(str, x.shape[1:]))
        used = f"The tensor ({shape}) is the net's input as it is: no mean and std are applied."
        given = Given(
            "channels" if is_bands else "photo", tensor[0], names, remark=" ".join(filter(None, (used, remark)))
        )
        return View(x, picture, 1.0, picture, picture, reader, given, tensor)
    photo = reads.load(image)
    x = kernels.to_device(reads.read(photo, model.dtype), model.net.device)
    height, width = x.shape[2:]
    stretched = reads.resize == "stretch"
    pixel_aspect = (photo.shape[0] / height) / (photo.shape[1] / width) if stretched else 1.0
    channels = Given("channels", kernels.to_cpu(x)[0], names, remark=remark) if is_bands else None
    return View(x, reads.restore(x), pixel_aspect, photo, reads.area_seen(photo), reader, channels)


def _numbers_seen(model: Model, reads: Numbers, value: Any, reader: tuple[Any, ...]) -> View:
    """Return numbers as the net sees them: a row, a series, or maps of a user's own making."""
    if reads.whole:
        raise SettingError(
            f"{model.name} takes whole numbers, such as the numbers of words: there is nothing between two of them, so "
            "that no map can say what a small change would do."
        )
    if len(reads.shape) > 3:
        raise SettingError(
            f"Inputs of {len(reads.shape)} axes, {reads.words}, are not drawn; rows, series and maps are."
        )
    numbers, own_names = values_of(value, reads.names)
    x = kernels.to_device(reads.read(numbers, model.dtype), model.net.device)
    values = reads.restore(x)
    axis = steps_axis(model)
    count = values.shape[0] if values.ndim != 2 else values.shape[1 - axis]
    nouns = {1: "column", 2: "number", 3: "channel"}
    names = next((names for names in (reads.names, own_names) if len(names) == count), ())
    names = names or tuple(f"{nouns[values.ndim]} {i}" for i in range(count))
    if values.ndim < 3:
        given = Given("row" if values.ndim == 1 else "series", values, names, axis)
        return View(x, values, 1.0, values, values, reader, given, value)
    bands = Bands(values.shape[1:], count, names=names)
    picture = bands.restore(values)
    given = Given("channels", values, names, remark=f"Of {count} channels the picture shows {bands.shown_words}.")
    return View(x, picture, 1.0, picture, picture, reader, given, value)


def picture_of(model: Model, x: Array) -> Array:
    """Return an input (1, ...) of the net as it is drawn: (h, w, 3) uint8; a row or a series as its numbers."""
    reads = model.reader()
    if isinstance(reads, Numbers) and len(reads.shape) == 3:
        return Bands(x.shape[2:], x.shape[1]).restore(kernels.to_cpu(x)[0])
    return model.restore(x)


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
    given: Given | None = field(default=None, kw_only=True)  # what is to be known of an input that is no photo

    @property
    def of_numbers(self) -> Given | None:
        """Return the row or the series that was looked at; None where it is a picture."""
        return self.given if self.given is not None and self.given.is_numbers else None

    @property
    def notes(self) -> tuple[str, ...]:
        return self.given_notes

    @property
    def noun(self) -> str:
        """Say what was looked at: a photo, a row, a series."""
        return "photo" if self.of_numbers is None else self.of_numbers.kind

    @property
    def place(self) -> str:
        """Say what one place of it is called: a pixel, a column, a step."""
        return "pixel" if self.of_numbers is None else self.of_numbers.noun

    @property
    def given_notes(self) -> tuple[str, ...]:
        """Return what is to be known of an input that is no photo."""
        return (self.given.remark,) if self.given is not None and self.given.remark else ()

    @property
    def number_maps(self) -> list[NumberMap]:
        """Return the maps of a row or a series, in its own shape, as they are drawn."""
        heat = self._map()
        return [NumberMap(self.technique.name, heat, bool(heat.min(initial=0) < 0))]

    def draw(self, figure: Figure) -> None:
        if self.of_numbers is None:
            super().draw(figure)
        else:
            maps = self.number_maps
            heads = self.heads if len(maps) == 1 or len(self.heads) == 1 else (self.technique.name,)
            draw_numbers(figure, self.of_numbers, maps, ", ".join(heads))

    @property
    def heads(self) -> tuple[str, ...]:
        """Return what is explained, for a heading."""
        return (str(getattr(self, "label", "")),)

    def overlay(self, opacity: float = OPAQUE, colormap: str | None = None, photo: Array | None = None) -> Array:
        """Return (H, W, 3) uint8, a plain picture: `heat` over the photo, where it is large less transparent.

        opacity: 0..1, how opaque the map is at full scale, the 99.5th percentile of its magnitudes.
        colormap: one of Matplotlib's; by default inferno, of a map with signs RdBu_r (red for, blue against).
        photo: what to lay it over, (H, W, 3) uint8: the area that the net saw, as `Preprocessing.area_seen` gives it;
            by default the photo's own pixels, at most 1024 a side.

        Raises SettingError without a map of the pixels, for an opacity outside 0..1 or an unknown colour map.
        """
        if self.of_numbers is not None:
            raise SettingError(NO_OVERLAY)
        below: Array = own_pixels(self) if photo is None else photo  # type: ignore[arg-type]  # all have a picture
        return laid_over(self._seen, below, opacity, colormap)

    def overlay_legend(self, colormap: str | None = None) -> str:
        """Return what the colours of an overlay mean, and the scale; colormap: as `overlay` was given it."""
        if self.of_numbers is not None:
            raise SettingError(NO_OVERLAY)
        smooth, signed, scale = self._seen
        if not smooth.any():
            return "Over the photo: nothing, since the map is blank."
        sigma = smoothing(smooth.shape)
        if not signed:
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
        smooth, signed, scale = self._seen
        return f"scale {'+-' if signed else '0 to '}{scale:.3g}" if smooth.any() else "blank"

    @functools.cached_property
    def _seen(self) -> Seen:
        """Return `heat` as it lies over the photo."""
        return seen_from(self._map())

    def _map(self) -> Array:
        """Return `heat`; SettingError if there is none."""
        heat = self.heat
        if self.of_numbers is not None:
            return heat  # type: ignore[return-value]  # every technique of numbers has one
        if heat is None:
            raise SettingError(f"{self.technique.name} gives no map of the pixels that could lie over the photo.")
        return heat


def names_of(result: PhotoResult) -> tuple[str, ...]:
    """Return what the channels of a picture are called, where it has other ones than a photo."""
    return () if result.given is None or result.given.kind != "channels" else result.given.names


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
