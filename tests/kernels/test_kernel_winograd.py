"""Winograd's convolution: as exact as it says, only where the table says, and never from stale weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minitorch_viz_kernels as kernels

pytest.importorskip("numba")

from minitorch_viz_kernels import numba_conv, numba_winograd

ONE = (1, 1)

# N, C, O, (H, W), padding: sizes that are no multiples of 4, single pixels, more padding than filter, crops, batches,
# channels that fill no vector, one chunk and several, one block of tiles and several.
SHAPES: list[tuple[Any, ...]] = [
    (1, 1, 1, (1, 1), (1, 1)),
    (2, 3, 5, (7, 6), (1, 1)),
    (1, 17, 33, (13, 14), (0, 0)),
    (3, 20, 40, (21, 18), (2, 2)),
    (1, 70, 40, (9, 5), (4, 3)),
    (1, 8, 9, (3, 33), (5, 0)),
    (1, 130, 16, (4, 4), (1, 1)),
    (2, 16, 70, (61, 37), (1, 1)),
    (1, 5, 8, (3, 260), (0, 2)),
    (0, 8, 8, (5, 5), (1, 1)),
]


def draw(shape: tuple[int, ...], seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def exact(kernel: str, *call: Any) -> Any:
    """The direct sum in float64, on the same numbers."""
    widened = (np.float64(value) if isinstance(value, np.ndarray) else value for value in call)
    with kernels.use("numpy"):
        return getattr(kernels, kernel)(*widened)


def error(got: Any, wanted: Any) -> float:
    assert got.shape == wanted.shape
    assert got.dtype == np.float32
    return float(np.abs(got - wanted).max(initial=0) / np.abs(wanted).max(initial=1e-30))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_forward_and_dx_are_the_direct_sum(shape: tuple[Any, ...]) -> None:
    n, c, o, size, padding = shape
    x, w, b = draw((n, c, *size)), draw((o, c, 3, 3), 1), draw((o,), 2)
    wanted = exact("conv2d", x, w, b, ONE, padding, ONE, 1)
    assert error(numba_winograd.conv3x3(x, w, b, padding), wanted) < 1e-5
    dy = draw(wanted.shape, 3)
    dx = numba_winograd.conv3x3(dy, w, None, (2 - padding[0], 2 - padding[1]), backward=True)
    assert error(dx, exact("conv2d_dx", dy, w, size, ONE, padding, ONE, 1)) < 1e-5


@pytest.mark.parametrize(
    ("c", "o", "side"), [(64, 64, 40), (512, 512, 14), (256, 256, 20), (16, 64, 55), (160, 320, 7), (192, 384, 13)]
)
def test_error_on_layers_of_the_nets(c: int, o: int, side: int) -> None:
    x = np.maximum(draw((1, c, side, side)), 0)  # what a ReLU leaves
    w = draw((o, c, 3, 3), 1) * np.float32(np.sqrt(2 / (9 * c)))
    assert numba_conv.algorithm(w, ONE, ONE, 1) == "winograd"
    with kernels.use("numba"):
        assert error(kernels.conv2d(x, w, None, ONE, ONE, ONE, 1), exact("conv2d", x, w, None, ONE, ONE, ONE, 1)) < 1e-4
        dy = draw((1, o, side, side), 2)
        dx = kernels.conv2d_dx(dy, w, (side, side), ONE, ONE, ONE, 1)
    assert error(dx, exact("conv2d_dx", dy, w, (side, side), ONE, ONE, ONE, 1)) < 1e-4


def test_the_table_of_algorithms() -> None:
    def choice(o: int, c: int, side: int = 3, stride: int = 1, groups: int = 1, backward: bool = False) -> str:
        w = np.zeros((o, c, side, side), np.float32)
        return numba_conv.algorithm(w, (stride, stride), ONE, groups, backward)

    assert choice(64, 16) == "winograd"
    assert choice(64, 3) == "direct"
    assert choice(64, 3, backward=True) == "winograd"  # reads 64 channels
    assert choice(8, 8) == "direct"
    assert choice(64, 64, side=5) == choice(64, 64, stride=2) == choice(64, 64, groups=2) == "direct"
    assert numba_conv.algorithm(np.zeros((64, 64, 3, 3)), ONE, ONE, 1) == "direct"  # float64


def test_float64_never_comes_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("Winograd was called")

    monkeypatch.setattr(numba_conv, "conv3x3", refuse)
    x, w = draw((1, 16, 9, 9)), draw((16, 16, 3, 3), 1)
    with kernels.use("numba"):
        with pytest.raises(AssertionError, match="Winograd"):  # the trap works
            kernels.conv2d(x, w, None, ONE, ONE, ONE, 1)
        x, w = np.float64(x), np.float64(w)
        y = kernels.conv2d(x, w, None, ONE, ONE, ONE, 1)
        dx = kernels.conv2d_dx(x, w, (9, 9), ONE, ONE, ONE, 1)
    np.testing.assert_allclose(y, exact("conv2d", x, w, None, ONE, ONE, ONE, 1), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(dx, exact("conv2d_dx", x, w, (9, 9), ONE, ONE, ONE, 1), rtol=1e-12, atol=1e-12)


def test_weights_changed_in_place_are_seen() -> None:
    x, w = draw((1, 16, 9, 9)), draw((16, 16, 3, 3), 1)
    with kernels.use("numba"):
        before = kernels.conv2d(x, w, None, ONE, ONE, ONE, 1)
        w *= 2
        np.testing.assert_allclose(kernels.conv2d(x, w, None, ONE, ONE, ONE, 1), 2 * before, rtol=1e-6)
        w[3] = 0
        assert not kernels.conv2d(x, w, None, ONE, ONE, ONE, 1)[:, 3].any()


def test_a_nan_stays_in_the_tiles_that_see_it() -> None:
    x, w = draw((1, 16, 24, 24)), draw((16, 16, 3, 3), 1)
    x[0, 3, 2, 2] = np.nan
    with kernels.use("numba"):
        y = kernels.conv2d(x, w, None, ONE, ONE, ONE, 1)
    assert np.isnan(y[..., 1:4, 1:4]).all()
    assert np.isfinite(y[..., 8:, 8:]).all()
