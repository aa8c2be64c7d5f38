"""Examples of poolings: shapes for the tests, calls that are worth several threads, and the warm-up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minitorch_viz_kernels.machine.examples import Example, Share

from . import loops
from .contract import pool_out_size

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


def windows(name: str) -> tuple[int, int]:
    """Return (H', W') of a pooling of the table."""
    (_, _, *size), kernel, stride, padding, ceil_mode = POOLS[name]
    high, wide = (pool_out_size(size[a], kernel[a], stride[a], padding[a], ceil_mode) for a in (0, 1))
    return high, wide


def _examples(name: str) -> Iterator[Example]:
    shape, kernel, stride, padding, _ = POOLS[name]
    geometry = (kernel, stride, padding)
    out = windows(name)

    def normal(rng: np.random.Generator) -> Any:
        return rng.standard_normal(shape)

    def ties(rng: np.random.Generator) -> Any:
        return rng.integers(0, 2, shape).astype(float)

    def with_nan(rng: np.random.Generator) -> Any:
        return np.where(rng.random(shape) < 0.2, np.nan, rng.standard_normal(shape))

    def lowest(rng: np.random.Generator) -> Any:
        return np.where(rng.random(shape) < 0.8, -np.inf, rng.standard_normal(shape))

    for label, draw in (("", normal), ("-ties", ties), ("-nan", with_nan), ("-inf", lowest)):
        yield Example("maxpool2d", name + label, lambda rng, draw=draw: (draw(rng), *geometry, out))  # type: ignore[misc]

    def backward(rng: np.random.Generator, batch: int) -> tuple[Any, ...]:
        _, won = loops.maxpool2d(ties(rng), kernel, stride, padding, out)
        won = won[:1] if batch != shape[0] else won
        return rng.standard_normal((batch, *won.shape[1:])), won, shape[2:]

    yield Example("maxpool2d_dx", name, lambda rng: backward(rng, shape[0]))
    if shape[0]:
        yield Example("maxpool2d_dx", name + "-one-tape", lambda rng: backward(rng, 3))

    for label, include in (("", False), ("-with-padding", True)):

        def forward_mean(rng: np.random.Generator, include: bool = include) -> tuple[Any, ...]:
            return (normal(rng), *geometry, out, include)

        def backward_mean(rng: np.random.Generator, include: bool = include) -> tuple[Any, ...]:
            return (rng.standard_normal((*shape[:2], *out)), *geometry, shape[2:], include)

        yield Example("avgpool2d", name + label, forward_mean)
        yield Example("avgpool2d_dx", name + label, backward_mean)


def examples() -> Iterator[Example]:
    """Yield calls of every shape in the table."""
    for name in POOLS:
        yield from _examples(name)


TWO, NONE = (2, 2), (0, 0)


def large_examples() -> Iterator[Example]:
    """Yield calls that are worth several threads."""
    full, half = (2, 32, 128, 128), (2, 32, 64, 64)

    def backward(rng: np.random.Generator) -> tuple[Any, ...]:
        places = 128 * np.arange(0, 128, 2)[:, None] + np.arange(0, 128, 2)  # the first pixel of each window
        steps = rng.choice([0, 1, 128, 129], half)  # from there to the largest
        return rng.standard_normal(half), (places + steps).astype(np.int32), (128, 128)

    yield Example("maxpool2d", "2x2", lambda rng: (rng.standard_normal(full), TWO, TWO, NONE, (64, 64)))
    yield Example("maxpool2d_dx", "2x2", backward)
    yield Example("avgpool2d", "2x2", lambda rng: (rng.standard_normal(full), TWO, TWO, NONE, (64, 64), True))
    yield Example("avgpool2d_dx", "2x2", lambda rng: (rng.standard_normal(half), TWO, TWO, NONE, (128, 128), True))


def _warm_up(kernels: Any, dtype: Any) -> None:
    x = np.ones((1, 16, 8, 8), dtype)
    y, won = kernels.maxpool2d(x, TWO, TWO, NONE, (4, 4))
    kernels.maxpool2d_dx(y, won, (8, 8))
    kernels.avgpool2d(x, TWO, TWO, NONE, (4, 4), True)
    kernels.avgpool2d_dx(y, TWO, TWO, NONE, (8, 8), True)


SHARES = [Share("maps", 5, _warm_up)]
