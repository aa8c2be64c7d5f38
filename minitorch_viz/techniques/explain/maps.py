"""One map of the pixels as a result, and the ways to draw it that the techniques here share.

Two forms. A gradient has three colours at each pixel and no natural sum: its map is the largest magnitude over the
channels. An attribution is a share of the score: its map is the sum over the channels, with its sign.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import (
    SIDE,
    panels,
    proportions,
    robust_max,
    show_blank,
    show_image,
    show_magnitude,
    show_over,
    show_shares,
    show_signed,
    title_width,
    wrapped,
)
from minitorch_viz.techniques.base import Result
from minitorch_viz.techniques.explain.blank import blank_note, drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Form = Literal["gradient", "attribution"]

MAGNITUDE = """magnitude: the largest over the
colour channels; black is 0, white
the 99.5th percentile and above"""
COLOUR_SIGN = """sign and colour: grey is 0; brighter
means more of this colour raises the
value, darker means it lowers it"""
GREY_SIGN = """sign: white is 0; red means that a
brighter pixel raises the value,
blue that it lowers it"""
SHARES = """shares, summed over the colour channels:
white is 0, red speaks for the value, blue
against it"""


@dataclass(frozen=True, eq=False)
class PixelMap(Result):
    """What came back to the pixels for one number."""

    signal: Array  # (C, h, w): what came back, in the net's own units
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float  # to draw it in the photo's proportions
    label: str  # what is explained, in words
    value: float  # the class score (before the softmax) or the unit's activation
    blank: str  # why there is nothing to draw; "" if there is something
    reading: str = field(default="", kw_only=True)  # the value in a caption's words

    @property
    def form(self) -> Form:
        """How the channels become one map."""
        return "gradient"

    @property
    def signed(self) -> bool:
        """Whether the signal has signs to show."""
        return True

    @property
    def heat(self) -> Array:
        """(h, w): of a gradient max_c |g_c|, nonnegative; of an attribution the sum over the channels, signed."""
        return drawable(one_map(self.signal, self.form), self.blank)

    @property
    def notes(self) -> tuple[str, ...]:
        return blank_note(self.blank)

    @property
    def explains(self) -> str:
        """How a caption begins."""
        return f"Explains {self.label}, {self.reading or f'value {self.value:.4g}'}."

    @property
    def legend(self) -> str:
        """How a caption ends: what the colours mean, and the scale."""
        scale = robust_max(self.heat)
        if self.form == "attribution":
            return f"{sentence(SHARES)}; full scale is +-{scale:.3g}, the 99.5th percentile of the magnitudes."
        if not self.signed:
            return f"{sentence(MAGNITUDE)}. Full scale is {scale:.3g}."
        sign = sentence(GREY_SIGN if len(self.signal) == 1 else COLOUR_SIGN)
        return f"{sentence(MAGNITUDE)}. {sign}. Full scale of the magnitude is {scale:.3g}."


def one_map(signal: Array, form: Form) -> Array:
    """(C, h, w) -> (h, w)."""
    merged: Array = np.abs(signal).max(axis=0) if form == "gradient" else signal.sum(axis=0)
    return merged


def sentence(text: str) -> str:
    """A legend as a sentence in a running text."""
    return text[0].upper() + text[1:].replace("\n", " ")


def plot_map(result: PixelMap, figure: Figure) -> None:
    """The photo, the map, and the map in colours (a gradient) or over the photo (an attribution)."""
    draw_map(result, map_panels(result, figure))


def map_panels(result: PixelMap, figure: Figure, more: int = 0, bars: int = 0) -> list[Axes]:
    """The axes of a map's figure, 3 and `more` in a row of the photo's shape; bars: how many have a colour bar."""
    tall = proportions(result.picture, result.pixel_aspect)
    lines = 1 + max(title.count("\n") for title in map_titles(result))
    side = SIDE if more == 0 else 2.7
    return list(panels(figure, 1, 3 + more, tall, lines=lines, bars=bars, side=side)[0])


def map_titles(result: PixelMap) -> tuple[str, str, str]:
    """The titles of the photo and of the map in two ways, on as many lines as they need."""
    letters = title_width(proportions(result.picture, result.pixel_aspect), 2.7)
    sigma = min(result.picture.shape[:2]) / 100
    over = f"smoothed by {sigma:.1f} pixels, over the photo" if sigma >= 1 else "the same over the photo"
    if result.form == "attribution":
        titles = ("shares: red for, blue against", over)
    else:
        sign = "sign" if len(result.signal) == 1 else "sign and colour"
        titles = ("magnitude", sign if result.signed else over)
    label, first, second = (wrapped(title, letters) for title in (result.label, *titles))
    return label, first, second


def draw_map(result: PixelMap, axes: list[Axes]) -> None:
    """The same on three axes of a larger figure."""
    aspect = result.pixel_aspect
    label, first, second = map_titles(result)
    show_image(axes[0], result.picture, label, aspect)
    if result.blank:
        for one in axes[1:]:
            show_blank(one, result.picture.shape[:2], result.blank, aspect)
        return
    show = show_magnitude if result.form == "gradient" else show_shares
    show(axes[1], result.heat, first, aspect)
    if result.form == "gradient" and result.signed:
        show_signed(axes[2], result.signal, second, aspect)
    else:
        show_over(axes[2], result.heat, result.picture, aspect, second)
