"""Examples of normalizations: shapes for the tests, calls that are worth several threads, and the warm-up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minitorch_viz_kernels.machine.examples import Example, Share

from . import loops

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

# name: (N, C, H, W)
BATCH_NORMS: dict[str, tuple[int, ...]] = {
    "one-image": (1, 3, 2, 3),
    "one-channel": (4, 1, 3, 3),
    "one-pixel": (5, 2, 1, 1),
    "whole-vectors": (2, 3, 8, 16),
    "rests": (3, 5, 5, 7),
}

# name: (R, D)
LAYER_NORMS: dict[str, tuple[int, int]] = {
    "one-vector": (1, 5),
    "pairs": (4, 2),
    "whole-vectors": (3, 64),
    "rests": (5, 37),
    "no-vectors": (0, 3),
}


def _lrn_examples(name: str) -> Iterator[Example]:
    shape, size, alpha, beta, k = LRNS[name]

    def backward(rng: np.random.Generator, batch: int) -> tuple[Any, ...]:
        x = rng.standard_normal(shape)
        _, scale = loops.lrn(x, size, alpha, beta, k)
        if batch != shape[0]:
            x, scale = x[:1], scale[:1]
        return rng.standard_normal((batch, *shape[1:])), x, scale, size, alpha, beta

    yield Example("lrn", name, lambda rng: (rng.standard_normal(shape), size, alpha, beta, k))
    yield Example("lrn_dx", name, lambda rng: backward(rng, shape[0]))
    if shape[0]:
        yield Example("lrn_dx", name + "-one-tape", lambda rng: backward(rng, 3))


def _batch_norm_examples(name: str) -> Iterator[Example]:
    shape = BATCH_NORMS[name]
    draw, channels = np.random.Generator.standard_normal, shape[1]

    def backward(rng: np.random.Generator) -> tuple[Any, ...]:
        x = 2 + 3 * draw(rng, shape)
        _, mean, var = loops.batch_norm(x, np.ones(channels), np.ones(channels), 0.1)
        return draw(rng, shape), x, mean, var, draw(rng, channels), 0.1

    yield Example("batch_norm", name, lambda rng: (2 + draw(rng, shape), draw(rng, channels), draw(rng, channels), 0.1))
    yield Example("batch_norm_dx", name, backward)


def _layer_norm_examples(name: str) -> Iterator[Example]:
    rows, length = LAYER_NORMS[name]
    draw = np.random.Generator.standard_normal

    def backward(rng: np.random.Generator, seeds: int, tapes: int) -> tuple[Any, ...]:
        x = 2 + 3 * draw(rng, (tapes, rows, length))
        mean, scale = x.mean(axis=2), 1 / np.sqrt(x.var(axis=2) + 0.1)
        return draw(rng, (seeds, rows, length)), x, mean, scale, draw(rng, length)

    yield Example(
        "layer_norm", name, lambda rng: (2 + draw(rng, (rows, length)), draw(rng, length), draw(rng, length), 0.1)
    )
    if rows:
        yield Example("layer_norm_dx", name, lambda rng: backward(rng, 2, 2))
        yield Example("layer_norm_dx", name + "-one-tape", lambda rng: backward(rng, 3, 1))
        yield Example("layer_norm_dx", name + "-no-seeds", lambda rng: backward(rng, 0, 0))


def examples() -> Iterator[Example]:
    """Yield calls of every shape in the tables."""
    for name in LRNS:
        yield from _lrn_examples(name)
    for name in BATCH_NORMS:
        yield from _batch_norm_examples(name)
    for name in LAYER_NORMS:
        yield from _layer_norm_examples(name)


def large_examples() -> Iterator[Example]:
    """Yield calls that are worth several threads."""
    shape, channels = (2, 32, 128, 128), 32
    draw = np.random.Generator.standard_normal

    def across(rng: np.random.Generator) -> tuple[Any, ...]:
        x = draw(rng, shape)
        return draw(rng, shape), x, np.abs(x) + 1, 5, 1e-4, 0.75

    def within(rng: np.random.Generator) -> tuple[Any, ...]:
        mean, var, w = draw(rng, (3, channels))
        return draw(rng, shape), draw(rng, shape), mean, np.abs(var), w, 1e-5

    yield Example("lrn", "maps", lambda rng: (draw(rng, shape), 5, 1e-4, 0.75, 1.0))
    yield Example("lrn_dx", "maps", across)
    yield Example("batch_norm", "maps", lambda rng: (draw(rng, shape), *draw(rng, (2, channels)), 1e-5))
    yield Example("batch_norm_dx", "maps", within)
    rows, length = 4096, 256
    yield Example("layer_norm", "vectors", lambda rng: (draw(rng, (rows, length)), *draw(rng, (2, length)), 1e-5))

    def of_vectors(rng: np.random.Generator) -> tuple[Any, ...]:
        mean, scale = draw(rng, (2, 1, rows))
        return draw(rng, (2, rows, length)), draw(rng, (1, rows, length)), mean, np.abs(scale), draw(rng, length)

    yield Example("layer_norm_dx", "vectors", of_vectors)


def _warm_up(kernels: Any, dtype: Any) -> None:
    x, per_channel = np.ones((1, 16, 8, 8), dtype), np.ones(16, dtype)
    y, scale = kernels.lrn(x, 5, 1e-4, 0.75, 1.0)
    kernels.lrn_dx(y, x, scale, 5, 1e-4, 0.75)
    y, mean, var = kernels.batch_norm(x, per_channel, per_channel, 1e-5)
    kernels.batch_norm_dx(y, x, mean, var, per_channel, 1e-5)


def _warm_up_vectors(kernels: Any, dtype: Any) -> None:
    x, w = np.ones((2, 16), dtype), np.ones(16, dtype)
    y, mean, scale = kernels.layer_norm(x, w, w, 1e-5)
    kernels.layer_norm_dx(y[None], x[None], mean[None], scale[None], w)


SHARES = [Share("maps", 4, _warm_up), Share("vectors", 2, _warm_up_vectors)]
