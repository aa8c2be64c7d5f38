"""Group normalization: the channels of an image share mean and variance in groups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_field, expect_floats, same_batch
from minitorch_viz.layers.fields import NumberField, WholeField
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.layer_norm import normalized_backward, statistics


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
        groups = self._groups(x)
        mean, scale = statistics(groups, (2,), self.eps)
        y = ((groups - mean) * scale).reshape(x.shape)
        y = y if self.weight is None else y * along_channels(self.weight, x)
        return (y if self.bias is None else y + along_channels(self.bias, x)), self.Saved(x, mean, scale)

    def backward(self, dy: Array, saved: Saved) -> Array:
        dy = dy if self.weight is None else dy * along_channels(self.weight, dy)
        dx = normalized_backward(self._groups(dy), self._groups(saved.x), saved.mean, saved.scale, (2,))
        return dx.reshape(dy.shape)

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        dy, x = same_batch(dy, saved.x)
        normalized = ((self._groups(x) - saved.mean) * saved.scale).reshape(x.shape)
        products = {"weight": dy * normalized, "bias": dy}
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

    def _groups(self, x: Array) -> Array:
        """Return x (N, C, ...) as (N, G, values of a group)."""
        return x.reshape(len(x), self.num_groups, math.prod(x.shape[1:]) // self.num_groups)  # not -1: it may be empty

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


def along_channels(values: Array, x: Array) -> Array:
    """Return the values (C,) in the shape in which they multiply x (N, C, ...)."""
    return values.reshape(-1, *[1] * (x.ndim - 2))
