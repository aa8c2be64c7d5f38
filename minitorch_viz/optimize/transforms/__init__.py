"""Transforms: how a picture is moved before the net looks at it, drawn anew in each step, one file each.

What only one alignment of pixels excites is no picture of the unit: a transform takes it away. A transform is drawn
(`draw(rng, size)`), which gives a linear map with its adjoint. The folder is the registry.

    jitter   roll by some pixels          pad     a border of the mean colour
    scale    zoom about the middle        crop    a random part, as large as the whole
    rotate   turn about the middle        resize  to the size that the net takes
    noise    added, another each step     placed  where one unit looks
    window   some of its pixels           composed  one after another
"""

from __future__ import annotations

import functools
import sys

from minitorch_viz.optimize.listing import classes_of
from minitorch_viz.optimize.transforms.base import Transform
from minitorch_viz.optimize.transforms.composed import Composed
from minitorch_viz.optimize.transforms.crop import Crop
from minitorch_viz.optimize.transforms.jitter import Jitter
from minitorch_viz.optimize.transforms.noise import Noise
from minitorch_viz.optimize.transforms.pad import Pad
from minitorch_viz.optimize.transforms.placed import Placed
from minitorch_viz.optimize.transforms.resize import Resize
from minitorch_viz.optimize.transforms.rotate import Rotate
from minitorch_viz.optimize.transforms.scale import Scale
from minitorch_viz.optimize.transforms.window import Window

__all__ = [
    "Composed",
    "Crop",
    "Jitter",
    "Noise",
    "Pad",
    "Placed",
    "Resize",
    "Rotate",
    "Scale",
    "Transform",
    "Window",
    "transforms",
]


@functools.cache
def transforms() -> dict[str, type[Transform]]:
    """Return every transform by the name of its file: {"jitter": Jitter, ...}."""
    return classes_of(sys.modules[__name__], Transform)
