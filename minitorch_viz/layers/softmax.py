"""Softmax, its logarithm, and the loss that classifiers are trained with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.fields import WholeField
from minitorch_viz.layers.kind import Kind
from minitorch_viz.layers.window import PIXEL, Window


@dataclass(frozen=True, eq=False, repr=False)
class Softmax(Layer):
    """Turn scores into probabilities: y = exp(x) / sum of exp(x) along one axis (default: the classes of (N, C)).

    x of any shape -> y of the same shape, each 0..1, summing to 1 along the axis. Adding a constant to all scores
    changes nothing, so the largest is subtracted first and no exponential overflows.

    The gradient of one probability is not that of its score: it also rises when the other scores fall. The lecture's
    class models maximize scores for this reason (Simonyan et al. 2013).
    """

    axis: WholeField = WholeField(1, least=1)

    kind: ClassVar[Kind] = Kind.OPAQUE
    limits: ClassVar[tuple[float, ...]] = (1,)  # near 0 a probability has digits enough to move by

    class Saved(NamedTuple):
        y: Array  # shape of x: the probabilities

    def forward(self, x: Array) -> tuple[Array, Saved]:
        _check(self, x)
        y = np.exp(x - x.max(axis=self.axis, keepdims=True))
        y = y / y.sum(axis=self.axis, keepdims=True)
        return y, self.Saved(y)

    def backward(self, dy: Array, saved: Saved) -> Array:
        dx: Array = saved.y * (dy - (dy * saved.y).sum(axis=self.axis, keepdims=True))
        return dx

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        return [(cls(axis), (2 * rng.standard_normal(shape),)) for axis, shape in _EXAMPLES]

    @property
    def window(self) -> Window | None:
        return PIXEL if self.axis == 1 else None


@dataclass(frozen=True, eq=False, repr=False)
class LogSoftmax(Layer):
    """Take the logarithm of the softmax, without taking the logarithm of a tiny number.

    x of any shape -> y of the same shape, y <= 0: y = x - log(sum of exp(x)) along the axis.
    """

    axis: WholeField = WholeField(1, least=1)

    kind: ClassVar[Kind] = Kind.OPAQUE

    class Saved(NamedTuple):
        p: Array  # shape of x: the probabilities, exp(y)

    def forward(self, x: Array) -> tuple[Array, Saved]:
        _check(self, x)
        y = log_softmax(x, self.axis)
        return y, self.Saved(np.exp(y))

    def backward(self, dy: Array, saved: Saved) -> Array:
        dx: Array = dy - saved.p * dy.sum(axis=self.axis, keepdims=True)
        return dx

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        return [(cls(axis), (2 * rng.standard_normal(shape),)) for axis, shape in _EXAMPLES]

    @property
    def window(self) -> Window | None:
        return PIXEL if self.axis == 1 else None


def softmax_cross_entropy(logits: Array, labels: Array, axis: int = 1) -> tuple[float, Array]:
    """Measure how surprised a classifier is by the right answers, in nats, and the gradient of that.

    logits (N, C) scores; labels (N,) class numbers 0..C-1, or (N, C) probabilities that sum to 1.
    Further axes are further answers: (N, C, H, W) with labels (N, H, W), or (N, T, C) with labels (N, T) and axis=2.

    Returns the loss, -log(probability of the right class) averaged over all answers, and d loss / d logits, which is
    simply (softmax(logits) - target) / number of answers.

    Raises ShapeError if the shapes do not fit, SettingError if a label is no class or a row is no distribution.
    """
    _check(Softmax(axis), logits)
    target = _as_probabilities(logits, labels, axis)
    answers = logits.size // logits.shape[axis]
    if answers == 0:
        raise ShapeError(f"An empty batch has no mean loss, but logits have the shape {logits.shape}.")
    log_p = log_softmax(logits, axis)
    loss = float(-(target * log_p).sum()) / answers
    return loss, (np.exp(log_p) - target) / answers


_EXAMPLES = [(1, (1, 1)), (1, (2, 3)), (1, (4, 5)), (1, (2, 3, 2, 2)), (2, (2, 3, 4)), (3, (1, 2, 2, 3))]


def log_softmax(x: Array, axis: int) -> Array:
    """Return the logarithms of the softmax along an axis."""
    x = x - x.max(axis=axis, keepdims=True)
    y: Array = x - np.log(np.exp(x).sum(axis=axis, keepdims=True))
    return y


def _as_probabilities(logits: Array, labels: Array, axis: int) -> Array:
    """Return the labels as probabilities of the logits' shape: class numbers become one-hot rows."""
    xp = kernels.array_module(logits)
    labels = xp.asarray(labels)
    if labels.dtype.kind == "f" and labels.shape == logits.shape:
        if labels.size and (labels.min() < 0 or abs(labels.sum(axis=axis) - 1).max() > 1e-3):
            raise SettingError(
                f"Labels with the shape {labels.shape} of the logits are probabilities: each must be at least 0 and "
                f"they must sum to 1 along axis {axis}, but they lie in {labels.min():g}..{labels.max():g} and "
                f"their sums in {labels.sum(axis=axis).min():g}..{labels.sum(axis=axis).max():g}."
            )
        return labels.astype(logits.dtype)
    needed = logits.shape[:axis] + logits.shape[axis + 1 :]
    if labels.dtype.kind not in "iu" or labels.shape != needed:
        raise ShapeError(
            f"Logits of shape {logits.shape} need labels as class numbers (integers) of shape {needed}, or as "
            f"probabilities (floats) of shape {logits.shape}, but labels are {labels.dtype} of shape {labels.shape}."
        )
    classes = logits.shape[axis]
    if labels.size and not 0 <= labels.min() <= labels.max() < classes:
        raise SettingError(
            f"Labels must be class numbers from 0 to {classes - 1}, but they lie in {labels.min()}..{labels.max()}."
        )
    one_hot = xp.arange(classes) == labels[..., None]  # (..., C)
    probabilities: Array = xp.moveaxis(one_hot, -1, axis).astype(logits.dtype)
    return probabilities


def _check(layer: Softmax | LogSoftmax, x: Array) -> None:
    expect_floats(layer, x)
    if x.ndim <= layer.axis or x.shape[layer.axis] == 0:
        raise ShapeError(f"{type(layer).__name__} works along axis {layer.axis}, but x has the shape {tuple(x.shape)}.")
