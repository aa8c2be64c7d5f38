"""Maps that have nothing of the net in them: what every method must beat."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.techniques.explain.view import view

if TYPE_CHECKING:
    from minitorch_viz.models import Model


def random_map(model: Model, image: Array, target: int) -> Array:
    """Return (h, w) uniform noise 0..1, drawn anew for each picture, class and set of weights, and repeatable."""
    viewed = view(model, image)
    seed = zlib.crc32(viewed.picture.tobytes())
    for name, value in sorted(model.net.params.items()):
        seed = zlib.crc32(kernels.to_cpu(value).tobytes(), zlib.crc32(name.encode(), seed))
    return np.random.default_rng([seed, target]).random(viewed.x.shape[2:])


def centre_map(model: Model, image: Array, target: int) -> Array:  # noqa: ARG001 (it uses neither picture nor class)
    """Return (h, w) a Gaussian in the middle, as photographers aim; its standard deviation is a quarter of a side."""
    height, width = view(model, image).x.shape[2:]
    vertical, horizontal = (np.exp(-0.5 * (np.linspace(-1, 1, side) / 0.5) ** 2) for side in (height, width))
    centred: Array = np.outer(vertical, horizontal)
    return centred


def edge_map(model: Model, image: Array, target: int) -> Array:  # noqa: ARG001 (it uses the picture alone)
    """Return (h, w) edges of the picture by Sobel's operator, the largest over the colour channels.

    Adebayo et al. 2018 compare with an edge detector, since guided backpropagation draws much the same.
    """
    from skimage.filters import sobel

    picture = view(model, image).picture / 255
    edges: Array = np.max([sobel(channel) for channel in picture.transpose(2, 0, 1)], axis=0)
    return edges
