"""What LRP's rules share out: the contributions to a weighted sum, those above 0 and those below 0 apart.

A unit is a sum of contributions c_i = x_i w_i and a bias b. What is above 0 adds up to pro, what is below 0 to con, and
the bias belongs to one of the two: z = pro + con. Every rule of LRP says only how much the unit hands out for a
contribution of 1 of either sort,

    R_i = s_pro c_i⁺ + s_con c_i⁻

so a rule is one expression of (R, pro, con), a `Split`, and the passes that find pro and con and hand down are the
layer's own, with parts of its input and of its weights. The books are kept with it: the bias keeps s_pro b⁺ + s_con b⁻,
and what a rule does not hand out at all, R - s_pro pro - s_con con, stays too (epsilon).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Rule
from minitorch_viz.layers import Kind
from minitorch_viz.rules.shares import (
    expect_whole,
    input_of,
    negative_part,
    positive_part,
    ratio,
    scales_and_shifts,
)

# (R, pro, con) -> (s_pro, s_con); where a rule has asked for the sum only, pro is z and con is 0.
Split: TypeAlias = Callable[[Array, Array, Any], tuple[Array, Array]]
Stayed: TypeAlias = dict[str, float]  # what kept relevance back ("biases", "epsilon", ...), and how much


class Part(NamedTuple):
    """Hold contributions of one sort: a part of the inputs, through a part of the weights."""

    xs: tuple[Array, ...]  # the layer's inputs, or the part of them above or below 0
    layer: Any  # without its bias
    saved: Any  # what its forward pass on xs saved

    def back(self, s: Array) -> tuple[Array, ...]:
        """Return s c for each input."""
        signals = self.layer.backward(s, self.saved)
        signals = signals if isinstance(signals, tuple) else (signals,)
        return tuple(x * signal for x, signal in zip(self.xs, signals, strict=True))


class SharingRule:
    """Hand relevance down and say what stays; call it as any rule."""

    def __call__(self, layer: Any, r: Array, saved: Any) -> Any:
        """Return the relevance (K, ...) of a layer's input from that of its output."""
        return self.hand_down(layer, r, saved, {})

    def hand_down(self, layer: Any, r: Array, saved: Any, stayed: Stayed) -> Any:
        """Return the same, and write down in `stayed` what did not go on."""
        raise NotImplementedError


@dataclass(eq=False)  # not frozen, so that it can be marked `@local`
class SplitRule(SharingRule):
    """Hand relevance down as a `Split` says."""

    split: Split
    whole: bool = False  # it needs the sum only, so one pass is enough

    def hand_down(self, layer: Any, r: Array, saved: Any, stayed: Stayed) -> Array:
        if layer.kind is not Kind.WEIGHS and not scales_and_shifts(layer):
            raise SettingError(
                f"This rule is for layers with weights, which save their input, but it was given for {layer!r}; for a "
                "mean or a sum, give it to lrp or lrp_rules."
            )
        return self._hand_down(layer, (input_of(layer, saved),), r, stayed)[0]

    def of_sum(self, xs: Sequence[Array]) -> SumRule:
        """Return the same rule for a mean or a sum, whose inputs on this tape are xs."""
        return SumRule(self, tuple(xs))

    def _hand_down(self, layer: Any, xs: tuple[Array, ...], r: Array, stayed: Stayed) -> tuple[Array, ...]:
        layer = _linear(layer)
        bias = _bias_of(layer, xs[0])
        if self.whole:
            z, saved = _bare(layer).forward(*xs)
            expect_whole(layer, r, z)
            s, _ = self.split(r, z + bias, 0)
            keep(stayed, "biases", bias * s)
            keep(stayed, "epsilon", r - (z + bias) * s)
            return Part(xs, _bare(layer), saved).back(s)
        sides = [tuple(_parts(layer, xs, side)) for side in (positive_part, negative_part)]
        pro, con = (sum(y for y, _ in side) for side in sides)
        expect_whole(layer, r, pro)
        bias_pro, bias_con = positive_part(bias), negative_part(bias)
        s_pro, s_con = self.split(r, pro + bias_pro, con + bias_con)
        keep(stayed, "biases", bias_pro * s_pro + bias_con * s_con)
        keep(stayed, "epsilon", r - (pro + bias_pro) * s_pro - (con + bias_con) * s_con)
        shares = [part.back(s) for s, side in zip((s_pro, s_con), sides, strict=True) for _, part in side]
        return tuple(sum(parts) for parts in zip(*shares, strict=True))


@dataclass(frozen=True, eq=False)
class SumRule(SharingRule):
    """Hand relevance down through one layer without weights on one tape: it saved no input, so the rule holds it."""

    rule: SplitRule
    xs: tuple[Array, ...]

    def hand_down(self, layer: Any, r: Array, saved: Any, stayed: Stayed) -> Any:  # noqa: ARG002 (it is not enough)
        shares = self.rule._hand_down(layer, self.xs, r, stayed)
        return shares if len(shares) > 1 else shares[0]


@dataclass(eq=False)
class BoxRule(SharingRule):
    """Share out what lies above the least or below the largest value of an input: (x - l) w⁺ + (x - h) w⁻ >= 0."""

    low: Array | float
    high: Array | float

    def hand_down(self, layer: Any, r: Array, saved: Any, stayed: Stayed) -> Array:
        x, bare = input_of(layer, saved), _bare(layer)
        low, high = (kernels.to_device(np.asarray(end, x.dtype), kernels.device_of(x)) for end in (self.low, self.high))
        sides = [(x - low, positive_part(layer.weight)), (x - high, negative_part(layer.weight))]
        parts = [_pass(bare.replace(weight=weight), (part,)) for part, weight in sides]
        (z_low, _), (z_high, _) = parts
        z = z_low + z_high
        s = ratio(r, z)
        keep(stayed, "pixels at the end of their range", r - z * s)
        share_low, share_high = (part.back(s)[0] for _, part in parts)
        shares: Array = share_low + share_high
        return shares


def booked(rule: Rule, stayed: Stayed) -> Rule:
    """Return the rule, with what it keeps back written into `stayed`."""
    if not isinstance(rule, SharingRule):
        return rule
    return lambda layer, r, saved: rule.hand_down(layer, r, saved, stayed)


def keep(stayed: Stayed, cause: str, amounts: Array) -> None:
    """Add the sum of `amounts` to the books, under the cause that kept it back."""
    if amount := float(amounts.sum()):
        stayed[cause] = stayed.get(cause, 0.0) + amount


def _parts(layer: Any, xs: tuple[Array, ...], side: Any) -> Iterator[tuple[Array, Part]]:
    """Yield the contributions of one sign, with their sums: x⁺ through a part of the weights, x⁻ through the other."""
    bare, positive_xs = _bare(layer), tuple(positive_part(x) for x in xs)
    other = negative_part if side is positive_part else positive_part
    if not hasattr(layer, "weight"):  # a mean or a sum: all weights are positive
        yield _pass(bare, positive_xs if side is positive_part else tuple(negative_part(x) for x in xs))
        return
    yield _pass(bare.replace(weight=side(layer.weight)), positive_xs)
    if any((x < 0).any() for x in xs):
        yield _pass(bare.replace(weight=other(layer.weight)), tuple(negative_part(x) for x in xs))


def _pass(layer: Any, xs: tuple[Array, ...]) -> tuple[Array, Part]:
    y, saved = layer.forward(*xs)
    return y, Part(xs, layer, saved)


def _linear(layer: Any) -> Any:
    """Return a trained batch normalization as weights and a bias (its shift); any other layer as it is."""
    if not scales_and_shifts(layer):
        return layer
    scale = 1 / np.sqrt(layer.running_var + layer.eps)
    weight = np.ones_like(scale) if layer.weight is None else layer.weight
    shift = -layer.running_mean * scale * weight + (0 if layer.bias is None else layer.bias)
    return layer.replace(weight=weight, bias=shift, running_mean=np.zeros_like(shift))


def _bare(layer: Any) -> Any:
    """Return a layer without its bias."""
    return layer.replace(bias=None) if getattr(layer, "bias", None) is not None else layer


def _bias_of(layer: Any, x: Array) -> Array:
    """Return a layer's bias, so that it can be added to its output; 0 without one."""
    bias: Array | None = getattr(layer, "bias", None)
    if bias is None:
        return kernels.array_module(x).zeros((), x.dtype)  # type: ignore[no-any-return]  # NumPy or CuPy
    return bias if layer.weight.ndim == 2 else bias.reshape(-1, *[1] * (x.ndim - 2))  # a matrix, or filters
