"""One map of the pixels as a result, and the ways to draw it that the techniques here share.

Two forms. A gradient has three colours at each pixel and no natural sum: its map is the largest magnitude over the
channels. An attribution is a share of the score: its map is the sum over the channels, with its sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    SIDE,
    Sheet,
    panels,
    robust_max,
    show_blank,
    show_magnitude,
    show_over,
    show_shares,
    show_signed,
    smoothing,
)
from minitorch_viz.drawing.number_maps import NumberMap
from minitorch_viz.techniques.explain.blank import blank_note, drawable
from minitorch_viz.techniques.explain.given import Given
from minitorch_viz.techniques.explain.start import with_value
from minitorch_viz.techniques.explain.view import PhotoResult, draw_photo, names_of, own_pixels, proportions_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Form = Literal["gradient", "attribution"]

MAGNITUDE = "magnitude: the largest over the channels; black is 0, white the 99.5th percentile and above"
COLOUR_SIGN = (
    "sign and colour: grey is 0; brighter means more of this colour raises the value, darker means it lowers it"
)
GREY_SIGN = "sign: white is 0; red means that a brighter pixel raises the value, blue that it lowers it"
CHANNEL_SIGN = (
    "sign, a map a channel: white is 0; red means that more of this channel raises the value, blue that it lowers it"
)
SHARES = "shares, summed over the channels: white is 0, red speaks for the value, blue against it"


@dataclass(frozen=True, eq=False)
class PixelMap(PhotoResult):
    """Hold what came back to the pixels for one number."""

    signal: Array  # (C, h, w): what came back, in the net's own units
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float  # to draw it in the photo's proportions
    label: str  # what is explained, in words
    value: float  # the class score (before the softmax) or the unit's activation
    blank: str  # why there is nothing to draw; "" if there is something
    reading: str = field(default="", kw_only=True)  # the value in a caption's words

    @property
    def form(self) -> Form:
        """Return how the channels become one map."""
        return "gradient"

    @property
    def signed(self) -> bool:
        """Return whether the signal has signs to show."""
        return True

    @property
    def heat(self) -> Array:
        """Return (h, w): of a gradient max_c |g_c|, nonnegative; of an attribution the channels' sum, signed."""
        return drawable(one_map(self.signal, self.form), self.blank)

    @property
    def notes(self) -> tuple[str, ...]:
        return self.given_notes + blank_note(self.blank)

    @property
    def heads(self) -> tuple[str, ...]:
        return (with_value(self.label, self.reading, self.value),)

    @property
    def number_maps(self) -> list[NumberMap]:
        """Return the signal itself: a row has no channels to merge, so that its signs stay."""
        values = drawable(self.signal, self.blank)
        return [NumberMap(self._title, values if self.signed else np.abs(values), self.signed, self.blank)]

    @property
    def _title(self) -> str:
        if self.form == "attribution":
            return "share of the value: red for, blue against"
        return "gradient: red, more of it raises the value; blue, it lowers it" if self.signed else "magnitude"

    @property
    def explains(self) -> str:
        """Begin a caption: what is explained, and its value."""
        return f"Explains {self.heads[0]}."

    @property
    def legend(self) -> str:
        """End a caption: what the colours mean, and the scale."""
        if self.of_numbers is not None:
            return numbers_legend(self.of_numbers, self.number_maps[0])
        scale = robust_max(self.heat)
        if self.form == "attribution":
            return f"{sentence(SHARES)}; full scale is +-{scale:.3g}, the 99.5th percentile of the magnitudes."
        if not self.signed:
            return f"{sentence(MAGNITUDE)}. Full scale is {scale:.3g}."
        sign = sentence(sign_of(len(self.signal)))
        return f"{sentence(MAGNITUDE)}. {sign}. Full scale of the magnitude is {scale:.3g}."


def one_map(signal: Array, form: Form) -> Array:
    """Return one value a pixel: (C, h, w) -> (h, w); a row or a series keeps its shape."""
    if signal.ndim != 3:  # a row or a series: each number has its own place
        return np.abs(signal) if form == "gradient" else signal
    merged: Array = np.abs(signal).max(axis=0) if form == "gradient" else signal.sum(axis=0)
    return merged


def numbers_legend(given: Given, shown: NumberMap) -> str:
    """Return what bars or colours of a map of numbers mean, and the scale."""
    signs = (
        "red speaks for the value or raises it, blue speaks against it or lowers it" if shown.signed else "magnitudes"
    )
    if given.kind == "row":
        return f"Bars, one a column: {signs}; the longest is {np.abs(shown.values).max():.3g}."
    scale = robust_max(shown.values)
    ends = f"+-{scale:.3g}" if shown.signed else f"0 to {scale:.3g}"
    return f"Colours behind the curves, step by step: {signs}; full colour is {ends}, the 99.5th percentile."


def sign_of(channels: int) -> str:
    """Return what the colours of a signed map mean, of so many channels."""
    return {1: GREY_SIGN, 3: COLOUR_SIGN}.get(channels, CHANNEL_SIGN)


def sign_title(channels: int) -> str:
    """Say the same in a title."""
    words = {1: "sign: red +, blue -", 3: "sign and colour, grey is 0"}
    return words.get(channels, "sign, a map a channel: red +, blue -")


def sentence(text: str) -> str:
    """Return a legend as it begins a sentence."""
    return text[0].upper() + text[1:]


def plot_map(result: PixelMap, figure: Figure) -> None:
    """Draw the photo, the map, and the map in colours (a gradient) or over the photo (an attribution)."""
    draw_map(result, map_panels(result, figure).axes[0])


def map_panels(result: PixelMap, figure: Figure, more: Sequence[str] = (), bottom: float = 0.0) -> Sheet:
    """Make a sheet for the photo, the map in two ways, and pictures with titles of one's own behind the photo.

    bottom: inches left free below them, for a chart.
    """
    photo, *maps = map_titles(result)
    side = SIDE if not more else 2.7
    return panels(figure, [[photo, *more, *maps]], proportions_of(result), side=side, bottom=bottom)


def map_titles(result: PixelMap) -> tuple[str, str, str]:
    """Return the titles of the photo and of the map in two ways, with their scales."""
    if result.blank:
        return result.label, "", ""
    sigma = smoothing(result.picture.shape[:2])
    over = f"smoothed by {sigma:.1f} pixels, over the photo" if sigma else "the same over the photo"
    top = robust_max(result.heat)
    if result.form == "attribution":
        return result.label, f"shares: red for, blue against, full at ±{top:.2g}", over
    magnitude = f"magnitude, white at {top:.2g}"
    if not result.signed:
        return result.label, magnitude, over
    sign = sign_title(len(result.signal))
    return result.label, magnitude, f"{sign}, full at ±{robust_max(result.signal):.2g}"


def draw_map(result: PixelMap, axes: Sequence[Axes]) -> None:
    """Draw the photo and the map in two ways on axes that have their titles."""
    aspect = result.pixel_aspect
    draw_photo(axes[0], result)
    if result.blank:
        for panel in axes[1:]:
            show_blank(panel, result.picture.shape[:2], result.blank, pixel_aspect=aspect)
        return
    show = show_magnitude if result.form == "gradient" else show_shares
    show(axes[1], result.heat, pixel_aspect=aspect)
    if result.form == "gradient" and result.signed:
        show_signed(axes[2], result.signal, pixel_aspect=aspect, names=names_of(result))
    else:
        show_over(axes[2], result.heat, own_pixels(result), pixel_aspect=aspect)
