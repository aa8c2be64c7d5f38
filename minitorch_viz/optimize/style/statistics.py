"""What a style is: the means of feature maps, and the products of every two of them, over all places alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array

ONE, NONE = (1, 1), (0, 0)  # a filter's size, stride and dilation; its padding


class Statistics(NamedTuple):
    """Hold what is left of maps (C, P) when their places are forgotten. The arrays lie where the maps do."""

    mean: Array  # (C,): of each map over all places
    products: Array  # (C, C): of every two maps, the mean over all places: the Gram matrix over P

    @property
    def covariance(self) -> Array:
        """Return (C, C): the products of the maps about their means."""
        spread: Array = self.products - self.mean[:, None] * self.mean[None]
        return spread


def statistics(maps: Array, guide: Array | None = None) -> Statistics:
    """Return the statistics of maps (C, ...), of P places.

    guide: (P,), how much each place counts, at least 0; None: all alike. A guide of ones is none (Gatys et al. 2017).
    """
    flat = maps.reshape(len(maps), -1)
    mean = flat.mean(axis=1) if guide is None else (flat @ guide) / guide.sum()
    return Statistics(mean, mean_products(maps, guide))


def mean_products(maps: Array, guide: Array | None = None) -> Array:
    """Return the products (C, C) of every two of the maps (C, ...), their mean over all P places.

    They are the derivative of a convolution with filters of one pixel by its weights, and are computed as such: by the
    engine's own threads, to the same bits however many there are.
    """
    x = as_picture(maps)
    if guide is None:
        weighed, total = x, x[0, 0].size
    else:
        weighed, total = x * guide.reshape(x.shape[2:]), guide.sum()
    products: Array = kernels.conv2d_dw(weighed, x, ONE, ONE, NONE, ONE, 1)[:, :, 0, 0] / total
    return products


def mixed(weights: Array, maps: Array) -> Array:
    """Return weights (C, C) @ maps (C, ...): a convolution with filters of one pixel."""
    y: Array = kernels.conv2d(as_picture(maps), weights[:, :, None, None], None, ONE, NONE, ONE, 1)
    return y.reshape(maps.shape)


def as_picture(maps: Array) -> Array:
    """Return maps (C, ...) as (1, C, H, W)."""
    return maps.reshape(1, len(maps), -1, maps.shape[-1])


def doubled(part: Statistics) -> Statistics:
    """Return statistics in float64, in main memory: small roots of eigenvalues are lost in less."""
    return Statistics(*(np.asarray(kernels.to_cpu(array), np.float64) for array in part))


def mixture(parts: Sequence[Statistics], shares: Sequence[float]) -> Statistics:
    """Return the statistics of several pictures as if they were one, each with its share of the places."""
    total = sum(shares)
    means = [part.mean * (share / total) for part, share in zip(parts, shares, strict=True)]
    products = [part.products * (share / total) for part, share in zip(parts, shares, strict=True)]
    return Statistics(sum(means[1:], means[0]), sum(products[1:], products[0]))
