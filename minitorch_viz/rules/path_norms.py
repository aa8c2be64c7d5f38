"""The single derivatives of a normalization, which mixes all the values that it normalizes together.

For n values x with the normalized values h, y_j = w_j h_j + b_j, and the scale s = 1 / sqrt(var + eps),

    d y_j / d x_i  =  w_j s M_ij        M_ij = (i = j) - (1 + h_i h_j) / n

Off the diagonal M is above 0 where h_i h_j < -1: for each i, at all j whose h_j lies beyond -1 / h_i. So with the
values in order, sums over such j are differences of running sums, and no matrix of n x n entries is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.layers import GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm
from minitorch_viz.layers.group_norm import along_channels, in_groups


def of_layer_norm(layer: LayerNorm, dy: Array, saved: LayerNorm.Saved, part: Callable[[Array], Array]) -> Array:
    """Go back through a part of each derivative: dy (K, ..., D) -> dx (K, ..., D)."""
    length = math.prod(layer.normalized_shape)
    vectors = math.prod(dy.shape[1:]) // length  # of an image
    weight = np.ones_like(dy, shape=length) if layer.weight is None else layer.weight.reshape(length)
    normalized = in_groups((saved.x - saved.mean) * saved.scale, vectors)
    scale = saved.scale.reshape(len(saved.x), vectors, 1)
    return _through(normalized, scale, in_groups(dy, vectors), weight, part).reshape(dy.shape)


def of_group_norm(
    layer: GroupNorm | InstanceNorm, dy: Array, saved: GroupNorm.Saved, part: Callable[[Array], Array]
) -> Array:
    """Go back through a part of each derivative: dy (K, C, ...) -> dx (K, C, ...)."""
    groups = saved.mean.shape[1]
    normalized = (in_groups(saved.x, groups) - saved.mean) * saved.scale
    one_image = np.ones_like(dy[:1])
    weight = one_image if layer.weight is None else one_image * along_channels(layer.weight, dy)
    return _through(normalized, saved.scale, in_groups(dy, groups), in_groups(weight, groups), part).reshape(dy.shape)


def of_response_norm(
    layer: LocalResponseNorm, dy: Array, saved: LocalResponseNorm.Saved, part: Callable[[Array], Array]
) -> Array:
    """Go back through a part of each derivative: dy (K, C, H, W) -> dx (K, C, H, W).

    d y_j / d x_i = (i = j) scale_j^-beta - 2 a beta x_i x_j scale_j^(-beta - 1), for the channels i that j looks at.
    """
    a = layer.alpha / layer.size if layer.divide_alpha else layer.alpha
    own, others = saved.scale**-layer.beta, 2 * a * layer.beta * saved.x * saved.scale ** (-layer.beta - 1)
    dx: Array = np.zeros_like(dy)
    channels = dy.shape[1]
    for offset in range(-(layer.size // 2), (layer.size - 1) // 2 + 1):  # channel j looks at channel j + offset
        seen = slice(max(offset, 0), channels + min(offset, 0))
        looking = slice(max(-offset, 0), channels + min(-offset, 0))
        derivative = (0 if offset else own) - saved.x[:, seen] * others[:, looking]
        dx[:, seen] += part(derivative) * dy[:, looking]
    return dx


def _through(h: Array, scale: Array, dy: Array, weight: Array, part: Callable[[Array], Array]) -> Array:
    """Return sum_j part(w_j s M_ij) dy_j; h (N, G, n), scale (N, G, 1), dy (K, G, n), weight (n,) or (1, G, n).

    part: max(d, 0) or |d|; either is multiplied through by a factor above 0, so the sign of w_j is all that matters.
    """
    above, below = _split(h, dy * np.maximum(weight, 0)), _split(h, dy * np.minimum(weight, 0))
    positive, negative = above[0] + below[1], above[1] + below[0]  # sums of the terms above 0, and of those below
    dx: Array = scale * (part(positive) + part(negative))
    return dx


def _split(h: Array, u: Array) -> tuple[Array, Array]:
    """Return sum_j M_ij u_j over the entries of M above 0, and over those below 0; h (N, G, n), u (K, G, n)."""
    n, shape = h.shape[-1], np.broadcast_shapes(h.shape, u.shape)
    order = np.argsort(h, axis=-1)
    ends = np.where(h == 0, np.inf, -1 / np.where(h == 0, 1, h))  # beyond it h_j has h_i h_j < -1
    below = np.broadcast_to(_count_below(h, order, ends), shape)  # how many h_j lie below -1 / h_i
    order = np.broadcast_to(order, shape)
    u = np.broadcast_to(u, shape)
    u_in_order = np.take_along_axis(u, order, -1)
    h_in_order = np.take_along_axis(np.broadcast_to(h, shape), order, -1)
    beyond, everywhere = np.zeros_like(u), np.zeros_like(u)
    for factor, terms in ((np.ones_like(h), u_in_order), (h, u_in_order * h_in_order)):  # of (1 + h_i h_j) u_j
        sums = _running_sums(terms)
        first, total = np.take_along_axis(sums, below, -1), sums[..., -1:]
        beyond = beyond + factor * np.where(h > 0, first, total - first)
        everywhere = everywhere + factor * total
    beyond = np.where(h == 0, 0, beyond)
    own = (1 + h * h) * u
    return u - own / n - beyond / n, (own + beyond - everywhere) / n


def _running_sums(values: Array) -> Array:
    """Return (..., n + 1): the sums of the first 0, 1, ..., n values."""
    start: Any = np.zeros_like(values[..., :1])
    return np.concatenate([start, np.cumsum(values, axis=-1)], axis=-1)


def _count_below(h: Array, order: Array, ends: Array) -> Array:
    """Return for each of `ends` (N, G, n) how many of the values h of its row lie below it."""
    n = h.shape[-1]
    in_order = np.take_along_axis(h, order, -1)
    merged = np.argsort(np.concatenate([in_order, ends], axis=-1), axis=-1, kind="stable")
    passed = np.cumsum(merged < n, axis=-1)
    counts = np.empty_like(passed)
    np.put_along_axis(counts, merged, passed, -1)
    return counts[..., n:]
