"""Training: batches in random order, a backward pass for the parameters, an optimizer's step."""

from __future__ import annotations

import math

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import MinitorchVizError, SettingError, ShapeError, need_whole
from minitorch_viz.layers.softmax import softmax_cross_entropy
from minitorch_viz.net import Net
from minitorch_viz.training.adam import Adam


def fit(
    net: Net,
    images: Array,
    labels: Array,
    *,
    rng: Generator,
    epochs: int,
    batch: int = 64,
    optimizer: Adam | None = None,
    logits: str | None = None,
    augment: int = 0,
    progress: bool = True,
) -> Net:
    """Train a classifier with softmax cross-entropy and return the trained net; the given one stays as it is.

    images (N, C, H, W) normalized, labels (N,) int. The rate falls from the optimizer's to 0 along half a cosine.
    logits: the node with the class scores (default: the last). augment: shift each image by up to so many pixels.
    Same generator state, same bits. Raises MinitorchVizError if the loss stops being finite.
    """
    from tqdm.auto import tqdm

    optimizer = optimizer or Adam()
    logits = logits or net.output
    _check(net, images, labels, logits)
    for what, value, least in (("number of epochs", epochs, 1), ("batch", batch, 1), ("augment", augment, 0)):
        need_whole(what, value, least)
    if not isinstance(rng, np.random.Generator):
        raise SettingError(
            f"rng must be a numpy.random.Generator, but got {rng!r}; np.random.default_rng(0) makes one."
        )
    state = optimizer.start(net.params)
    steps = epochs * -(-len(images) // batch)
    with tqdm(total=steps, desc="train", unit="step", disable=not progress) as bar:
        for _ in range(epochs):
            order = rng.permutation(len(images))
            for start in range(0, len(images), batch):
                some = order[start : start + batch]
                tape = net.forward(shifted(images[some], augment, rng), rng=rng)
                loss, dlogits = softmax_cross_entropy(tape[logits], labels[some])
                if not np.isfinite(loss):
                    raise MinitorchVizError(f"The loss became {loss} at step {bar.n}; a smaller rate may help.")
                grads = net.param_grads(tape, {logits: dlogits})
                rate = optimizer.rate * 0.5 * (1 + math.cos(math.pi * bar.n / steps))
                params, state = optimizer.step(net.params, grads, state, rate)
                net = net.with_params({name: value.astype(np.float32) for name, value in params.items()})
                bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
                bar.update()
    return net


def _check(net: Net, images: Array, labels: Array, logits: str) -> None:
    """Refuse data that do not fit before the first step."""
    for name, array in (("images", images), ("labels", labels)):
        if not isinstance(array, np.ndarray):
            raise ShapeError(f"{name} must be an array, but got a {type(array).__name__}.")
    if images.ndim != 4 or len(images) == 0:
        raise ShapeError(f"images must be a batch (N, C, H, W) of at least one, but have shape {images.shape}.")
    if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
        raise ShapeError(
            f"labels must be {len(images)} whole numbers, one an image, but are {labels.dtype} of shape {labels.shape}."
        )
    classes = net.predict(images[:1], upto=logits).shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise SettingError(f"labels must be from 0 to {classes - 1}, but reach from {labels.min()} to {labels.max()}.")


def shifted(images: Array, most: int, rng: Generator) -> Array:
    """(N, C, H, W), each image moved by up to `most` pixels each way; what comes in repeats the border."""
    if most == 0:
        return images
    padded = np.pad(images, ((0, 0), (0, 0), (most, most), (most, most)), mode="edge")
    height, width = images.shape[2:]
    moves = rng.integers(0, 2 * most + 1, (len(images), 2))
    return np.stack([one[:, y : y + height, x : x + width] for one, (y, x) in zip(padded, moves, strict=True)])


def accuracy(net: Net, images: Array, labels: Array, logits: str | None = None, batch: int = 256) -> float:
    """The share of images, 0..1, whose largest class score is the label's."""
    return float((net.predict(images, upto=logits, batch=batch).argmax(axis=1) == labels).mean())
