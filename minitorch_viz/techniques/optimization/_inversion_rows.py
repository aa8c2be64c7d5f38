"""The rows of an inversion's page: which code is inverted, and from which start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.models.hog import hog_model
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.optimization._inversion_nodes import chosen_nodes

if TYPE_CHECKING:
    from minitorch_viz.models import Model

HOG_SIDE = 128  # pixels
HOG_NODES = "gradient,orientations,cells"


@dataclass(frozen=True, eq=False)
class Row:
    """Hold what is inverted."""

    node: str
    begins: str = ""  # with what, in words; "" is noise
    start: Array | None = None  # (1, C, H, W), pixel - mean; None is noise
    stretched: bool = False  # whether it is shown with the photo's brightness and contrast, which its code lacks


def rows_of(model: Model, nodes: str | None) -> tuple[Row, ...]:
    """Return a row for each node, from noise."""
    return tuple(Row(name) for name in chosen_nodes(model, nodes))


def hog_of(size: int | None, model: Model) -> Model:
    """Return HOG for pictures of a size, in the precision and on the device of another model."""
    side = HOG_SIDE if size is None else size
    return hog_model((side, side), model.dtype).to(model.net.device)


def hog_rows(model: Model, nodes: str | None, photo: Array) -> tuple[Row, ...]:
    """Return the rows of HOG: its steps from noise, and HOG itself from the negative and from another photo."""
    early = tuple(Row(name, stretched=True) for name in chosen_nodes(model, HOG_NODES if nodes is None else nodes))
    if nodes is not None:
        return early
    other = Units.of(model.reader()).from_net(kernels.to_cpu(model.preprocess(_other_photo())))
    return (
        *early,
        Row("hog", stretched=True),
        Row("hog", "from the negative", -photo, stretched=True),
        Row("hog", "from another photo", other, stretched=True),
    )


def _other_photo() -> Array:
    """Return a picture (H, W, 3) uint8 that is unlike most photos: a cup of coffee; where it is missing, a scene."""
    try:
        from skimage import data

        photo: Array = data.coffee()
    except (ImportError, OSError):
        from minitorch_viz.models.samples import sample_scene

        photo = sample_scene().image
    return photo
