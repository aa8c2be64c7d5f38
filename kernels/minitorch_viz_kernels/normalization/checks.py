"""What goes into a normalization."""

from __future__ import annotations

from minitorch_viz_kernels.contract import Array
from minitorch_viz_kernels.machine.checks import axes, needs_shape, whole


def lrn(x: Array, size: int) -> int:
    axes("lrn", "N, C, H, W", x=x)
    return whole("lrn", "size", size)


def lrn_dx(dy: Array, x: Array, scale: Array, size: int) -> int:
    axes("lrn_dx", "N, C, H, W", dy=dy, x=x, scale=scale)
    needs_shape("lrn_dx", "x", x.shape, dy.shape, (1, *dy.shape[1:]))
    needs_shape("lrn_dx", "scale", scale.shape, x.shape)
    return whole("lrn_dx", "size", size)


def batch_norm(x: Array, **of_channels: Array) -> None:
    axes("batch_norm", "N, C, H, W", x=x)
    if not len(x):
        raise ValueError(f"batch_norm: x has shape {x.shape}; an empty batch has no mean.")
    for name, array in of_channels.items():
        needs_shape("batch_norm", name, array.shape, x.shape[1:2])


def batch_norm_dx(dy: Array, x: Array, **of_channels: Array) -> None:
    axes("batch_norm_dx", "N, C, H, W", x=x)
    needs_shape("batch_norm_dx", "dy", dy.shape, x.shape)
    for name, array in of_channels.items():
        needs_shape("batch_norm_dx", name, array.shape, x.shape[1:2])


def layer_norm(x: Array, **of_features: Array) -> None:
    axes("layer_norm", "N, D", x=x)
    for name, array in of_features.items():
        needs_shape("layer_norm", name, array.shape, x.shape[1:])


def layer_norm_dx(dy: Array, x: Array, mean: Array, scale: Array, w: Array) -> None:
    axes("layer_norm_dx", "N, T, D", dy=dy, x=x)
    needs_shape("layer_norm_dx", "x", x.shape, dy.shape, (1, *dy.shape[1:]))
    needs_shape("layer_norm_dx", "mean", mean.shape, x.shape[:2])
    needs_shape("layer_norm_dx", "scale", scale.shape, x.shape[:2])
    needs_shape("layer_norm_dx", "w", w.shape, dy.shape[2:])
