"""Group normalization: the channels of an image share mean and variance in groups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_field, expect_floats, same_batch
from minitorch_viz.layers.fields import NumberField, WholeField
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class GroupNorm(Layer):
    """Give every group of channels of an image mean 0 and variance 1, then each channel a learned scale and shift.

    x (N, C, ...) -> y of the same shape, y = weight * (x - mean) / sqrt(var + eps) + bias, with mean and variance of
    all values of the C / num_groups channels of a group. With one group it normalizes the whole image.

    weight, bias (C,) or None. Raises ShapeError if the groups do not divide the channels of x. Wu and He 2018.
    """

    num_groups: WholeField = WholeField(least=1)
    weight: Array | None = None
    bias: Array | None = None
    eps: NumberField = NumberField(1e-5, least=0)

    kind: ClassVar[Kind] = Kind.SCALES
    param_names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    class Saved(NamedTuple):
        x: Array  # (N, C, ...): the input
        mean: Array  # (N, G, 1): of each group
        scale: Array  # (N, G, 1): 1 / sqrt(var + eps)

    def __post_init__(self) -> None:
        for name in self.params:
            expect_field(self, name, "C")

    def forward(self, x: Array) -> tuple[Array, Saved]:
        self._check(x)
        y, mean, scale = normalized(x, self.num_groups, self.eps)
        y = y if self.weight is None else y * along_channels(self.weight, x)
        return (y if self.bias is None else y + along_channels(self.bias, x)), self.Saved(x, mean, scale)

    def backward(self, dy: Array, saved: Saved) -> Array:
        dy = dy if self.weight is None else dy * along_channels(self.weight, dy)
        return normalized_backward(dy, saved.x, saved.mean, saved.scale)

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        dy, x = same_batch(dy, saved.x)
        y = ((in_groups(x, self.num_groups) - saved.mean) * saved.scale).reshape(x.shape)
        products = {"weight": dy * y, "bias": dy}
        others = (0, *range(2, x.ndim))
        return {name: products[name].sum(axis=others) for name in self.params}

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], groups: int, weight: bool = True, bias: bool = True) -> Example:
            w, b = (rng.standard_normal(shape[1]) if given else None for given in (weight, bias))
            return cls(groups, w, b), (2 + 3 * rng.standard_normal(shape),)

        return [
            case((2, 4, 3, 2), 2),
            case((1, 3, 2, 2), 1),  # the whole image
            case((2, 3, 2, 3), 3, bias=False),  # each channel by itself
            case((2, 6), 2),
            case((1, 4, 5), 2, weight=False, bias=False),
            case((3, 4, 2, 1), 1),
        ]

    def _check(self, x: Array) -> None:
        expect_floats(self, x)
        channels = x.shape[1] if x.ndim > 1 else 0
        if channels == 0 or channels % self.num_groups:
            raise ShapeError(
                f"GroupNorm needs x (N, C, ...) whose channels fall into {self.num_groups} groups, "
                f"but x has shape {tuple(x.shape)}."
            )
        for name, value in self.params.items():
            if len(value) != channels:
                raise ShapeError(f"GroupNorm's {name} is for {len(value)} channels, but x has shape {tuple(x.shape)}.")


def normalized(x: Array, groups: int, eps: float) -> tuple[Array, Array, Array]:
    """Give each of an image's groups mean 0 and variance 1: x (N, C, ...) -> y, and mean and scale (N, G, 1)."""
    rows = in_groups(x, groups).reshape(len(x) * groups, math.prod(x.shape[1:]) // groups)
    weight, bias = (np.full_like(x, value, shape=rows.shape[1]) for value in (1, 0))
    y, mean, scale = kernels.layer_norm(rows, weight, bias, eps)
    return y.reshape(x.shape), mean.reshape(len(x), groups, 1), scale.reshape(len(x), groups, 1)


def normalized_backward(dy: Array, x: Array, mean: Array, scale: Array) -> Array:
    """Carry a gradient back through `normalized`, through mean and scale too: dy (K, C, ...) -> dx (K, C, ...).

    A shift of all values of a group, or a stretch, changes nothing in the output. So the part of dy that would cause
    one is taken out: its mean, and its part along the normalized values.
    """
    groups = mean.shape[1]
    gradients, values = in_groups(dy, groups), in_groups(x, groups)
    weight = np.ones_like(dy, shape=gradients.shape[2])
    return kernels.layer_norm_dx(gradients, values, mean[:, :, 0], scale[:, :, 0], weight).reshape(dy.shape)


def in_groups(x: Array, groups: int) -> Array:
    """Return x (N, C, ...) as (N, G, values of a group)."""
    return x.reshape(len(x), groups, math.prod(x.shape[1:]) // groups)  # not -1, which an empty batch leaves open


def along_channels(values: Array, x: Array) -> Array:
    """Return the values (C,) in the shape in which they multiply x (N, C, ...)."""
    return values.reshape(-1, *[1] * (x.ndim - 2))
