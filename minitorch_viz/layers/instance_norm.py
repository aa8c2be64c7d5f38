"""Instance normalization: each map of each image by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_field, expect_floats, same_batch
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.layers.group_norm import along_channels, in_groups, normalized, normalized_backward
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class InstanceNorm(Layer):
    """Give every map of an image mean 0 and variance 1, then each channel a learned scale and shift.

    x (N, C, ...) -> y of the same shape, y = weight * (x - mean) / sqrt(var + eps) + bias, with mean and variance of
    all places of a channel. It takes the contrast out of an image, and with it much of its style: nets that paint use
    it. PyTorch's InstanceNorm1d to 3d without running statistics.

    weight, bias (C,) or None. Raises ShapeError if x has other channels or no axis of places.
    Ulyanov, Vedaldi and Lempitsky 2016.
    """

    weight: Array | None = None
    bias: Array | None = None
    eps: NumberField = NumberField(1e-5, least=0)

    kind: ClassVar[Kind] = Kind.SCALES
    param_names: ClassVar[tuple[str, ...]] = ("weight", "bias")

    class Saved(NamedTuple):
        x: Array  # (N, C, ...): the input
        mean: Array  # (N, C, 1): of each map
        scale: Array  # (N, C, 1): 1 / sqrt(var + eps)

    def __post_init__(self) -> None:
        for name in self.params:
            expect_field(self, name, "C")

    def forward(self, x: Array) -> tuple[Array, Saved]:
        self._check(x)
        y, mean, scale = normalized(x, x.shape[1], self.eps)
        y = y if self.weight is None else y * along_channels(self.weight, x)
        return (y if self.bias is None else y + along_channels(self.bias, x)), self.Saved(x, mean, scale)

    def backward(self, dy: Array, saved: Saved) -> Array:
        dy = dy if self.weight is None else dy * along_channels(self.weight, dy)
        return normalized_backward(dy, saved.x, saved.mean, saved.scale)

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        dy, x = same_batch(dy, saved.x)
        y = ((in_groups(x, x.shape[1]) - saved.mean) * saved.scale).reshape(x.shape)
        products = {"weight": dy * y, "bias": dy}
        others = (0, *range(2, x.ndim))
        return {name: products[name].sum(axis=others) for name in self.params}

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], weight: bool = True, bias: bool = True, eps: float = 1e-5) -> Example:
            w, b = (rng.standard_normal(shape[1]) if given else None for given in (weight, bias))
            return cls(w, b, eps), (2 + 3 * rng.standard_normal(shape),)

        return [
            case((2, 3, 4, 2)),
            case((1, 2, 3, 3)),
            case((2, 2, 5), weight=False, bias=False),  # sequences with the channels first
            case((1, 4, 2, 3), bias=False),
            case((3, 1, 2, 2), eps=0.1),
            case((2, 3, 3, 2), weight=False),
        ]

    def _check(self, x: Array) -> None:
        expect_floats(self, x)
        if x.ndim < 3:
            raise ShapeError(f"InstanceNorm needs x (N, C, ...) with places to average, but x has {tuple(x.shape)}.")
        for name, value in self.params.items():
            if len(value) != x.shape[1]:
                raise ShapeError(
                    f"InstanceNorm's {name} is for {len(value)} channels, but x has shape {tuple(x.shape)}."
                )
