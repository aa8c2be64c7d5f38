"""The photo's own colours: the painting recoloured before, or the photo's colours put back after (Gatys et al. 2016).

Pictures here are pixels (H, W, 3).
Paper: Gatys, Bethge, Hertzmann, Shechtman 2016, "Preserving color in neural artistic style transfer".
"""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array

# From RGB to luminance and two colour differences (YIQ, NTSC 1953).
TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
SMALL = 1e-3  # of a variance, in steps of 0..255 squared: a picture of one colour has none


def recoloured(painting: Array, photo: Array) -> Array:
    """Return the painting (h, w, 3) uint8 with the mean and the covariance of the photo's colours.

    Each colour moves by the one linear map that brings the covariance over and moves colours least: no axis is turned.
    """
    colours, goal = (pixels.reshape(-1, 3).astype(float) for pixels in (painting, photo))
    old, new = (np.cov(values.T) + SMALL * np.eye(3) for values in (colours, goal))
    root, back = _power(old, 0.5), _power(old, -0.5)
    shift = back @ _power(root @ new @ root, 0.5) @ back
    moved = (colours - colours.mean(axis=0)) @ shift + goal.mean(axis=0)
    pixels: Array = np.clip(np.round(moved), 0, 255).astype(np.uint8).reshape(painting.shape)
    return pixels


def luminance_of(painted: Array, photo: Array) -> Array:
    """Return (h, w, 3) uint8: how bright each pixel of `painted` is, in the photo's colours; both are of one size.

    What would leave 0..255 is drawn towards grey, so that the brightness stays.
    """
    yiq = photo.reshape(-1, 3) @ TO_YIQ.T
    yiq[:, 0] = painted.reshape(-1, 3) @ TO_YIQ[0]
    rgb = yiq @ np.linalg.inv(TO_YIQ).T
    grey = yiq[:, :1]
    offset = rgb - grey
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(offset > 0, (255 - grey) / offset, np.where(offset < 0, -grey / offset, 1.0))
    share = np.clip(room.min(axis=1, keepdims=True), 0, 1)
    pixels: Array = np.clip(np.round(grey + share * offset), 0, 255).astype(np.uint8).reshape(photo.shape)
    return pixels


def _power(matrix: Array, exponent: float) -> Array:
    """Return a power of a symmetric matrix with eigenvalues above 0."""
    values, vectors = np.linalg.eigh(matrix)
    power: Array = (vectors * np.maximum(values, 1e-12) ** exponent) @ vectors.T
    return power
