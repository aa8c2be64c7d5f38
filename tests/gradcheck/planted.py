"""Thirty-odd wrong backward passes, each with the words that its diagnosis must contain.

The forwards are right; `right` next to a bug is the correct backward, so that the table itself can be checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Planted:
    """One bug."""

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    inputs: tuple[Any, ...]
    tensor: str  # whose gradient is wrong
    says: str  # what the diagnosis, or the sentence, must contain
    verdict: str = "wrong"
    right: Callable[..., Any] | None = None
    max_entries: int = 200
    without: tuple[str, ...] = ()  # inputs whose gradient backward leaves out on purpose


BUGS: list[Planted] = []
RNG = np.random.default_rng(20)


def normal(*shape: int) -> Any:
    return RNG.standard_normal(shape)


def plant(name: str, forward: Any, backward: Any, inputs: Any, tensor: str, says: str, **rest: Any) -> None:
    BUGS.append(Planted(name, forward, backward, inputs, tensor, says, **rest))


# ---------------------------------------------------------------- linear layers and losses


def linear(x, w, b):
    return x @ w + b, (x, w)


def linear_back(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy, dy.sum(0)


def linear_with(**changes):
    def backward(dy, cache):
        dx, dw, db = linear_back(dy, cache)
        wrong = {name: change(dy, cache, {"x": dx, "w": dw, "b": db}[name]) for name, change in changes.items()}
        return wrong.get("x", dx), wrong.get("w", dw), wrong.get("b", db)

    return backward


LINEAR = (normal(5, 4), normal(4, 3), normal(3))
SQUARE = (normal(5, 4), normal(4, 4), normal(4))


def add_planted_linear(name, tensor, change, says, inputs=LINEAR, **rest):
    plant(name, linear, linear_with(**{tensor: change}), inputs, tensor, says, right=linear_back, **rest)


add_planted_linear("dw all zeros", "w", lambda dy, cache, dw: np.zeros_like(dw), "all zeros")
add_planted_linear("sign of db", "b", lambda dy, cache, db: -db, "the sign")
add_planted_linear("square dw transposed", "w", lambda dy, cache, dw: dw.T, "transposed", SQUARE)
add_planted_linear("square w not transposed", "x", lambda dy, cache, dx: dy @ cache[1], "not transposed", SQUARE)
add_planted_linear("dw transposed", "w", lambda dy, cache, dw: dw.T, "transposed")
add_planted_linear("db not summed", "b", lambda dy, cache, db: dy, "not summed over a broadcast axis")
add_planted_linear("db of the last image", "b", lambda dy, cache, db: dy[-1], "only the last of the 5")
add_planted_linear("dw of the first image", "w", lambda dy, c, dw: np.outer(c[0][0], dy[0]), "only the first of the 5")
add_planted_linear("db averaged", "b", lambda dy, cache, db: dy.mean(0), "divided by N")
add_planted_linear("db keeps its axis", "b", lambda dy, cache, db: db[None], "reshape")
add_planted_linear("0.05 % everywhere", "x", lambda dy, cache, dx: dx * 1.0005, "1.0005 times")
add_planted_linear("weight decay in the layer", "w", lambda dy, c, dw: dw + 0.1 * c[1], "does not depend on dy")


def mse(x, target):
    return np.mean(np.sum((x - target) ** 2, 1)), x - target


plant(
    "loss without 1/N",
    mse,
    lambda dy, d: 2 * dy * d,
    (normal(6, 3), normal(6, 3)),
    "x",
    "a missing 1/N",
    right=lambda dy, d: 2 * dy * d / 6,
    without=("target",),
)
plant(
    "regularizer forgotten",
    lambda w, x: (np.sum(np.tanh(x @ w)) + 0.05 * np.sum(w * w), (w, x)),
    lambda dy, c: dy * c[1].T @ (1 - np.tanh(c[1] @ c[0]) ** 2),
    (normal(4, 3), normal(5, 4)),
    "w",
    "such as a regularizer's",
)
plant(
    "loss without the 2",
    mse,
    lambda dy, d: dy * d / 6,
    (normal(6, 3), normal(6, 3)),
    "x",
    "a missing factor 2",
    right=lambda dy, d: 2 * dy * d / 6,
    without=("target",),
)


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    y = e / e.sum(1, keepdims=True)
    return y, y


def softmax_back(dy, y):
    return y * (dy - (dy * y).sum(1, keepdims=True))


plant(
    "softmax, own output only",
    softmax,
    lambda dy, y: dy * y * (1 - y),
    (normal(4, 5),),
    "x",
    "cross terms",
    right=softmax_back,
)
plant("softmax, no sum", softmax, lambda dy, y: dy * y, (normal(4, 5),), "x", "cross terms", right=softmax_back)


# ---------------------------------------------------------------- gates and elementwise functions


def relu(x):
    return np.maximum(x, 0), x


def relu_back(dy, x):
    return dy * (x > 0)


plant(
    "relu gate forgotten", relu, lambda dy, x: dy, (normal(4, 5),), "x", "a missing gate: where x <= 0", right=relu_back
)
plant("relu gate on the wrong sign", relu, lambda dy, x: dy * (x < 0), (normal(4, 5),), "x", "inverted gate")
plant(
    "guided backpropagation",
    relu,
    lambda dy, x: np.maximum(dy, 0) * (x > 0),
    (normal(4, 5),),
    "x",
    "not linear in dy",
    verdict="not a derivative",
)
plant(
    "deconvnet",
    relu,
    lambda dy, x: np.maximum(dy, 0),
    (normal(4, 5),),
    "x",
    "guided and deconvnet",
    verdict="not a derivative",
)
plant("chain rule forgotten", relu, lambda dy, x: (x > 0) * 1.0, (normal(4, 5),), "x", "ignores dy")
plant(
    "product's factor",
    lambda a, b: (a * b, (a, b)),
    lambda dy, cache: (dy, dy * cache[0]),
    (normal(4, 5), normal(4, 5)),
    "a",
    "yours times b",
)
plant(
    "product's factors swapped",
    lambda a, b: (a * b, (a, b)),
    lambda dy, cache: (dy * cache[0], dy * cache[1]),
    (normal(4, 5), normal(4, 5)),
    "a",
    "swapped",
)
plant(
    "sigmoid without 1 - y",
    lambda x: (1 / (1 + np.exp(-x)),) * 2,
    lambda dy, y: dy * y,
    (normal(4, 5),),
    "x",
    "yours times 1 - y",
    right=lambda dy, y: dy * y * (1 - y),
)

plant(
    "tanh of x where y belongs",
    lambda x: (np.tanh(x), x),
    lambda dy, x: dy * (1 - x * x),
    (normal(4, 5),),
    "x",
    "yours is dy times (1 - x**2), the measured gradient dy times (1 - y**2)",
)
plant(
    "skip connection forgotten",
    lambda x: (x + np.tanh(x), x),
    lambda dy, x: dy * (1 - np.tanh(x) ** 2),
    (normal(4, 5),),
    "x",
    "1 * dy (such as a skip",
    right=lambda dy, x: dy * (2 - np.tanh(x) ** 2),
)
plant(
    "leaky slope forgotten",
    lambda x: (np.where(x > 0, x, 0.1 * x), x),
    lambda dy, x: dy * (x > 0),
    (normal(4, 5),),
    "x",
    "only where x <= 0",
)


# ---------------------------------------------------------------- indices

LABELS = np.array([0, 2, 1, 1])


def cross_entropy(x):
    p = softmax(x)[0]
    return -np.mean(np.log(p[np.arange(4), LABELS])), p


def words_overwritten(dy, _):
    dw = np.zeros((4, 3))
    dw[[0, 2, 2, 1, 0]] = dy
    return dw


plant(
    "cross entropy without the label",
    cross_entropy,
    lambda dy, p: dy * p / 4,
    (normal(4, 3),),
    "x",
    "one entry in each row is wrong, always by 0.25",
    right=lambda dy, p: dy * (p - np.eye(3)[LABELS]) / 4,
)
plant(
    "repeated words overwritten",
    lambda w: (w[[0, 2, 2, 1, 0]], None),
    words_overwritten,
    (normal(4, 3),),
    "w",
    "overwritten instead of added",
)
plant(
    "reshape in the other order",
    lambda x: (x.reshape(2, -1) * 1, None),
    lambda dy, _: dy.reshape(2, 4, 3, order="F"),
    (normal(2, 4, 3),),
    "x",
    "the right numbers at the wrong places",
)


# ---------------------------------------------------------------- convolution and pooling


def conv(x, w):
    """x (N, C, H, W), w (O, C, 3, 3), padding 1."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    return np.einsum("nchwuv,ocuv->nohw", windows, w), (windows, w)


def conv_back(dy, cache, crop=(1, 1), size=None):
    windows, w = cache
    n, c, h, wide = windows.shape[:4]
    dw = np.einsum("nohw,nchwuv->ocuv", dy, windows)
    dx = np.zeros((n, c, h + 2, wide + 2))
    for u in range(3):
        for v in range(3):
            dx[:, :, u : u + h, v : v + wide] += np.einsum("nohw,oc->nchw", dy, w[:, :, u, v])
    if size == "uncropped":
        return dx, dw
    return dx[:, :, crop[0] : crop[0] + h, crop[1] : crop[1] + wide], dw


def conv_with(change):
    return lambda dy, cache: change(*conv_back(dy, cache), dy, cache)


CONV = (normal(2, 2, 5, 6), normal(3, 2, 3, 3))


def borders_halved(dx, dw, *_):
    dx = dx.copy()
    dx[:, :, 1:-1, 1:-1] *= 2
    return dx / 2, dw


def one_channel(dx, dw, *_):
    dx = dx.copy()
    dx[:, 1] = 0
    return dx, dw


plant("kernel flipped", conv, conv_with(lambda dx, dw, dy, c: (dx, dw[:, :, ::-1, ::-1])), CONV, "w", "flipped")
plant("padding cropped at one side", conv, lambda dy, c: conv_back(dy, c, (0, 0)), CONV, "x", "shifted")
plant("shifted by one column", conv, lambda dy, c: conv_back(dy, c, (1, 0)), CONV, "x", "shifted by 1 along axis 3")
plant("padding not cropped", conv, lambda dy, c: conv_back(dy, c, size="uncropped"), CONV, "x", "not cropped")
plant("borders", conv, conv_with(borders_halved), CONV, "x", "only the borders", right=conv_back)
plant("one channel", conv, conv_with(one_channel), CONV, "x", "index 1 of axis 1")


def pool(x, size=3, stride=2):
    """Overlapping max pooling of x (N, H, W)."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))[:, ::stride, ::stride]
    return windows.max((-1, -2)), (x.shape, windows)


def pool_back(dy, cache, ties="first", add=True):
    shape, windows = cache
    dx = np.zeros(shape)
    for n, i, j in np.ndindex(dy.shape):
        window = windows[n, i, j]
        won = window == window.max()
        if ties == "first":
            won = np.arange(won.size).reshape(won.shape) == np.argmax(window)
        part = dx[n, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3]
        part[won] = part[won] + dy[n, i, j] if add else dy[n, i, j]
    return dx


PEAK = normal(2, 7, 7)
PEAK[:, 2, 2], PEAK[:, 4, 4] = 5, 4  # maxima that several windows share
TIED = np.maximum(np.round(normal(2, 7, 7)), 0)
plant(
    "overlapping windows overwritten",
    pool,
    lambda dy, c: pool_back(dy, c, add=False),
    (PEAK,),
    "x",
    "overwritten instead of added",
    right=pool_back,
)
plant("pool ties to all", pool, lambda dy, c: pool_back(dy, c, ties="all"), (TIED,), "x", "ties", right=pool_back)
plant(
    "pool to every input",
    lambda x: (x.reshape(4, 2, 3).max(2), x),
    lambda dy, x: np.repeat(dy, 3, axis=1),
    (normal(4, 6),),
    "x",
    "do not reach the output",
)


# ---------------------------------------------------------------- normalization and recurrence


def norm(x):
    mean, std = x.mean(0), x.std(0)
    return (x - mean) / std, ((x - mean) / std, std)


def norm_back(dy, cache, mean=True, variance=True):
    xhat, std = cache
    return (dy - mean * dy.mean(0) - variance * xhat * (dy * xhat).mean(0)) / std


BATCH = (normal(7, 3) * 2 + 1,)
plant("norm's mean path", norm, lambda dy, c: norm_back(dy, c, mean=False), BATCH, "x", "a mean's", right=norm_back)
plant("norm's variance path", norm, lambda dy, c: norm_back(dy, c, variance=False), BATCH, "x", "normalization's dev")


def layer_norm(x, g, b, epsilon=1e-5):
    std = np.sqrt(x.var(1, keepdims=True) + epsilon)
    xhat = (x - x.mean(1, keepdims=True)) / std
    return g * xhat + b, (xhat, std, g)


def layer_norm_back(dy, cache, axis=1):
    xhat, std, g = cache
    d = dy * g
    dx = (d - d.mean(axis, keepdims=True) - xhat * (d * xhat).mean(axis, keepdims=True)) / std
    return dx, (dy * xhat).sum(0), dy.sum(0)


def norm_sums(dy, cache, mean=1, variance=1):
    xhat, std = cache
    return (dy - mean * dy.sum(0) - variance * xhat * (dy * xhat).sum(0)) / std


LAYER = (normal(5, 4) * 2 + 1, normal(4), normal(4))
plant(
    "layer norm over the wrong axis",
    layer_norm,
    lambda dy, c: layer_norm_back(dy, c, axis=0),
    LAYER,
    "x",
    "forward's means run over axis 1, yours over axis 0",
    right=layer_norm_back,
)
plant(
    "batch norm without 1/N",
    norm,
    norm_sums,
    BATCH,
    "x",
    "a missing 1/N (N = 7, along axis 0) in the path through the mean and",
)
plant(
    "softmax over the wrong axis",
    softmax,
    lambda dy, y: y * (dy - (dy * y).sum(0)),
    (normal(4, 5),),
    "x",
    "yours over axis 0",
)
plant(
    "filters flipped in dx",
    conv,
    lambda dy, c: (conv_back(dy, (c[0], c[1][:, :, ::-1, ::-1]))[0], conv_back(dy, c)[1]),
    CONV,
    "x",
    "w is rotated by 180 degrees (flipped filters) in backward",
)


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def lstm_step(x, h, c, w):
    """One step, gates i, f, g, o; w (D + H, 4 H); y = [h', c']."""
    joined = np.concatenate([x, h], 1)
    i, f, g, o = np.split(joined @ w, 4, 1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c_new = f * c + i * g
    return np.concatenate([o * np.tanh(c_new), c_new], 1), (joined, c, w, i, f, g, o, c_new)


def lstm_back(dy, cache, forget=1.0):
    joined, c, w, i, f, g, o, c_new = cache
    dh, dc = np.split(dy, 2, 1)
    t = np.tanh(c_new)
    dc = dc + dh * o * (1 - t * t)
    parts = (dc * g * i * (1 - i), forget * dc * c * f * (1 - f), dc * i * (1 - g * g), dh * t * o * (1 - o))
    da = np.concatenate(parts, 1)
    djoined = da @ w.T
    split = joined.shape[1] - c.shape[1]
    return djoined[:, :split], djoined[:, split:], dc * f, joined.T @ da


plant(
    "lstm forgets the forget gate",
    lstm_step,
    lambda dy, c: lstm_back(dy, c, forget=0.0),
    (normal(3, 2), normal(3, 2), normal(3, 2), normal(4, 8)),
    "w",
    "the indices 2 to 3 of axis 1",
    right=lstm_back,
)


def gates_in_order(order):
    def backward(dy, cache):
        dx, dh, dc, dw = lstm_back(dy, cache)
        return dx, dh, dc, np.concatenate([np.split(dw, 4, 1)[place] for place in order], 1)

    return backward


LSTM = (normal(3, 2), normal(3, 2), normal(3, 2), normal(4, 8))
plant(
    "two gates swapped",
    lstm_step,
    gates_in_order((1, 0, 2, 3)),
    LSTM,
    "w",
    "the indices 0-1 and 2-3 of axis 1 are swapped",
)
plant(
    "gates far apart swapped",
    lstm_step,
    gates_in_order((0, 3, 2, 1)),
    LSTM,
    "w",
    "the indices 2-3 and 6-7 of axis 1 are",
)
plant(
    "three gates in a ring",
    lstm_step,
    gates_in_order((0, 3, 1, 2)),
    LSTM,
    "w",
    "2-3, 4-5 and 6-7 of axis 1 stand in another",
)


# ---------------------------------------------------------------- large tensors


def scaled(x):
    return np.tanh(x) * 2, x


def scaled_back(dy, x, corner=1.0):
    dx = 2 * dy * (1 - np.tanh(x) ** 2)
    dx[0, 1, 17, 23] *= corner
    return dx


plant(
    "1 % at one pixel of a large image",
    scaled,
    lambda dy, x: scaled_back(dy, x, 1.01),
    (normal(1, 3, 64, 64),),
    "x",
    "(0, 1, 17, 23)",
    right=scaled_back,
    max_entries=20,
)


# ---------------------------------------------------------------- conduct


class Shared:
    """Layers that keep state where they should not."""

    x: Any = None
    total: Any = 0.0
    rng = np.random.default_rng(0)


def stale_forward(x):
    Shared.x = x
    return x**2, x


def summing_backward(dy, x):
    Shared.total = Shared.total + 2 * dy * x
    return Shared.total


def inplace_relu(x):
    x[x < 0] = 0
    return x.copy(), x > 0


def dropout(x):
    mask = Shared.rng.random(x.shape) < 0.5
    return x * mask, mask


def nan_at_one(dy, x):
    dx = relu_back(dy, x)
    dx[2, 3] = np.nan
    return dx


def in_float32(x, w):
    return (x.astype(np.float32) @ w.astype(np.float32)).astype(np.float64), (x, w)


POSITIVE = (np.abs(normal(4, 5)) + 0.1,)
plant("stale cache", stale_forward, lambda dy, x: 2 * dy * Shared.x, (normal(4, 5),), "x", "later forward pass")
plant("gradient adds up", lambda x: (x**2, x), summing_backward, (normal(4, 5),), "x", "adds up across calls")
plant(
    "input written to",
    inplace_relu,
    lambda dy, on: dy * on,
    (normal(4, 5),),
    "x",
    "writes into x",
    verdict="input was modified",
)
plant(
    "not repeatable",
    dropout,
    lambda dy, mask: dy * mask,
    (normal(4, 5),),
    "x",
    "different results",
    verdict="non-deterministic",
)
plant("nan at one entry", relu, nan_at_one, (normal(4, 5),), "x", "nan at (2, 3)", verdict="non-finite")
plant(
    "float32 inside",
    in_float32,
    lambda dy, cache: (dy @ cache[1].T, cache[0].T @ dy),
    (normal(4, 5), normal(5, 3)),
    "x",
    "computes in float32",
    verdict="not checkable in this precision",
)
plant(
    "float32 inside, and 2 % off",
    in_float32,
    lambda dy, cache: (1.02 * dy @ cache[1].T, cache[0].T @ dy),
    (normal(4, 5), normal(5, 3)),
    "x",
    "1.02 times",
)
plant(
    "log of nothing",
    lambda x: (np.log(x), x),
    lambda dy, x: dy / x,
    (np.array([1.0, 0.0]),),
    "x",
    "-inf at (1,)",
    verdict="non-finite",
)
