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


def zoom(images: Array, rng: Generator, least: float = 0.6, most: float = 1.25) -> Array:
    """Look at a window of each picture, at the picture's old size; what lies beyond the border mirrors it.

    least, most: the window's sides as shares of the picture's; the two sides differ by up to a sixth. Pixels are taken
    as they are, the nearest of each place. As Szegedy et al. 2015 do it, with far smaller windows.
    """
    numbers = all(isinstance(value, (int, float)) for value in (least, most))
    if not numbers or not 0 < least <= most < 2:
        raise SettingError(f"zoom's least and most must be shares with 0 < least <= most < 2, not {least!r}, {most!r}.")
    count, height, width = images.shape[:3]
    shares = rng.uniform(least, most, (count, 1)) * np.column_stack([np.ones(count), rng.uniform(6 / 7, 7 / 6, count)])
    corners = rng.random((count, 2)) * (1 - shares)
    out = np.empty_like(images)
    for image, target, share, corner in zip(images, out, shares, corners, strict=True):
        rows, columns = (
            _mirrored((np.arange(length) + 0.5) / length, its_share, its_corner, length)
            for length, its_share, its_corner in zip((height, width), share, corner, strict=True)
        )
        target[...] = image[rows[:, None], columns]
    return out


def _mirrored(places: Array, share: float, corner: float, length: int) -> Array:
    """Return the pixels 0..length - 1 under places 0..1 of a window; beyond a border they come back from it."""
    pixels = np.floor((places * share + corner) * length).astype(np.intp) % (2 * length)
    return np.minimum(pixels, 2 * length - 1 - pixels)


def tint(images: Array, rng: Generator, contrast: float = 0.25, shift: float = 25.0) -> Array:
    """Change the light of each picture: each channel's contrast by up to a share, and all of it by up to `shift`.

    contrast: 0..1; each channel is multiplied with a number of its own from 1 - contrast to 1 + contrast.
    shift: on the 0..255 scale. Values outside 0..255 are cut off.
    """
    if not isinstance(contrast, (int, float)) or not 0 <= contrast <= 1:
        raise SettingError(f"tint's contrast must be from 0 to 1, but is {contrast!r}.")
    if not isinstance(shift, (int, float)) or not 0 <= shift <= 255:
        raise SettingError(f"tint's shift must be from 0 to 255, but is {shift!r}.")
    count, channels = len(images), images.shape[3:]
    factors = rng.uniform(1 - contrast, 1 + contrast, (count, 1, 1, *channels)).astype(np.float32)
    shifts = rng.uniform(-shift, shift, (count, 1, 1, *(1,) * len(channels))).astype(np.float32)
    return (images * factors + shifts).round().clip(0, 255).astype(np.uint8)


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
