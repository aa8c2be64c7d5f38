"""Examples of convolutions: shapes for the tests, calls that are worth several threads, and the warm-up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from minitorch_viz_kernels.machine.examples import Example, Share

from .contract import out_size

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
    "depthwise-5x5": ((2, 3, 9, 21), 3, (5, 5), (1, 1), (2, 2), (1, 1), 3),
    "depthwise-stride": ((1, 2, 12, 37), 2, (3, 3), (2, 2), (1, 1), (1, 1), 2),
    "depthwise-dilation-stride": ((1, 2, 11, 20), 2, (3, 4), (2, 3), (1, 2), (2, 3), 2),
    "depthwise-padding-over-kernel": ((2, 2, 3, 4), 2, (2, 3), (3, 2), (4, 5), (1, 1), 2),
    "depthwise-no-images": ((0, 2, 5, 5), 2, (3, 3), (1, 1), (1, 1), (1, 1), 2),
    "whole-image": ((2, 2, 4, 3), 3, (4, 3), (1, 1), (0, 0), (1, 1), 1),
    "no-images": ((0, 2, 5, 5), 3, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "no-images-1x1": ((0, 2, 5, 5), 3, (1, 1), (1, 1), (0, 0), (1, 1), 1),
}


def answers(name: str) -> tuple[int, ...]:
    """Return the shape of y of a convolution of the table."""
    (n, _, *size), o, kernel, stride, padding, dilation, _ = CONVS[name]
    return (n, o, *(out_size(size[a], kernel[a], stride[a], padding[a], dilation[a]) for a in (0, 1)))


def _examples(name: str) -> Iterator[Example]:
    shape, o, kernel, *geometry = CONVS[name]
    filters = (o, shape[1] // geometry[3], *kernel)
    out = answers(name)
    draw = np.random.Generator.standard_normal
    yield Example("conv2d", name, lambda rng: (draw(rng, shape), draw(rng, filters), draw(rng, o), *geometry))
    yield Example("conv2d", name + "-no-bias", lambda rng: (draw(rng, shape), draw(rng, filters), None, *geometry))
    yield Example("conv2d_dx", name, lambda rng: (draw(rng, out), draw(rng, filters), shape[2:], *geometry))
    yield Example("conv2d_dw", name, lambda rng: (draw(rng, out), draw(rng, shape), kernel, *geometry))


def examples() -> Iterator[Example]:
    """Yield calls of every shape in the table."""
    for name in CONVS:
        yield from _examples(name)


ONE, TWO, NONE = (1, 1), (2, 2), (0, 0)

# kernel, shapes of its two arrays, then (size or kernel,) stride, padding, dilation, groups
LARGE: list[tuple[str, str, tuple[int, ...], tuple[int, ...], tuple[Any, ...]]] = [
    ("conv2d", "3x3", (1, 64, 40, 40), (64, 64, 3, 3), (None, ONE, ONE, ONE, 1)),
    ("conv2d", "3x3-images", (3, 64, 40, 40), (64, 64, 3, 3), (None, ONE, ONE, ONE, 1)),
    ("conv2d", "1x1", (1, 64, 40, 40), (64, 64, 1, 1), (None, ONE, NONE, ONE, 1)),
    ("conv2d", "5x5-stride", (1, 64, 40, 40), (64, 64, 5, 5), (None, TWO, TWO, ONE, 1)),
    ("conv2d_dx", "3x3", (1, 64, 40, 40), (64, 64, 3, 3), ((40, 40), ONE, ONE, ONE, 1)),
    ("conv2d_dx", "5x5-stride", (1, 64, 40, 40), (64, 64, 5, 5), ((80, 80), TWO, TWO, ONE, 1)),
    ("conv2d_dw", "3x3", (1, 64, 40, 40), (1, 64, 40, 40), ((3, 3), ONE, ONE, ONE, 1)),
    ("conv2d_dw", "5x5", (1, 64, 40, 40), (1, 64, 40, 40), ((5, 5), ONE, TWO, ONE, 1)),
    ("conv2d", "depthwise", (2, 64, 80, 80), (64, 1, 3, 3), (None, ONE, ONE, ONE, 64)),
    ("conv2d_dx", "depthwise-stride", (2, 64, 40, 40), (64, 1, 3, 3), ((80, 80), TWO, ONE, ONE, 64)),
    ("conv2d", "5x5", (1, 64, 40, 40), (64, 64, 5, 5), (None, ONE, TWO, ONE, 1)),
    ("conv2d_dx", "5x5", (1, 64, 40, 40), (64, 64, 5, 5), ((40, 40), ONE, TWO, ONE, 1)),
]


def large_examples() -> Iterator[Example]:
    """Yield calls that are worth several threads, by every algorithm."""
    for kernel, name, first, second, geometry in LARGE:

        def make(
            rng: np.random.Generator, first: Any = first, second: Any = second, geometry: Any = geometry
        ) -> tuple[Any, ...]:  # fmt: skip
            return (rng.standard_normal(first), rng.standard_normal(second), *geometry)

        yield Example(kernel, name, make)


def _warm_up(kernels: Any, dtype: Any) -> None:
    """Call all but Winograd's."""
    x, w = np.ones((1, 16, 8, 8), dtype), np.ones((16, 16, 3, 3), dtype)
    for filters, padding, groups in ((w[:, :1], ONE, 16), (w[:, :2], ONE, 8), (w[:, :, :1, :1], NONE, 1)):
        kernels.conv2d(x, filters, None, ONE, padding, ONE, groups)
        kernels.conv2d_dx(x, filters, (8, 8), ONE, padding, ONE, groups)
        kernels.conv2d_dw(x, x, filters.shape[2:], ONE, padding, ONE, groups)


def _warm_up_winograd(kernels: Any, dtype: Any) -> None:
    if dtype == np.float32:
        w = np.ones((16, 16, 3, 3), dtype)
        for size in ((8, 8), (64, 64)):  # the large one has more tiles than one block: Winograd's other way
            x = np.ones((1, 16, *size), dtype)
            kernels.conv2d(x, w, None, ONE, ONE, ONE, 1)
            kernels.conv2d_dx(x, w, size, ONE, ONE, ONE, 1)
        kernels.conv2d_dw(x, x, (3, 3), ONE, ONE, ONE, 1)
        kernels.conv2d(np.ones((1, 8, 40, 40), dtype), np.ones((32, 8, 5, 5), dtype), None, TWO, TWO, ONE, 1)


SHARES = [Share("convolutions", 10, _warm_up), Share("winograd", 12, _warm_up_winograd)]
