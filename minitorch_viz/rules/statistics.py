"""The shares of a normalization by the input's own statistics: its scale is taken for given, its mean is not.

    y_j = w_j s (x_j - mean of x) + b_j        of LayerNorm, GroupNorm, InstanceNorm

The scale s depends on all x and multiplies them all, so that what one value adds to y and what it takes away by
enlarging s nearly cancel; a gradient times the input is nearly 0 here, whatever the value was. Held fixed, as a weight
is, it leaves a linear layer: x_i contributes w_j s ((i = j) - 1 / n) x_i to y_j. The shift b keeps its share.

Ali et al. 2022, "XAI for transformers: better explanations through conservative propagation" (the LN rule).
"""

from __future__ import annotations

from typing import Any

from minitorch_viz._types import Array
from minitorch_viz.layers import GroupNorm, InstanceNorm, LayerNorm
from minitorch_viz.layers.group_norm import along_channels, in_groups
from minitorch_viz.rules.contributions import SharingRule, Stayed, keep
from minitorch_viz.rules.shares import expect_whole, ratio

NORMS = (LayerNorm, GroupNorm, InstanceNorm)


class StatisticsRule(SharingRule):
    """Hand shares down through a normalization as through a linear layer with a fixed scale."""

    def hand_down(self, layer: Any, r: Array, saved: Any, stayed: Stayed) -> Array:
        x = saved.x
        expect_whole(layer, r, x)
        groups = saved.mean.size // len(x)  # an image's vectors, or groups of channels
        y = layer.forward(x)[0]
        s = ratio(r, y)
        if layer.bias is not None:
            keep(stayed, "biases", s * _shaped(layer, layer.bias, x))
        keep(stayed, "sums of exactly 0", r - s * y)
        weighted = s if layer.weight is None else s * _shaped(layer, layer.weight, x)
        signals = in_groups(weighted, groups) * saved.scale.reshape(len(x), groups, 1)
        signals = signals - signals.mean(axis=2, keepdims=True)
        shares: Array = (in_groups(x, groups) * signals).reshape(r.shape)
        return shares


def _shaped(layer: Any, values: Array, x: Array) -> Array:
    """Return a parameter in the shape in which it multiplies x."""
    return values if isinstance(layer, LayerNorm) else along_channels(values, x)
