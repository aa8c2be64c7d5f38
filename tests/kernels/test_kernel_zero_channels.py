"""Channels without a signal are left out of a backward pass, which gives the same."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import numpy as np
import pytest

import minitorch_viz_kernels as kernels
from minitorch_viz.layers import Conv2d, Linear
from minitorch_viz_kernels.machine.registry import rung
from minitorch_viz_kernels.machine.zero_channels import not_zero, without_zero_channels


def signals(rng: np.random.Generator, shape: tuple[int, ...], channels: list[int]) -> np.ndarray:
    dy = np.zeros(shape)
    dy[:, channels] = rng.standard_normal((shape[0], len(channels), *shape[2:]))
    return dy


@pytest.mark.parametrize("channels", [[], [3], [0, 15], list(range(16))], ids=["none", "one", "two", "all"])
def test_leaving_out_gives_the_same(rng: np.random.Generator, channels: list[int]) -> None:
    conv = Conv2d(rng.standard_normal((16, 3, 3, 3)), padding=1)
    x, dy = rng.standard_normal((2, 3, 6, 7)), signals(rng, (2, 16, 6, 7), channels)
    whole = rung("reference").conv2d_dx(dy, conv.weight, (6, 7), (1, 1), (1, 1), (1, 1), 1)
    np.testing.assert_allclose(conv.backward(dy, conv.forward(x)[1]), whole, rtol=1e-13, atol=1e-13)
    linear, dy = Linear(rng.standard_normal((16, 5))), signals(rng, (3, 16), channels)
    found = linear.backward(dy, linear.forward(rng.standard_normal((3, 5)))[1])
    np.testing.assert_allclose(found, dy @ linear.weight, rtol=1e-13, atol=1e-13)


def test_what_is_left_is_what_has_a_signal(rng: np.random.Generator) -> None:
    weight = rng.standard_normal((16, 2))
    few, rows = without_zero_channels(signals(rng, (2, 16, 3, 3), [4, 9]), weight)
    assert few.shape == (2, 2, 3, 3)
    np.testing.assert_array_equal(rows, weight[[4, 9]])
    many = signals(rng, (2, 16, 3, 3), list(range(5)))
    assert without_zero_channels(many, weight)[0] is many


def test_a_signal_away_from_the_middle_pixel_counts(rng: np.random.Generator) -> None:
    dy = signals(rng, (1, 16, 5, 5), list(range(16)))
    dy[:, :, 2, 2] = 0  # the pixel that is looked at first
    assert without_zero_channels(dy, rng.standard_normal((16, 2)))[0] is dy
    dy[:] = 0
    dy[0, 7, 4, 4], dy[0, 11, 0, 0] = np.nan, -1e-30
    few, rows = without_zero_channels(dy, np.eye(16))
    assert few.shape[1] == 2
    np.testing.assert_array_equal(rows, np.eye(16)[[7, 11]])


def test_the_rungs_get_only_what_has_a_signal(rng: np.random.Generator, monkeypatch) -> None:
    """The layers know nothing of it: `conv2d_dx` and `matmul_dx` leave the silent channels out for whoever calls."""
    given = []
    modules = rung(kernels.current())
    for package, name in (("convolution", "conv2d_dx"), ("product", "matmul")):
        function = getattr(modules, name)
        rungs = importlib.import_module(f"minitorch_viz_kernels.{package}").RUNGS
        monkeypatch.setitem(
            rungs._loaded,
            kernels.current(),
            SimpleNamespace(**{name: lambda *call, function=function: given.append(call[1].shape) or function(*call)}),
        )
    conv, linear = Conv2d(rng.standard_normal((16, 3, 3, 3)), padding=1), Linear(rng.standard_normal((16, 5)))
    conv.backward(signals(rng, (2, 16, 6, 7), [3]), conv.prepared(rng.standard_normal((2, 3, 6, 7))))
    linear.backward(signals(rng, (2, 16), [3, 5]), None)
    assert given == [(1, 3, 3, 3), (2, 5)]


def test_groups_stay_together(rng: np.random.Generator) -> None:
    conv = Conv2d(rng.standard_normal((16, 2, 3, 3)), padding=1, groups=4)
    dy = signals(rng, (1, 16, 4, 4), [6])
    whole = rung("reference").conv2d_dx(dy, conv.weight, (4, 4), (1, 1), (1, 1), (1, 1), 4)
    dx = conv.backward(dy, conv.forward(rng.standard_normal((1, 8, 4, 4)))[1])
    np.testing.assert_allclose(dx, whole, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_not_zero_is_any(rng: np.random.Generator, dtype: type) -> None:
    x = np.where(rng.random((40, 7, 9)) < 0.05, rng.standard_normal((40, 7, 9)), 0).astype(dtype)
    x[x == 0] *= rng.choice([-1, 1], (x == 0).sum()).astype(dtype)  # some are -0.0
    x[3, 1, 2], x[4, 2, 2], x[5, 0, 0] = np.nan, np.inf, np.finfo(dtype).tiny / 4
    for axis in (0, 1, (0, 2)):
        np.testing.assert_array_equal(not_zero(x, axis), np.any(x, axis))
        np.testing.assert_array_equal(not_zero(x[::2, :, ::3], axis), np.any(x[::2, :, ::3], axis))
