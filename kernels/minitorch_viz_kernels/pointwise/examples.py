"""Examples of gates, sums and joins: for the tests, calls that are worth several threads, and the warm-up."""

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


def _relu_examples(name: str) -> Iterator[Example]:
    shape = SHAPES[name]

    def numbers(rng: np.random.Generator, seeds: int | None = None) -> Any:
        """Draw numbers of which some are exactly 0 and some NaN."""
        drawn = rng.standard_normal(shape if seeds is None else (seeds, *shape[1:]))
        drawn[rng.random(drawn.shape) < 0.2] = 0
        drawn[rng.random(drawn.shape) < 0.05] = np.nan
        return drawn

    yield Example("relu", name, lambda rng: (numbers(rng),))
    for positive in (False, True):
        label = "-positive" if positive else ""
        yield Example("relu_dx", name + label, lambda rng, p=positive: (numbers(rng), numbers(rng), p))  # type: ignore[misc]
        yield Example("relu_dx", name + label + "-no-mask", lambda rng, p=positive: (numbers(rng), None, p))  # type: ignore[misc]
        if shape[0]:
            yield Example(
                "relu_dx", name + label + "-one-tape",
                lambda rng, p=positive: (numbers(rng, 3), numbers(rng, 1), p),  # type: ignore[misc]
            )  # fmt: skip


def _join_examples(name: str) -> Iterator[Example]:
    shape = SHAPES[name]
    draw = np.random.Generator.standard_normal
    yield Example("add", name, lambda rng: (draw(rng, shape), draw(rng, shape)))
    for axis in range(len(shape)):

        def arguments(rng: np.random.Generator, axis: int = axis) -> tuple[Any, ...]:
            sides = (shape[axis], 1, shape[axis] + 3)
            return tuple(draw(rng, (*shape[:axis], side, *shape[axis + 1 :])) for side in sides), axis

        yield Example("concat", f"{name}-axis-{axis}", arguments)


def examples() -> Iterator[Example]:
    """Yield calls of every shape in the table."""
    for name in SHAPES:
        yield from _relu_examples(name)
        yield from _join_examples(name)


def large_examples() -> Iterator[Example]:
    """Yield calls that are worth several threads."""
    shape = (2, 32, 128, 128)
    draw = np.random.Generator.standard_normal
    yield Example("relu", "maps", lambda rng: (draw(rng, shape),))
    yield Example("relu_dx", "maps", lambda rng: (draw(rng, shape), draw(rng, (1, *shape[1:])), False))
    yield Example("add", "maps", lambda rng: (draw(rng, shape), draw(rng, shape)))
    yield Example("concat", "maps", lambda rng: (tuple(draw(rng, shape) for _ in range(3)), 1))


def _warm_up(kernels: Any, dtype: Any) -> None:
    x = np.ones((1, 16, 8, 8), dtype)
    y = kernels.relu(x)
    kernels.relu_dx(y, y)
    kernels.concat((kernels.add(x, x), x), 1)


SHARES = [Share("maps", 3, _warm_up)]
