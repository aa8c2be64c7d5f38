"""Plane figures as masks: which points (u, v) of a grid lie inside; u grows to the right, v grows downwards."""

from __future__ import annotations

import math

import numpy as np

from minitorch_viz._types import Array

Point = tuple[float, float]


def grid(radius: float, angle: float, mirrored: bool) -> tuple[Array, Array]:
    """Return coordinates (u, v), float32 each, of the pixels around an object turned clockwise by `angle` (radians).

    The square -1..1 is `2 * radius` pixels wide; the grid has room for its turned corners.
    """
    half = int(radius * (abs(math.cos(angle)) + abs(math.sin(angle)))) + 1
    steps = (np.arange(-half, half + 1) / radius).astype(np.float32)
    x, y = steps * math.cos(angle), steps * math.sin(angle)
    u, v = x[None, :] + y[:, None], x[:, None] - y[None, :]
    return (-u if mirrored else u), v


def disc(u: Array, v: Array, radius: float, at: Point = (0, 0), tall: float = 1) -> Array:
    """Return a disc around `at`, or an ellipse `tall` times as high as wide."""
    x, y = u - at[0], (v - at[1]) * (1 / tall)
    return x * x + y * y <= radius * radius


def box(u: Array, v: Array, left: float, top: float, right: float, bottom: float) -> Array:
    """Return an upright rectangle."""
    in_columns = abs(u - (left + right) / 2) <= (right - left) / 2
    return in_columns & (abs(v - (top + bottom) / 2) <= (bottom - top) / 2)


def polygon(u: Array, v: Array, *corners: Point) -> Array:
    """Return a convex polygon; its corners in clockwise order on the picture."""
    mask: Array | None = None
    for (x, y), (x2, y2) in zip(corners, (*corners[1:], corners[0]), strict=True):
        right_of = (x2 - x) * v - (y2 - y) * u >= (x2 - x) * y - (y2 - y) * x
        mask = right_of if mask is None else mask & right_of
    assert mask is not None
    return mask


def star(u: Array, v: Array, radius: float) -> Array:
    """Return a five-pointed star: the points on the inner side of at least four of a pentagram's five lines."""
    count = np.zeros(u.shape, np.int8)
    reach = radius * math.cos(math.radians(72))
    for turn in range(5):
        direction = math.radians(90 + 72 * turn)
        count += u * math.cos(direction) + v * math.sin(direction) <= reach
    return count >= 4


def heart(u: Array, v: Array) -> Array:
    """Return where (x^2 + y^2 - 1)^3 <= x^2 y^3, the well-known heart curve, brought into -1..1."""
    x, y = u * 1.2, 0.12 - v * 1.18
    inner = x * x + y * y - 1
    return inner * inner * inner <= x * x * y * y * y
