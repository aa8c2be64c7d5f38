"""Examples of products: shapes for the tests, calls that are worth several threads, and the warm-up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minitorch_viz_kernels.machine.examples import Example, Share

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


def examples() -> Iterator[Example]:
    """Yield calls of every shape in the table."""
    draw = np.random.Generator.standard_normal
    for name, (m, k, p) in MATMULS.items():
        yield Example("matmul", name, lambda rng, m=m, k=k, p=p: (draw(rng, (m, k)), draw(rng, (k, p))))  # type: ignore[misc]


def large_examples() -> Iterator[Example]:
    """Yield calls that are worth several threads; the second has its left factor transposed."""
    draw = np.random.Generator.standard_normal
    yield Example("matmul", "plain", lambda rng: (draw(rng, (200, 300)), draw(rng, (300, 100))))
    yield Example("matmul", "transposed", lambda rng: (draw(rng, (300, 200)).T, draw(rng, (300, 100))))


def _warm_up(kernels: Any, dtype: Any) -> None:
    a = np.ones((32, 8), dtype)
    kernels.matmul(kernels.matmul(a, a.T.copy()).T, a)
    kernels.matmul(kernels.matmul(a[:1], a.T), a)


SHARES = [Share("products", 6, _warm_up)]
