"""Many small nets, trained at once: one hidden layer, the same data, another seed each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.layers import Linear, ReLU, Softmax, softmax_cross_entropy
from minitorch_viz.loss_surface.linears import Linears
from minitorch_viz.net import Net
from minitorch_viz.training.optimizers import SGD
from minitorch_viz.training.schedules import Cosine

BATCH, RATE, MOMENTUM = 64, 0.05, 0.9
CLASSES = 10


@dataclass(frozen=True, eq=False)
class Data:
    """Hold what the nets learn, and what they are tested on: pixels in one row an image."""

    x: Array  # (N, D) float32, normalized
    labels: Array  # (N,)
    test_x: Array  # (M, D)
    test_labels: Array  # (M,)


@dataclass(frozen=True, eq=False)
class TrainedNets:
    """Hold S trained nets of one width."""

    net: Net  # all of them side by side: x (S, N, D) -> scores (S, N, 10)
    train_loss: Array  # (S,) float64: mean cross-entropy in nats after training
    test_loss: Array  # (S,)
    test_accuracy: Array  # (S,) 0..1
    path: tuple[Net, ...]  # the nets before training and after each epoch, if that was asked for

    def alone(self, s: int, net: Net | None = None) -> Net:
        """Return net number s (of this stage of the path, or as trained) by itself: x (N, D) -> scores (N, 10)."""
        return _alone(net or self.net, s)


def new_nets(width: int, numbers: Sequence[int], seed: int, features: int) -> tuple[Net, list[np.random.Generator]]:
    """Return untrained nets side by side, and the generator of each: net number s is the same in any company."""
    rngs = [np.random.default_rng([seed, width, number]) for number in numbers]
    hidden = [Linear.random(rng, features, width) for rng in rngs]
    scores = [Linear.random(rng, width, CLASSES) for rng in rngs]

    def side_by_side(layers: list[Linear]) -> Linears:
        return Linears(
            np.stack([layer.weight for layer in layers]), np.stack([layer.params["bias"] for layer in layers])
        )

    return Net([("hidden", side_by_side(hidden)), ("relu", ReLU()), ("scores", side_by_side(scores))]), rngs


def train_nets(
    width: int,
    numbers: Sequence[int],
    data: Data,
    *,
    seed: int,
    epochs: int,
    keep_path: bool = False,
    after_epoch: Callable[[], object] = lambda: None,
) -> TrainedNets:
    """Train the nets of these numbers: SGD with momentum, batches in an order of each net's own, the rate to 0."""
    net, rngs = new_nets(width, numbers, seed, data.x.shape[1])
    count, steps = len(data.x), -(-len(data.x) // BATCH)
    optimizer, schedule = SGD(RATE, momentum=MOMENTUM), Cosine(RATE, epochs * steps)
    state, path = optimizer.start(net.params), [net]
    for epoch in range(epochs):
        order = np.stack([rng.permutation(count) for rng in rngs])  # (S, N)
        for step in range(steps):
            images = order[:, step * BATCH : (step + 1) * BATCH]
            tape = net.forward(data.x[images])
            grads = net.param_grads(tape, {"scores": _dscores(tape["scores"], data.labels[images])})
            params, state = optimizer.step(net.params, grads, state, schedule(epoch * steps + step))
            net = net.with_params(params)
        if keep_path:
            path.append(net)
        after_epoch()
    nets = [_alone(net, s) for s in range(len(rngs))]
    losses = [
        [softmax_cross_entropy(single.predict(x), labels)[0] for single in nets]
        for x, labels in ((data.x, data.labels), (data.test_x, data.test_labels))
    ]
    right = [float((single.predict(data.test_x).argmax(axis=1) == data.test_labels).mean()) for single in nets]
    return TrainedNets(net, np.array(losses[0]), np.array(losses[1]), np.array(right), tuple(path) if keep_path else ())


def _dscores(scores: Array, labels: Array) -> Array:
    """Return the gradient of each net's own mean cross-entropy, (probability - 1 if it is right) / N: (S, N, 10)."""
    probabilities, _ = Softmax(axis=2).forward(scores)
    right = np.arange(scores.shape[2]) == labels[..., None]
    dscores: Array = (probabilities - right.astype(scores.dtype)) / scores.shape[1]
    return dscores


def _alone(net: Net, s: int) -> Net:
    layers = {name: net[name].layer.params for name in ("hidden", "scores")}
    hidden, scores = (Linear(params["weight"][s], params["bias"][s]) for params in layers.values())
    return Net([("hidden", hidden), ("relu", ReLU()), ("scores", scores)])
