"""Augmentation: each picture a little different every time, so that a net learns what does not matter.

Each function takes a batch (N, H, W) or (N, H, W, 3) and a random generator and returns a new batch of the same shape
and dtype. Settings are bound with `functools.partial(crop, padding=2)`.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError, need_whole


def flip(images: Array, rng: Generator, share: float = 0.5) -> Array:
    """Mirror each picture left to right with the probability `share`, 0..1."""
    if not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise SettingError(f"flip's share must be from 0 to 1, but is {share!r}.")
    mask = rng.random(len(images)) < share
    out = images.copy()
    out[mask] = images[mask, :, ::-1]
    return out


def crop(images: Array, rng: Generator, padding: int = 4) -> Array:
    """Move each picture by up to `padding` pixels each way, at its old size; what comes in mirrors the border.

    As for CIFAR-10 in He et al. 2015 (which pads with zeros): pad, then cut out a random window.
    """
    need_whole("padding of crop", padding, 0, min(images.shape[1:3]) - 1)
    if padding == 0:
        return images.copy()
    sides = ((0, 0), (padding, padding), (padding, padding), *[(0, 0)] * (images.ndim - 3))
    padded = np.pad(images, sides, mode="reflect")
    height, width = images.shape[1:3]
    corners = rng.integers(0, 2 * padding + 1, (len(images), 2))
    return np.stack([image[y : y + height, x : x + width] for image, (y, x) in zip(padded, corners, strict=True)])


def cutout(images: Array, rng: Generator, size: int = 8, fill: int = 128) -> Array:
    """Paint a square of `size` pixels, wholly inside, over each picture with the grey `fill`, 0..255.

    After DeVries and Taylor 2017, "Improved regularization of convolutional neural networks with cutout", who let the
    square hang over the border; here its area is always the same.
    """
    height, width = images.shape[1:3]
    need_whole("size of cutout", size, 1, min(height, width))
    need_whole("fill of cutout", fill, 0, 255)
    out = images.copy()
    tops = rng.integers(0, height - size + 1, len(images))
    lefts = rng.integers(0, width - size + 1, len(images))
    for image, top, left in zip(out, tops, lefts, strict=True):
        image[top : top + size, left : left + size] = fill
    return out
