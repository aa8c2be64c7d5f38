"""Examples of smooth curves: for the tests, calls that are worth several threads, and the warm-up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minitorch_viz_kernels.machine.examples import Example, Share

# name: shape of x
SHAPES: dict[str, tuple[int, ...]] = {
    "one": (1,),
    "features": (2, 5),
    "maps": (2, 3, 4, 5),
    "whole-vectors": (1, 2, 8, 16),
    "many": (3, 7, 31, 37),
    "no-images": (0, 3, 2, 2),
    "empty-maps": (2, 0),
}


def _numbers(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Draw numbers, some of them 0, some far out and some NaN."""
    drawn = 3 * rng.standard_normal(shape)
    drawn[rng.random(shape) < 0.1] = 0
    drawn[rng.random(shape) < 0.1] *= 30
    drawn[rng.random(shape) < 0.05] = np.nan
    return drawn


def _curve(kernel: str, name: str, shape: tuple[int, ...], label: str, *settings: bool) -> Iterator[Example]:
    yield Example(kernel, name + label, lambda rng: (_numbers(rng, shape), *settings))

    def backward(rng: np.random.Generator, seeds: int, tapes: int) -> tuple[Any, ...]:
        return rng.standard_normal((seeds, *shape[1:])), _numbers(rng, (tapes, *shape[1:])), *settings

    yield Example(f"{kernel}_dx", name + label, lambda rng: backward(rng, shape[0], shape[0]))
    if shape[0]:
        yield Example(f"{kernel}_dx", f"{name}{label}-one-tape", lambda rng: backward(rng, 3, 1))


def examples() -> Iterator[Example]:
    """Yield calls of every shape in the table."""
    for name, shape in SHAPES.items():
        yield from _curve("gelu", name, shape, "")
        yield from _curve("gelu", name, shape, "-tanh", True)
        yield from _curve("silu", name, shape, "")


def large_examples() -> Iterator[Example]:
    """Yield calls that are worth several threads."""
    shape = (2, 32, 128, 128)
    draw = np.random.Generator.standard_normal
    yield Example("gelu", "maps", lambda rng: (draw(rng, shape), False))
    yield Example("gelu_dx", "maps", lambda rng: (draw(rng, shape), draw(rng, (1, *shape[1:])), False))
    yield Example("silu", "maps", lambda rng: (draw(rng, shape),))
    yield Example("silu_dx", "maps", lambda rng: (draw(rng, shape), draw(rng, (1, *shape[1:]))))


def _warm_up(kernels: Any, dtype: Any) -> None:
    x = np.ones((1, 16, 8, 8), dtype)
    kernels.gelu_dx(kernels.gelu(x), x)
    kernels.silu_dx(kernels.silu(x), x)


SHARES = [Share("curves", 3, _warm_up)]
