"""What the training tests share: a task that a tiny net learns in a second, and nets for it."""

from __future__ import annotations

import numpy as np

from minitorch_viz import Net
from minitorch_viz.layers import BatchNorm2d, Conv2d, Dropout, Flatten, Linear, ReLU


def small_net(seed: int = 0) -> Net:
    rng = np.random.default_rng(seed)
    conv = Conv2d.random(rng, 1, 4, 3)
    return Net([("conv", conv), ("relu", ReLU()), ("flat", Flatten()), ("fc", Linear.random(rng, 64, 2))])


def net_with_everything(seed: int = 0) -> Net:
    """Batch normalization and dropout: running statistics and a random stream of the net's own."""
    rng = np.random.default_rng(seed)
    return Net(
        [
            ("conv", Conv2d.random(rng, 1, 4, 3)),
            ("norm", BatchNorm2d.fresh(4)),
            ("relu", ReLU()),
            ("flat", Flatten()),
            ("drop", Dropout(0.25)),
            ("fc", Linear.random(rng, 64, 2)),
        ]
    )


def bars(count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Noisy images (N, 1, 6, 6) of a horizontal (0) or vertical (1) bar."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    images = 0.3 * rng.standard_normal((count, 1, 6, 6)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        place = rng.integers(0, 6)
        if label:
            image[0, :, place] += 1
        else:
            image[0, place, :] += 1
    return images, labels


def assert_same_bits(one: Net, other: Net) -> None:
    assert one.state.keys() == other.state.keys()
    for name, value in one.state.items():
        assert value.dtype == other.state[name].dtype
        np.testing.assert_array_equal(value, other.state[name], err_msg=name)
