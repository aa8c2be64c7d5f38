"""Segmentation by a classifier that never saw a mask: its saliency map says where, the photo's colours say how far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import BLACK, panels, robust_max, show_blank, show_image, show_magnitude
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.techniques.base import Technique, explainers
from minitorch_viz.techniques.explain.blank import blank_note
from minitorch_viz.techniques.explain.start import start_any
from minitorch_viz.techniques.explain.unit import Which
from minitorch_viz.techniques.explain.view import PhotoResult, draw_photo, proportions_of
from minitorch_viz.techniques.gradients._segmentation_grabcut import (
    BACKGROUND,
    FOREGROUND,
    box_of,
    flooded,
    grabcut,
    has_grabcut,
    largest_piece,
    seeds_of,
)
from minitorch_viz.techniques.options import spelled_out
from minitorch_viz.techniques.subject import need_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

LEAST_SIDE = 32  # pixels a side that GrabCut needs to learn colours from
TOO_SMALL = f"with fewer than {LEAST_SIDE} pixels a side there are too few colours for GrabCut"
TOO_ALIKE = "the map has too few different values to give seeds of both kinds"
NO_OPENCV = "GrabCut, which learns the colours of both too, needs OpenCV (pip install opencv-python-headless)"


@dataclass(frozen=True, eq=False)
class Segmentation(PhotoResult):
    """Hold a mask and a box from a heat map."""

    mask: Array  # (h, w) bool: the object
    box: tuple[int, int, int, int] | None  # (top, left, bottom, right) in pixels; None if the mask is empty
    magnitude: Array  # (h, w) floats, nonnegative: the smoothed heat map that gave the seeds
    seeds: Array  # (h, w) uint8: 1 surely object, 0 surely background, 2 unsure
    method: str  # the technique that made the heat map
    instead: str  # why it was not GrabCut that made the mask; "" if it was
    high: float  # percentiles
    low: float
    sigma: float  # of the smoothing, in pixels
    picture: Array  # (h, w, 3) uint8
    pixel_aspect: float
    label: str
    blank: str

    @property
    def by(self) -> str:
        """Return what made the mask."""
        if self.instead == TOO_ALIKE:
            return "a threshold"
        return "a watershed" if self.instead else "GrabCut"

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.label, f"by {self.by} from {self.method}", f"{self.mask.mean():.1%} of the picture")

    @property
    def caption(self) -> str:
        if self.box is None:
            where = "The mask is empty"
        else:
            top, left, bottom, right = self.box
            where = (
                f"The mask covers {self.mask.mean():.1%} of the picture, in a box from row {top} to {bottom} and "
                f"column {left} to {right}"
            )
        return (
            f"Segments {self.label} by {self.by}, from its {self.method} map. {where}. The map's magnitude is smoothed "
            f"by {self.sigma:.1f} pixels, black is 0 and full scale the 99.5th percentile. Seeds: green above the "
            f"{self.high:g} % quantile is object, blue below the {self.low:g} % quantile is background. Of the object "
            f"the largest piece is kept."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        if self.blank or not self.instead:
            return blank_note(self.blank)
        how = "The mask is the thresholded map" if self.instead == TOO_ALIKE else "The seeds were grown by a watershed"
        return (f"{how}: {self.instead}.",)


@spelled_out
def segmentation(
    model: Model,
    image: Any,
    *,
    method: str = "saliency",
    high: float = 95.0,
    low: float = 30.0,
    smooth: float = 2.0,
    iterations: int = 5,
    **choice: Unpack[Which],
) -> Segmentation:
    """Cut the object out of the photo, with nothing but a classifier.

    The pixels with the largest saliency are taken for object, those with the least for background. GrabCut learns the
    colours of both and decides about the rest (without OpenCV a watershed lets both grow up to the photo's edges); the
    largest piece is the mask, and a box around it is where the object is. A classifier looks at what tells classes
    apart, so heads are found better than bodies.

    Args:
        method: the technique whose map gives the seeds
        high: the percentile of the map above which a pixel is object
        low: the percentile below which it is background
        smooth: how far the map is smoothed first, in percent of the picture's shorter side
        iterations: rounds of GrabCut

    GrabCut needs OpenCV (`pip install opencv-python-headless`); a note says what was used instead.

    Returns a Segmentation with mask (h, w) and box.
    Raises SettingError for an unknown class, channel or setting, NetError for an unknown node, ImageFileError for a
    bad image.

    Paper: Simonyan, Vedaldi, Zisserman 2013, with GrabCut of Rother et al. 2004.
    """
    from skimage.filters import gaussian

    methods = explainers(model)
    if method not in methods:
        raise SettingError(f"There is no method {method!r}; {near(method, methods, 'method')}.")
    low, high, smooth = (_number(*setting) for setting in (("low", low), ("high", high), ("smooth", smooth)))
    if low >= high:
        raise SettingError(f"low= must be below high=, but got {low:g} and {high:g}.")
    need_whole("number of iterations", iterations, 1, 100)
    need_picture(model, "segmentation")
    seen, _, unit, *_ = start_any(model, image, **choice)
    result = methods[method].compute(model, image, **choice, **methods[method].in_comparison)
    heat = result.heat
    assert heat is not None  # what `Technique.explains` promises
    # A signed map's negative parts speak against the object.
    magnitude = np.maximum(heat, 0).astype(np.float64)
    sigma = smooth / 100 * min(heat.shape)
    magnitude = gaussian(magnitude, sigma) if sigma > 0 else magnitude
    seeds = seeds_of(magnitude, high, low)
    instead = _no_grabcut(seeds)
    if instead == TOO_ALIKE:
        mask = seeds == FOREGROUND
    else:
        mask = flooded(seen.picture, seeds) if instead else grabcut(seen.picture, seeds, iterations)
    blank = "" if heat.any() else "the map of this method is all 0, so that nothing tells the object from the rest"
    mask = largest_piece(mask)
    return Segmentation(
        mask,
        box_of(mask),
        magnitude,
        seeds,
        method,
        instead,
        high,
        low,
        sigma,
        seen.picture,
        seen.pixel_aspect,
        unit.label,
        blank,
        photo=seen.area,
        given=seen.given,
    )


def _no_grabcut(seeds: Array) -> str:
    """Return why GrabCut cannot be used; "" if it can."""
    if not ((seeds == FOREGROUND).any() and (seeds == BACKGROUND).any()):
        return TOO_ALIKE
    if min(seeds.shape) < LEAST_SIDE:
        return TOO_SMALL
    return "" if has_grabcut() else NO_OPENCV


def _number(name: str, value: object) -> float:
    fits = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not fits or not 0 <= value <= 100:  # type: ignore[operator]  # fits says that it is a number
        raise SettingError(f"{name}= must be a number from 0 to 100 (percent), but got {value!r}.")
    return float(value)  # type: ignore[arg-type]  # as above


def plot(result: Segmentation, figure: Figure) -> None:
    """Draw the photo with the box, the map, the seeds, and the object cut out."""
    from matplotlib.patches import Rectangle

    aspect, size = result.pixel_aspect, result.mask.shape
    words = (
        f"{result.method}, smoothed, white at {robust_max(result.magnitude):.2g}",
        "seeds: green object, blue not",
        f"the mask, by {result.by}",
    )
    sheet = panels(
        figure, [[result.label, *(words if not result.blank else ("", "", ""))]], proportions_of(result), side=2.7
    )
    photo, heat, seeds, mask = sheet.axes[0]
    draw_photo(photo, result)
    if result.blank:
        for panel in (heat, seeds, mask):
            show_blank(panel, size, result.blank, pixel_aspect=aspect)
        return
    if result.box is not None:
        top, left, bottom, right = result.box
        corner = (left - 0.5, top - 0.5)
        photo.add_patch(Rectangle(corner, right - left, bottom - top, facecolor="none", edgecolor="#e69f00", lw=3))
    show_magnitude(heat, result.magnitude, pixel_aspect=aspect)
    draw_photo(seeds, result, grey=BLACK)
    for seed, colour in ((BACKGROUND, (0.0, 0.45, 0.7)), (FOREGROUND, (0.0, 0.62, 0.45))):
        _tint(seeds, result.seeds == seed, colour, 0.65, aspect)
    draw_photo(mask, result)
    _tint(mask, ~result.mask, (1.0, 1.0, 1.0), 0.8, aspect)
    if min(size) > 1:  # a line of pixels has no contour
        mask.contour(result.mask, [0.5], colors="#d55e00", linewidths=1.5)


def _tint(axes: Axes, where: Array, colour: tuple[float, float, float], strength: float, aspect: float) -> None:
    """Colour over the pixels of the net (h, w) that are marked."""
    show_image(axes, np.dstack([np.broadcast_to(colour, (*where.shape, 3)), strength * where]), pixel_aspect=aspect)


def example() -> Segmentation:
    """Explain a digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return segmentation(load_model("digits"), sample_digit(), high=80)


def applies(model: Model) -> str | None:
    """Return why there is no map to start from; None if there is."""
    return None if "saliency" in explainers(model) else "no saliency map explains this net"


TECHNIQUE = Technique(
    name="segmentation",
    compute=segmentation,
    plot=plot,
    title="Segmentation: the object, cut out by a classifier",
    paper="Simonyan, Vedaldi, Zisserman 2013; Rother et al. 2004",
    example=example,
    chapter="use",
    level=10,
    applies=applies,
)
