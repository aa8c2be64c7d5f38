"""A photo as the net sees it, and as it should be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.techniques.options import Images

if TYPE_CHECKING:
    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class View:
    """What goes into the net, and the picture to draw maps beside.

    Given to a technique in place of the photo it is not read and resized again.
    """

    x: Array  # (1, C, h, w) float32: the net's input
    picture: Array  # (h, w, 3) uint8: the same pixels as a person sees them
    pixel_aspect: float  # a pixel's height over its width when the photo's proportions are restored
    photo: Array  # (H, W, 3) uint8: all of it
    reader: tuple[Any, ...]  # how it became x

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        """The photo, for whatever takes an array and knows nothing of views."""
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
    return View(x, model.restore(x), pixel_aspect, photo, reader)


def several(image: Images, most: int) -> list[Any]:
    """One image or a list of them as a list; SettingError unless there are 1 to `most`."""
    images = list(image) if isinstance(image, (list, tuple)) else [image]
    if not 1 <= len(images) <= most:
        raise SettingError(f"Give one image, or a list of 1 to {most}; this is a list of {len(images)}.")
    return images
