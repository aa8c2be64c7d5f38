"""Pictures of a folder or a data set as x = pixel - mean, at the size of the picture that is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import DataFileError, ImageFileError
from minitorch_viz.io.images import center_crop, resize_image
from minitorch_viz.models.readers.preprocessing import LUMA
from minitorch_viz.optimize.units import Units


def as_x(pixels: Array, units: Units, size: Pair) -> Array:
    """Return x (C, H, W) float32 of a picture (h, w, 3) or (h, w) uint8: its largest middle part of these proportions.

    One channel is the luminance; of channel counts other than 1 and 3 each is.
    """
    pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    share = min(pixels.shape[0] / size[0], pixels.shape[1] / size[1])
    part = center_crop(pixels, (max(1, int(share * size[0])), max(1, int(share * size[1]))))
    values = resize_image(part, size).astype(np.float32)
    if units.channels != 3:
        values = np.repeat((values @ np.array(LUMA, np.float32))[..., None], units.channels, axis=2)
    return units.picture(values.transpose(2, 0, 1))


def read_pictures(source: Any, units: Units, size: Pair, numbers: Iterable[int] | None = None) -> Iterator[Array]:
    """Yield x (C, H, W) of each picture of a folder or data set, read one at a time; broken ones are left out.

    numbers: which ones; None is all. Raises DataFileError if there is no such folder, or every picture is broken.
    """
    pictures, count = as_pictures(source), 0
    for number in range(len(pictures)) if numbers is None else numbers:
        try:
            pixels = pictures[number]
        except ImageFileError:
            continue
        count += 1
        yield as_x(pixels, units, size)
    if not count:
        raise DataFileError(f"None of the pictures of {pictures.name} can be read; give a folder with pictures.")
