"""One table of shapes, from which the kernel tests take every call."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

import minitorch_viz_kernels as kernels

KERNELS = (
    "conv2d",
    "conv2d_dx",
    "conv2d_dw",
    "maxpool2d",
    "maxpool2d_dx",
    "avgpool2d",
    "avgpool2d_dx",
    "lrn",
    "lrn_dx",
    "relu",
    "relu_dx",
    "add",
    "concat",
    "batch_norm",
    "batch_norm_dx",
    "matmul",
    "lstm",
    "lstm_dz",
)

# name: (N, C, H, W), O, (kh, kw), stride, padding, dilation, groups
CONVS: dict[str, tuple[Any, ...]] = {
    "one-pixel": ((1, 1, 1, 1), 1, (1, 1), (1, 1), (0, 0), (1, 1), 1),
    "one-pixel-3x3": ((2, 2, 1, 1), 3, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "3x3": ((2, 3, 5, 6), 4, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "1x1": ((2, 3, 4, 5), 4, (1, 1), (1, 1), (0, 0), (1, 1), 1),
    "1x1-stride": ((2, 3, 5, 6), 4, (1, 1), (2, 3), (0, 0), (1, 1), 1),
    "1x1-padded": ((1, 2, 3, 3), 2, (1, 1), (1, 1), (1, 2), (1, 1), 1),
    "1x1-groups": ((2, 4, 3, 3), 6, (1, 1), (1, 1), (0, 0), (1, 1), 2),
    "stride-leaves-a-rest": ((2, 2, 8, 9), 3, (3, 3), (2, 4), (0, 0), (1, 1), 1),
    "stride-over-kernel": ((1, 2, 9, 8), 2, (2, 1), (4, 3), (1, 0), (1, 1), 1),
    "padding-over-kernel": ((1, 2, 3, 4), 2, (2, 2), (1, 1), (4, 3), (1, 1), 1),
    "padding-over-kernel-stride": ((1, 2, 3, 4), 2, (2, 3), (3, 2), (4, 5), (1, 1), 1),
    "not-square": ((2, 2, 6, 9), 3, (2, 5), (1, 2), (0, 3), (1, 1), 1),
    "row-kernel": ((1, 2, 4, 7), 2, (1, 7), (1, 1), (0, 3), (1, 1), 1),
    "dilation": ((1, 2, 9, 8), 2, (3, 2), (1, 1), (2, 1), (2, 3), 1),
    "dilation-stride": ((2, 2, 9, 10), 2, (2, 3), (2, 3), (1, 2), (3, 2), 1),
    "groups": ((2, 4, 5, 5), 6, (3, 3), (1, 1), (1, 1), (1, 1), 2),
    "groups-of-one": ((2, 3, 5, 4), 3, (3, 3), (2, 1), (1, 1), (1, 1), 3),
    "depthwise-twice": ((1, 3, 5, 5), 6, (3, 2), (1, 1), (1, 0), (1, 2), 3),
    "whole-image": ((2, 2, 4, 3), 3, (4, 3), (1, 1), (0, 0), (1, 1), 1),
    "no-images": ((0, 2, 5, 5), 3, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "no-images-1x1": ((0, 2, 5, 5), 3, (1, 1), (1, 1), (0, 0), (1, 1), 1),
}

# name: (N, C, H, W), window, stride, padding, ceil_mode
POOLS: dict[str, tuple[Any, ...]] = {
    "one-pixel": ((1, 1, 1, 1), (1, 1), (1, 1), (0, 0), False),
    "one-pixel-padded": ((2, 2, 1, 1), (3, 3), (1, 1), (1, 1), False),
    "2x2": ((2, 2, 4, 6), (2, 2), (2, 2), (0, 0), False),
    "stride-leaves-a-rest": ((1, 2, 5, 7), (2, 2), (2, 3), (0, 0), False),
    "beyond-the-input": ((2, 2, 6, 5), (3, 2), (2, 2), (0, 0), True),
    "beyond-the-padding": ((1, 2, 6, 7), (3, 3), (2, 2), (1, 1), True),
    "beyond-both": ((1, 1, 5, 5), (2, 3), (3, 3), (1, 1), True),
    "overlap": ((2, 2, 6, 6), (3, 3), (1, 1), (1, 1), False),
    "large-padding": ((1, 2, 3, 4), (4, 5), (2, 1), (3, 4), False),
    "not-square": ((1, 2, 7, 5), (4, 2), (3, 1), (2, 0), True),
    "stride-over-window": ((1, 2, 9, 8), (2, 1), (4, 3), (1, 0), False),
    "global": ((2, 3, 4, 5), (4, 5), (1, 1), (0, 0), False),
    "window-over-image": ((1, 2, 3, 2), (5, 4), (2, 2), (2, 1), True),
    "no-images": ((0, 2, 4, 4), (2, 2), (2, 2), (0, 0), False),
}

# name: (N, C, H, W), size, alpha, beta, k
LRNS: dict[str, tuple[Any, ...]] = {
    "alexnet": ((2, 7, 2, 3), 5, 1e-4 / 5, 0.75, 2.0),
    "even": ((1, 6, 2, 2), 4, 0.1, 0.75, 1.0),
    "two": ((1, 3, 2, 1), 2, 0.3, 0.5, 1.0),
    "one": ((2, 3, 1, 2), 1, 0.5, 2.0, 0.5),
    "over-channels-odd": ((1, 3, 2, 2), 9, 0.2, 0.75, 1.0),
    "over-channels-even": ((1, 2, 2, 2), 8, 0.2, 0.75, 1.0),
    "one-channel": ((2, 1, 2, 2), 3, 0.2, 0.75, 1.0),
    "no-images": ((0, 4, 2, 2), 3, 0.2, 0.75, 1.0),
}

# name: shape of x; ReLUs
RELUS: dict[str, tuple[int, ...]] = {
    "one": (1,),
    "features": (2, 5),
    "maps": (2, 3, 4, 5),
    "whole-vectors": (1, 2, 8, 16),
    "many": (3, 7, 31, 37),
    "no-images": (0, 3, 2, 2),
    "empty-maps": (2, 0),
}

# name: (N, C, H, W)
BATCH_NORMS: dict[str, tuple[int, ...]] = {
    "one-image": (1, 3, 2, 3),
    "one-channel": (4, 1, 3, 3),
    "one-pixel": (5, 2, 1, 1),
    "whole-vectors": (2, 3, 8, 16),
    "rests": (3, 5, 5, 7),
}

# name: M, K, P
MATMULS: dict[str, tuple[int, int, int]] = {
    "one": (1, 1, 1),
    "row-column": (1, 5, 1),
    "column-row": (6, 1, 7),
    "small": (3, 4, 5),
    "whole-panels": (16, 9, 64),
    "rests": (21, 19, 75),
    "several-blocks": (133, 11, 40),
    "few-rows": (7, 38, 65),
    "long-sums": (5, 300, 37),
    "no-rows": (0, 3, 4),
    "no-columns": (3, 4, 0),
    "empty-sums": (2, 0, 3),
}

# name: T, N, D, H
LSTMS: dict[str, tuple[int, int, int, int]] = {
    "one": (1, 1, 1, 1),
    "small": (3, 2, 4, 3),
    "one-sequence": (5, 1, 2, 7),
    "whole-vectors": (2, 3, 5, 16),
    "rests": (3, 9, 3, 21),
    "many-sequences": (2, 19, 2, 5),
    "no-images": (2, 0, 3, 4),
}


@dataclass(frozen=True)
class Call:
    """One call of one kernel; `make` draws its arguments."""

    name: str
    kernel: str
    make: Callable[[np.random.Generator], tuple[Any, ...]]

    def arguments(self, dtype: Any) -> tuple[Any, ...]:
        """The same numbers each time, as read-only arrays of a dtype (switches stay int32)."""
        return tuple(_read_only(value, dtype) for value in self.make(np.random.default_rng(7)))

    def __str__(self) -> str:
        return f"{self.kernel}-{self.name}"


def _read_only(value: Any, dtype: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_read_only(each, dtype) for each in value)
    if not isinstance(value, np.ndarray):
        return value
    value = value.astype(value.dtype if value.dtype in (np.int32, np.bool_) else dtype)
    value.flags.writeable = False
    return value


def conv_answers(name: str) -> tuple[int, ...]:
    """The shape of y of a convolution of the table."""
    (n, _, *size), o, kernel, stride, padding, dilation, _ = CONVS[name]
    return (n, o, *(kernels.out_size(size[a], kernel[a], stride[a], padding[a], dilation[a]) for a in (0, 1)))


def pool_windows(name: str) -> tuple[int, int]:
    """(H', W') of a pooling of the table."""
    (_, _, *size), kernel, stride, padding, ceil_mode = POOLS[name]
    high, wide = (kernels.pool_out_size(size[a], kernel[a], stride[a], padding[a], ceil_mode) for a in (0, 1))
    return high, wide


def _conv_calls(name: str) -> Iterator[Call]:
    shape, o, kernel, *geometry = CONVS[name]
    filters = (o, shape[1] // geometry[3], *kernel)
    answers = conv_answers(name)
    draw = np.random.Generator.standard_normal
    yield Call(name, "conv2d", lambda rng: (draw(rng, shape), draw(rng, filters), draw(rng, o), *geometry))
    yield Call(name + "-no-bias", "conv2d", lambda rng: (draw(rng, shape), draw(rng, filters), None, *geometry))
    yield Call(name, "conv2d_dx", lambda rng: (draw(rng, answers), draw(rng, filters), shape[2:], *geometry))
    yield Call(name, "conv2d_dw", lambda rng: (draw(rng, answers), draw(rng, shape), kernel, *geometry))


def _pool_calls(name: str) -> Iterator[Call]:
    shape, kernel, stride, padding, _ = POOLS[name]
    geometry = (kernel, stride, padding)
    out = pool_windows(name)

    def normal(rng: np.random.Generator) -> Any:
        return rng.standard_normal(shape)

    def ties(rng: np.random.Generator) -> Any:
        return rng.integers(0, 2, shape).astype(float)

    def with_nan(rng: np.random.Generator) -> Any:
        return np.where(rng.random(shape) < 0.2, np.nan, rng.standard_normal(shape))

    def lowest(rng: np.random.Generator) -> Any:
        return np.where(rng.random(shape) < 0.8, -np.inf, rng.standard_normal(shape))

    for label, draw in (("", normal), ("-ties", ties), ("-nan", with_nan), ("-inf", lowest)):
        yield Call(name + label, "maxpool2d", lambda rng, draw=draw: (draw(rng), *geometry, out))  # type: ignore[misc]

    def backward(rng: np.random.Generator, batch: int) -> tuple[Any, ...]:
        with kernels.use("reference"):
            _, won = kernels.maxpool2d(ties(rng), kernel, stride, padding, out)
        won = won[:1] if batch != shape[0] else won
        return rng.standard_normal((batch, *won.shape[1:])), won, shape[2:]

    yield Call(name, "maxpool2d_dx", lambda rng: backward(rng, shape[0]))
    if shape[0]:
        yield Call(name + "-one-tape", "maxpool2d_dx", lambda rng: backward(rng, 3))

    for label, include in (("", False), ("-with-padding", True)):

        def forward_mean(rng: np.random.Generator, include: bool = include) -> tuple[Any, ...]:
            return (normal(rng), *geometry, out, include)

        def backward_mean(rng: np.random.Generator, include: bool = include) -> tuple[Any, ...]:
            return (rng.standard_normal((*shape[:2], *out)), *geometry, shape[2:], include)

        yield Call(name + label, "avgpool2d", forward_mean)
        yield Call(name + label, "avgpool2d_dx", backward_mean)


def _lrn_calls(name: str) -> Iterator[Call]:
    shape, size, alpha, beta, k = LRNS[name]

    def backward(rng: np.random.Generator, batch: int) -> tuple[Any, ...]:
        x = rng.standard_normal(shape)
        with kernels.use("reference"):
            _, scale = kernels.lrn(x, size, alpha, beta, k)
        if batch != shape[0]:
            x, scale = x[:1], scale[:1]
        return rng.standard_normal((batch, *shape[1:])), x, scale, size, alpha, beta

    yield Call(name, "lrn", lambda rng: (rng.standard_normal(shape), size, alpha, beta, k))
    yield Call(name, "lrn_dx", lambda rng: backward(rng, shape[0]))
    if shape[0]:
        yield Call(name + "-one-tape", "lrn_dx", lambda rng: backward(rng, 3))


def _relu_calls(name: str) -> Iterator[Call]:
    shape = RELUS[name]

    def numbers(rng: np.random.Generator, seeds: int | None = None) -> Any:
        """Some are exactly 0, some are NaN."""
        drawn = rng.standard_normal(shape if seeds is None else (seeds, *shape[1:]))
        drawn[rng.random(drawn.shape) < 0.2] = 0
        drawn[rng.random(drawn.shape) < 0.05] = np.nan
        return drawn

    yield Call(name, "relu", lambda rng: (numbers(rng),))
    for positive in (False, True):
        label = "-positive" if positive else ""
        yield Call(name + label, "relu_dx", lambda rng, p=positive: (numbers(rng), numbers(rng), p))  # type: ignore[misc]
        yield Call(name + label + "-no-mask", "relu_dx", lambda rng, p=positive: (numbers(rng), None, p))  # type: ignore[misc]
        if shape[0]:
            yield Call(
                name + label + "-one-tape", "relu_dx",
                lambda rng, p=positive: (numbers(rng, 3), numbers(rng, 1), p),  # type: ignore[misc]
            )  # fmt: skip


def _join_calls(name: str) -> Iterator[Call]:
    shape = RELUS[name]
    draw = np.random.Generator.standard_normal
    yield Call(name, "add", lambda rng: (draw(rng, shape), draw(rng, shape)))
    for axis in range(len(shape)):

        def several(rng: np.random.Generator, axis: int = axis) -> tuple[Any, ...]:
            sides = (shape[axis], 1, shape[axis] + 3)
            return tuple(draw(rng, (*shape[:axis], side, *shape[axis + 1 :])) for side in sides), axis

        yield Call(f"{name}-axis-{axis}", "concat", several)


def _batch_norm_calls(name: str) -> Iterator[Call]:
    shape = BATCH_NORMS[name]
    draw, channels = np.random.Generator.standard_normal, shape[1]

    def backward(rng: np.random.Generator) -> tuple[Any, ...]:
        x = 2 + 3 * draw(rng, shape)
        with kernels.use("reference"):
            _, mean, var = kernels.batch_norm(x, np.ones(channels), np.ones(channels), 0.1)
        return draw(rng, shape), x, mean, var, draw(rng, channels), 0.1

    yield Call(name, "batch_norm", lambda rng: (2 + draw(rng, shape), draw(rng, channels), draw(rng, channels), 0.1))
    yield Call(name, "batch_norm_dx", backward)


def _matmul_calls(name: str) -> Iterator[Call]:
    m, k, p = MATMULS[name]
    draw = np.random.Generator.standard_normal
    yield Call(name, "matmul", lambda rng: (draw(rng, (m, k)), draw(rng, (k, p))))


def _lstm_calls(name: str) -> Iterator[Call]:
    steps, batch, features, hidden = LSTMS[name]

    def forward(rng: np.random.Generator, batch: int = batch) -> tuple[Any, ...]:
        shapes = [(steps, batch, features), (4 * hidden, features), (4 * hidden, hidden), (4 * hidden,)]
        return tuple(rng.standard_normal(shape) for shape in (*shapes, (batch, hidden), (batch, hidden)))

    def backward(rng: np.random.Generator, seeds: int, batch: int) -> tuple[Any, ...]:
        x, w, u, b, h0, c0 = forward(rng, batch)
        with kernels.use("reference"):
            _, *saved = kernels.lstm(x, w, u, b, h0, c0)
        return rng.standard_normal((steps, seeds, hidden)), *saved, u, c0

    yield Call(name, "lstm", forward)
    yield Call(name, "lstm_dz", lambda rng: backward(rng, batch, batch))
    if batch:
        yield Call(name + "-one-tape", "lstm_dz", lambda rng: backward(rng, 3, 1))


CALLS: list[Call] = [
    *(call for name in CONVS for call in _conv_calls(name)),
    *(call for name in POOLS for call in _pool_calls(name)),
    *(call for name in LRNS for call in _lrn_calls(name)),
    *(call for name in RELUS for call in _relu_calls(name)),
    *(call for name in RELUS for call in _join_calls(name)),
    *(call for name in BATCH_NORMS for call in _batch_norm_calls(name)),
    *(call for name in MATMULS for call in _matmul_calls(name)),
    *(call for name in LSTMS for call in _lstm_calls(name)),
]


def arrays(answer: Any) -> tuple[Any, ...]:
    """What a kernel returned, as a tuple."""
    return answer if isinstance(answer, tuple) else (answer,)


@functools.cache
def expected(call: Call, dtype: Any) -> tuple[Any, ...]:
    """What the plain loops say, in float64 on the numbers of a dtype."""

    def widen(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(widen, value))
        return value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype == dtype else value

    widened = tuple(map(widen, call.arguments(dtype)))
    with kernels.use("reference"):
        return arrays(getattr(kernels, call.kernel)(*widened))


def using(name: str) -> AbstractContextManager[None]:
    """`use` for the CPU's modules; nothing to choose for others."""
    return kernels.use(name) if name in kernels.CPU_MODULES else nullcontext()


def exact(kernel: str, *call: Any) -> Any:
    """The direct sum in float64, on the same numbers."""
    widened = (np.float64(value) if isinstance(value, np.ndarray) else value for value in call)
    with kernels.use("numpy"):
        return getattr(kernels, kernel)(*widened)


def error(got: Any, wanted: Any) -> float:
    """The largest difference of a float32 answer, relative to the largest number."""
    assert got.shape == wanted.shape
    assert got.dtype == np.float32
    return float(np.abs(got - wanted).max(initial=0) / np.abs(wanted).max(initial=1e-30))
