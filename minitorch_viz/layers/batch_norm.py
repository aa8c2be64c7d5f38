"""Batch normalization, and how it disappears into the convolution before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator
from minitorch_viz.boxes import Boxes
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_axes, expect_field, same_batch
from minitorch_viz.layers.conv import Conv2d
from minitorch_viz.layers.fields import NumberField
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.linear import Linear


@dataclass(frozen=True, eq=False, repr=False)
class BatchNorm2d(Layer):
    """Give every channel mean 0 and variance 1, then a learned scale and shift.

    x (N, C, H, W) -> y (N, C, H, W), y = weight * (x - mean) / sqrt(var + eps) + bias.

    `forward(x)` uses running_mean and running_var, which are constants: the layer is a scale and a shift.
    `forward(x, rng=rng)` is training: mean and variance are those of this batch, and the backward pass runs through
    them too. Nothing is random here; giving rng is how a layer is told that it trains. A layer never changes, so
    `with_running_stats(saved)` returns the one whose running statistics have moved by `momentum` towards the batch's.

    weight, bias (C,) or None; running_mean, running_var (C,); eps, momentum as in PyTorch.
    Raises ShapeError if x has other channels, or if a training batch has only one value a channel.
    Ioffe and Szegedy 2015.
    """

    weight: Array | None
    bias: Array | None
    running_mean: Array
    running_var: Array
    eps: NumberField = NumberField(1e-5, least=0)
    momentum: NumberField = NumberField(0.1, least=0, most=1)

    kind: ClassVar[Kind] = Kind.SCALES
    param_names: ClassVar[tuple[str, ...]] = ("weight", "bias")
    buffer_names: ClassVar[tuple[str, ...]] = ("running_mean", "running_var")
    uses_rng: ClassVar[bool] = True
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        x: Array  # (N, C, H, W): the input
        mean: Array  # (C,): the mean that was subtracted
        var: Array  # (C,): the variance that was divided by (that of the batch is divided by n, not n - 1)
        values: int  # how many values a channel mean and var were computed from; 0 if they are the running ones

    def __post_init__(self) -> None:
        expect_field(self, "running_mean", "C")
        for name in self.state:
            expect_field(self, name, len(self.running_mean))

    def forward(self, x: Array, rng: Generator | None = None) -> tuple[Array, Saved]:
        self._check(x, training=rng is not None)
        if rng is not None:  # training: mean and variance of this batch
            y, mean, var = kernels.batch_norm(x, self._weight, self._bias, self.eps)
            return y, self.Saved(x, mean, var, x.size // x.shape[1])
        mean, var = self.running_mean, self.running_var
        y = x - _per_channel(mean)
        y *= _per_channel(self._weight / np.sqrt(var + self.eps))
        y += _per_channel(self._bias)
        return y, self.Saved(x, mean, var, 0)

    def backward(self, dy: Array, saved: Saved) -> Array:
        if not saved.values:
            return dy * _per_channel(self._weight / np.sqrt(saved.var + self.eps))
        # Training: one pixel moves the mean and the variance, and through them every other pixel. The part of dy
        # that a shift (its mean) or a stretch (its part along the normalized input) of the whole batch would cause
        # has no effect on the output, so it is taken out. Seeds on a tape of one image are not a batch: one mean each.
        if len(saved.x) == len(dy):
            return self._gradients(dy, saved)[0]
        dxs = [self._gradients(dy[k : k + 1], saved)[0] for k in range(len(dy))]
        dx: Array = kernels.array_module(dy).concatenate(dxs)
        return dx

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        dy, _ = same_batch(dy, saved.x)
        return self._gradients(dy, saved)[1]

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], weight: bool = True, bias: bool = True, **settings: float) -> Example:
            c = shape[1]
            layer = cls(
                rng.standard_normal(c) if weight else None,
                rng.standard_normal(c) if bias else None,
                running_mean=rng.standard_normal(c),
                running_var=rng.uniform(0.5, 2, c),
                **settings,
            )
            return layer, (2 + 3 * rng.standard_normal(shape),)

        return [
            case((2, 3, 4, 5)),
            case((4, 2, 2, 1)),
            case((1, 2, 3, 3)),  # one image: the statistics of its pixels
            case((2, 4, 3, 2), weight=False, bias=False),
            case((3, 1, 2, 2), bias=False, eps=0.1),
            case((2, 2, 1, 4), momentum=0.5),
        ]

    def backward_and_grads(self, dy: Array, saved: Saved) -> tuple[Array, dict[str, Array]]:
        """Return both at once: in training, the sums for the parameters are those that `backward` takes out."""
        if not saved.values or len(saved.x) != len(dy):
            return super().backward_and_grads(dy, saved)
        return self._gradients(dy, saved)

    @classmethod
    def fresh(cls, channels: int) -> Self:
        """Return an untrained layer: weight 1, bias 0, running mean 0 and variance 1, float32."""
        ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
        return cls(ones, zeros, running_mean=zeros, running_var=ones)

    def crop(self, saved: Saved, x: Boxes, y: Boxes) -> Any:
        """Return None for a training pass, whose statistics tie all pixels together."""
        return None if saved.values else super().crop(saved, x, y)

    def trained(self, saved: Saved) -> Self:
        return self.with_running_stats(saved) if saved.values else self

    def with_running_stats(self, saved: Saved) -> Self:
        """Return the layer with running statistics moved by `momentum` towards those of a training batch."""
        if not saved.values:
            raise SettingError(
                "This pass used the running statistics, so there are none of a batch; run forward(x, rng=rng) first."
            )
        var = saved.var * (saved.values / (saved.values - 1))  # the unbiased one, as PyTorch keeps it
        return self.replace(
            running_mean=(1 - self.momentum) * self.running_mean + self.momentum * saved.mean,
            running_var=(1 - self.momentum) * self.running_var + self.momentum * var,
        )

    @property
    def _weight(self) -> Array:
        return np.ones_like(self.running_mean) if self.weight is None else self.weight

    @property
    def _bias(self) -> Array:
        return np.zeros_like(self.running_mean) if self.bias is None else self.bias

    def _gradients(self, dy: Array, saved: Saved) -> tuple[Array, dict[str, Array]]:
        """Return the gradients of the input (in training) and of the parameters."""
        dx, weight, bias = kernels.batch_norm_dx(dy, saved.x, saved.mean, saved.var, self._weight, self.eps)
        return dx, {name: grad for name, grad in (("weight", weight), ("bias", bias)) if name in self.params}

    def _check(self, x: Array, training: bool) -> None:
        expect_axes(self, x, "N, C, H, W")
        channels = len(self.running_mean)
        if x.shape[1] != channels:
            raise ShapeError(f"BatchNorm2d has {channels} channels, but x has shape {x.shape}.")
        if training and x.size // channels < 2:
            raise ShapeError(f"One value a channel has no variance to train with, but x has shape {x.shape}.")


Affine = TypeVar("Affine", Conv2d, Linear)


def fold_batch_norm(layer: Affine, norm: BatchNorm2d) -> Affine:
    """Return the one Conv2d (or Linear) that does what `layer` followed by a trained `norm` does.

    With running statistics batch normalization is y = scale * x + shift for each channel; a convolution before it can
    do that itself: weight * scale, bias * scale + shift. Faster, and attribution rules get one layer instead of two.

    Raises SettingError for other layers, ShapeError if the channels do not fit.
    """
    if not isinstance(layer, (Conv2d, Linear)):
        raise SettingError(
            f"A BatchNorm2d folds into a Conv2d or a Linear before it, not into a {type(layer).__name__}."
        )
    if layer.weight.shape[0] != len(norm.running_mean):
        raise ShapeError(f"{layer!r} has other output channels than {norm!r}; fold the norm that follows it.")
    scale = 1 / np.sqrt(norm.running_var + norm.eps)
    if norm.weight is not None:
        scale = scale * norm.weight
    shift = -norm.running_mean * scale
    if norm.bias is not None:
        shift = shift + norm.bias
    bias = shift if layer.bias is None else layer.bias * scale + shift
    return layer.replace(weight=layer.weight * scale.reshape(-1, *[1] * (layer.weight.ndim - 1)), bias=bias)


def folded(layer: Layer, norm: Layer) -> Layer | None:
    """Return the one convolution that two layers in a row make; None unless they are a Conv2d and a BatchNorm2d."""
    if isinstance(layer, Conv2d) and isinstance(norm, BatchNorm2d):
        return fold_batch_norm(layer, norm)
    return None


def _per_channel(channel_values: Array) -> Array:
    """Reshape one value a channel, (C,) -> (C, 1, 1), for arithmetic with (N, C, H, W)."""
    return channel_values[:, None, None]
