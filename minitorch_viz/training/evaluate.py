"""How good a net is on data that it is not training on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.checks import check_names
from minitorch_viz.errors import SettingError, ShapeError, need_whole
from minitorch_viz.models.carry import Carry
from minitorch_viz.net import Net
from minitorch_viz.training.losses import Loss, SoftmaxCrossEntropy
from minitorch_viz.training.nonfinite import check_loss
from minitorch_viz.training.sources import as_source, batches_of


class Scores(NamedTuple):
    """Hold means over all images."""

    loss: float
    score: float | None  # share of right answers, 0..1; None if the loss has none
    images: int


def evaluate(
    net: Net,
    images: Any,
    labels: Array | None = None,
    *,
    loss: Loss | None = None,
    logits: str | None = None,
    batch: int = 256,
    carry: Carry | None = None,
) -> Scores:
    """Measure loss and score without training: nothing is random, batch normalization uses its running statistics.

    images, labels: two arrays, or a list of batches (x, targets), or a function (called with None) that returns them.
    loss: default softmax cross-entropy. logits: the node whose output the loss reads (default: the net's last).
    carry: of a net of `carrying`, whose batches go on where the one before ended; the means are then over all steps.

    Raises NotFiniteError, naming the node where it began, if the loss is not finite.
    """
    loss = SoftmaxCrossEntropy() if loss is None else loss
    if not isinstance(loss, Loss):
        raise SettingError(f"loss must be a loss such as SoftmaxCrossEntropy(), but got {loss!r}.")
    logits = net.output if logits is None else check_names(logits, net.names, "logits")[0]
    count, total, right, weights = 0, 0.0, 0.0, 0
    states: dict[str, Array] = {}
    for x, target in batches_of(as_source(images, labels, batch, 0, "evaluate"), None):
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # told in a sentence
            if carry is None:
                y = net.predict(x, upto=logits)
            else:
                tape = net.forward(carry.inputs(net, x, states), upto=logits)
                y, states = tape[logits], carry.after(tape)
            value, _ = loss(y, target)
            if not np.isfinite(value):
                check_loss(value, net, net.forward(x, upto=logits).values, logits, "in evaluation")
        weight = len(target) if carry is None else target.size  # the last steps of a text may be few
        total += value * weight
        right += (loss.score(y, target) or 0.0) * weight
        count, weights = count + len(target), weights + weight
    if count == 0:
        raise ShapeError("There is nothing to evaluate: the data gave no batch.")
    return Scores(total / weights, right / weights if loss.score_name else None, count)


def accuracy(net: Net, images: Array, labels: Array, logits: str | None = None, batch: int = 256) -> float:
    """Return the share of images, 0..1, whose largest class score is the label's."""
    need_whole("batch", batch, 1)
    if not hasattr(labels, "shape") or labels.shape != (len(images),) or len(images) == 0:
        raise ShapeError(
            f"accuracy needs one class number an image, but got {len(images)} images and labels of shape "
            f"{getattr(labels, 'shape', type(labels).__name__)}."
        )
    return float(np.mean(net.predict(images, upto=logits, batch=batch).argmax(axis=1) == labels))
