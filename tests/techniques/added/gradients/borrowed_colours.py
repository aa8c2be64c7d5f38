"""Borrowed colours: a photo with the mean colour of others, to see what a net makes of the colour alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.drawing import show_image
from minitorch_viz.io.images import load_image
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.view import several, view
from minitorch_viz.techniques.subject import Photo, Photos, Pictures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class BorrowedColours(Result):
    """A photo, and the same photo with another mean colour."""

    picture: Array  # (h, w, 3) uint8: as the net sees the photo
    tinted: Array  # (h, w, 3) uint8: with the other colour
    colour: Array  # (3,) floats 0..255: the mean colour that was borrowed
    lenders: int  # how many pictures it is the mean of

    @property
    def caption(self) -> str:
        return (
            f"The photo (left) and the same photo with the mean colour of {self.lenders} other pictures (right), "
            "both on the scale of pixels from 0 to 255."
        )


def borrowed_colours(
    model: Model, image: Any, *, style: Photos, guide: Photo | None = None, pictures: Pictures | None = None
) -> BorrowedColours:
    """Show a photo with the mean colour of other photos.

    Args:
        style: the photos whose mean colour is borrowed
        guide: a photo whose colour counts, too
        pictures: a folder or data set whose colours count, too

    Paper: Reinhard, Ashikhmin, Gooch, Shirley 2001, Color Transfer between Images.
    """
    seen = view(model, image)
    lenders = [load_image(photo) for photo in several(style, most=8)]
    lenders += [] if guide is None else [load_image(guide)]
    lenders += [] if pictures is None else [load_image(picture) for picture in as_pictures(pictures)]
    colour = np.mean([picture.mean(axis=(0, 1)) for picture in lenders], axis=0)
    shifted = seen.picture + (colour - seen.picture.mean(axis=(0, 1)))
    return BorrowedColours(seen.picture, np.clip(shifted, 0, 255).astype(np.uint8), colour, len(lenders))


def plot(result: BorrowedColours, figure: Figure) -> None:
    """Draw both side by side."""
    left, right = figure.subplots(1, 2)
    show_image(left, result.picture, "the photo")
    show_image(right, result.tinted, "with borrowed colours")


def example() -> BorrowedColours:
    """One digit with the brightness of another."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return borrowed_colours(load_model("digits"), sample_digit(3), style=sample_digit(5))


TECHNIQUE = Technique(
    name="borrowed-colours",
    compute=borrowed_colours,
    plot=plot,
    title="Borrowed colours: the photo in other light",
    paper="Reinhard, Ashikhmin, Gooch, Shirley 2001",
    example=example,
)
