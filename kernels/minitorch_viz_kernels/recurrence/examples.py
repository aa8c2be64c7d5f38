"""Examples of an LSTM: shapes for the tests, calls that are worth several threads, and the warm-up."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from minitorch_viz_kernels.machine.examples import Example, Share

from . import loops, numpy_

# name: T, N, D, H
LSTMS: dict[str, tuple[int, int, int, int]] = {
    "one": (1, 1, 1, 1),
    "small": (3, 2, 4, 3),
    "one-sequence": (5, 1, 2, 7),
    "one-long-sequence": (12, 1, 5, 40),
    "whole-vectors": (2, 3, 5, 16),
    "rests": (3, 9, 3, 21),
    "many-sequences": (2, 19, 2, 5),
    "no-images": (2, 0, 3, 4),
}


def _examples(name: str) -> Iterator[Example]:
    steps, batch, features, hidden = LSTMS[name]

    def forward(rng: np.random.Generator, batch: int = batch) -> tuple[Any, ...]:
        shapes = [(steps, batch, features), (4 * hidden, features), (4 * hidden, hidden), (4 * hidden,)]
        return tuple(rng.standard_normal(shape) for shape in (*shapes, (batch, hidden), (batch, hidden)))

    def backward(rng: np.random.Generator, seeds: int, batch: int) -> tuple[Any, ...]:
        x, w, u, b, h0, c0 = forward(rng, batch)
        _, *saved = loops.lstm(x, w, u, b, h0, c0)
        return rng.standard_normal((steps, seeds, hidden)), *saved, u, c0

    yield Example("lstm", name, forward)
    yield Example("lstm_dz", name, lambda rng: backward(rng, batch, batch))
    if batch:
        yield Example("lstm_dz", name + "-one-tape", lambda rng: backward(rng, 3, 1))


def examples() -> Iterator[Example]:
    """Yield calls of every shape in the table."""
    for name in LSTMS:
        yield from _examples(name)


def large_examples() -> Iterator[Example]:
    """Yield calls that are worth several threads."""
    draw = np.random.Generator.standard_normal

    def forward(rng: np.random.Generator, batch: int, hidden: int) -> tuple[Any, ...]:
        x, w = draw(rng, (9, batch, 20)), draw(rng, (4 * hidden, 20))
        u, b = draw(rng, (4 * hidden, hidden)) / 8, draw(rng, 4 * hidden)
        return x, w, u, b, draw(rng, (batch, hidden)), draw(rng, (batch, hidden))

    def backward(rng: np.random.Generator, batch: int, hidden: int) -> tuple[Any, ...]:
        x, w, u, b, h0, c0 = forward(rng, batch, hidden)
        _, *saved = numpy_.lstm(x, w, u, b, h0, c0)
        return draw(rng, (9, batch, hidden)), *saved, u, c0

    for name, batch, hidden in (("sequences", 50, 64), ("one-sequence", 1, 250)):
        yield Example("lstm", name, partial(forward, batch=batch, hidden=hidden))
        yield Example("lstm_dz", name, partial(backward, batch=batch, hidden=hidden))


def _warm_up(kernels: Any, dtype: Any) -> None:
    a, h0 = np.ones((32, 8), dtype), np.ones((2, 8), dtype)
    h, c, i, f, g, o = kernels.lstm(np.ones((9, 2, 8), dtype), a, a, a[:, 0], h0, h0)
    kernels.lstm_dz(h, c, i, f, g, o, a, h0)


SHARES = [Share("products", 5, _warm_up)]  # it calls compiled functions of `product`
