"""A gradient kernel is the transpose of its forward kernel: <f(x), dy> = <x, f'(dy)>, for every shape of the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minitorch_viz_kernels.convolution.examples import CONVS
from minitorch_viz_kernels.convolution.examples import answers as conv_answers
from minitorch_viz_kernels.normalization.examples import LRNS
from minitorch_viz_kernels.pooling.examples import POOLS
from minitorch_viz_kernels.pooling.examples import windows as pool_windows

RNG_SEED = 11


def inner(a: Any, b: Any) -> float:
    return float(np.vdot(a, b))


@pytest.mark.parametrize("name", CONVS)
def test_convolution(module: Any, name: str) -> None:
    rng = np.random.default_rng(RNG_SEED)
    shape, o, kernel, *geometry = CONVS[name]
    x = rng.standard_normal(shape)
    w = rng.standard_normal((o, shape[1] // geometry[3], *kernel))
    dy = rng.standard_normal(conv_answers(name))
    value = inner(module.conv2d(x, w, None, *geometry), dy)
    assert inner(x, module.conv2d_dx(dy, w, shape[2:], *geometry)) == pytest.approx(value, rel=1e-10, abs=1e-12)
    assert inner(w, module.conv2d_dw(dy, x, kernel, *geometry)) == pytest.approx(value, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("name", POOLS)
def test_max_pooling(module: Any, name: str) -> None:
    rng = np.random.default_rng(RNG_SEED)
    shape, *geometry, _ = POOLS[name]
    x = rng.standard_normal(shape)
    y, won = module.maxpool2d(x, *geometry, pool_windows(name))
    dy = rng.standard_normal(y.shape)
    # Among the positions it chose, max pooling is linear.
    assert inner(x, module.maxpool2d_dx(dy, won, shape[2:])) == pytest.approx(inner(y, dy), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("include_pad", [False, True])
@pytest.mark.parametrize("name", POOLS)
def test_average_pooling(module: Any, name: str, include_pad: bool) -> None:
    rng = np.random.default_rng(RNG_SEED)
    shape, *geometry, _ = POOLS[name]
    x = rng.standard_normal(shape)
    y = module.avgpool2d(x, *geometry, pool_windows(name), include_pad)
    dy = rng.standard_normal(y.shape)
    dx = module.avgpool2d_dx(dy, *geometry, shape[2:], include_pad)
    assert inner(x, dx) == pytest.approx(inner(y, dy), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("name", LRNS)
def test_local_response_normalization_along_a_direction(module: Any, name: str) -> None:
    rng = np.random.default_rng(RNG_SEED)
    shape, size, alpha, beta, k = LRNS[name]
    x, step = rng.standard_normal(shape), rng.standard_normal(shape)
    _, scale = module.lrn(x, size, alpha, beta, k)
    dy = rng.standard_normal(shape)
    h = 1e-6
    ahead, behind = (inner(module.lrn(x + sign * h * step, size, alpha, beta, k)[0], dy) for sign in (1, -1))
    slope = inner(step, module.lrn_dx(dy, x, scale, size, alpha, beta))
    assert slope == pytest.approx((ahead - behind) / (2 * h), rel=1e-6, abs=1e-8)
