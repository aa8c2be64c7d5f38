"""Every rung gives what the plain loops give, on every example of every kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minitorch_viz_kernels.machine import registry
from minitorch_viz_kernels.machine.examples import Example
from tests.kernels.kernel_cases import CALLS, KERNELS, arrays, calls_of, expected, naming

TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}


def assert_close(got: Any, wanted: Any, dtype: Any) -> None:
    scale = np.max(np.abs(wanted), initial=1.0, where=np.isfinite(wanted))
    np.testing.assert_allclose(got, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


def check_against_the_loops(rung: Any, call: Example, dtype: Any) -> None:
    got = arrays(getattr(rung, call.kernel)(*call.arguments(dtype)))
    wanted = expected(call, dtype)
    assert len(got) == len(wanted)
    for ours, theirs in zip(got, wanted, strict=True):
        assert ours.shape == theirs.shape
        assert ours.dtype == (theirs.dtype if theirs.dtype in (np.int32, np.bool_) else dtype)
        assert ours.flags.writeable
        if theirs.dtype in (np.int32, np.bool_):
            np.testing.assert_array_equal(ours, theirs)
        else:
            assert_close(ours, theirs, dtype)


@pytest.mark.parametrize("kernel", KERNELS)
def test_rung_agrees_with_the_loops_and_keeps_the_dtype(module: Any, kernel: str) -> None:
    for call in calls_of(kernel):
        for dtype in (np.float64, np.float32):
            with naming(call):
                check_against_the_loops(module, call, dtype)


@pytest.mark.parametrize("dtype", [np.float64, pytest.param(np.float32, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_compiled_loops_are_the_loops(kernel: str, dtype: Any) -> None:
    """The naive rung, which is never chosen at run time."""
    pytest.importorskip("numba")
    for call in calls_of(kernel):
        with naming(call):
            check_against_the_loops(registry.rung("compiled"), call, dtype)


def spread_out(value: Any) -> Any:
    """The same numbers with gaps between them, and the axes laid out the other way round."""
    if isinstance(value, tuple):
        return tuple(map(spread_out, value))
    if not isinstance(value, np.ndarray):
        return value
    wide = np.zeros((*value.shape[::-1][:-1], 2 * value.shape[0]), value.dtype)
    gaps = wide[..., ::2].T
    gaps[...] = value
    gaps.flags.writeable = False
    return gaps


@pytest.mark.parametrize("kernel", KERNELS)
def test_arrays_need_not_be_contiguous(module: Any, kernel: str) -> None:
    compute = getattr(module, kernel)
    for call in calls_of(kernel):
        packed = call.arguments(np.float64)
        with naming(call):
            for ours, theirs in zip(arrays(compute(*map(spread_out, packed))), arrays(compute(*packed)), strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-13)


def test_max_pooling_hands_back_the_pixel_itself(module: Any) -> None:
    x = np.array([[[[1.0, 5.0, 5.0], [5.0, 2.0, np.nan], [-np.inf, -np.inf, np.nan]]]])
    y, won = module.maxpool2d(x, (2, 2), (1, 1), (0, 0), (2, 2))
    np.testing.assert_array_equal(won[0, 0], [[1, 5], [3, 5]])  # the first five; the first NaN, though 5 came before
    np.testing.assert_array_equal(y[0, 0], x[0, 0].ravel()[won[0, 0]])


def test_padding_never_wins_even_over_minus_infinity(module: Any) -> None:
    x = np.full((1, 1, 2, 2), -np.inf)
    y, won = module.maxpool2d(x, (2, 2), (1, 1), (1, 1), (3, 3))
    assert (y == -np.inf).all()
    np.testing.assert_array_equal(won[0, 0], [[0, 0, 1], [0, 0, 1], [2, 2, 3]])


def test_pixels_that_no_window_saw_get_exactly_zero(module: Any) -> None:
    dx = module.conv2d_dx(np.ones((1, 1, 2, 2)), np.ones((1, 1, 1, 1)), (4, 4), (3, 3), (0, 0), (1, 1), 1)
    np.testing.assert_array_equal(dx[0, 0, ::3, ::3], 1)
    assert dx.sum() == 4


def test_blocks_of_rows_and_images_join_without_a_seam(module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    call = next(call for call in CALLS if str(call) == "conv2d-groups")
    backward = [call for call in CALLS if str(call) in ("conv2d_dx-groups", "conv2d_dw-groups")]
    home = module.conv2d.__globals__
    plans = ()
    if home["__name__"].endswith("numba_.choice"):
        from minitorch_viz_kernels.convolution.numba_ import direct_plan

        plans = (direct_plan.forward_plan, direct_plan.backward_plan)
        for name, value in (("BLOCK_WEIGHTS", 8), ("FEW_WEIGHTS", 0), ("BLOCK_PLACES", 3), ("SMALLEST_BLOCK", 10)):
            monkeypatch.setattr(direct_plan, name, value)
    else:
        monkeypatch.setitem(home, "BLOCK_NUMBERS", 100)
    try:
        for plan in plans:
            plan.cache_clear()  # or the plans of before would be followed
        for each in (call, *backward):
            (got,) = arrays(getattr(module, each.kernel)(*each.arguments(np.float64)))
            assert_close(got, expected(each, np.float64)[0], np.float64)
    finally:
        for plan in plans:
            plan.cache_clear()


def test_sums_over_many_places_join_without_a_seam(module: Any) -> None:
    rng = np.random.default_rng(0)
    dy, x = rng.standard_normal((2, 5, 20, 31)), rng.standard_normal((2, 3, 20, 31))  # Numba sums 256 places at a time
    for side, padding in ((1, 0), (3, 1)):
        dw = module.conv2d_dw(dy, x, (side, side), (1, 1), (padding, padding), (1, 1), 1)
        padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
        for u in range(side):
            for v in range(side):
                wanted = np.einsum("noij,ncij->oc", dy, padded[:, :, u : u + 20, v : v + 31])
                np.testing.assert_allclose(dw[:, :, u, v], wanted, rtol=1e-11, atol=1e-11)


def test_numba_compiles_each_loop_once_a_dtype_whatever_the_layout() -> None:
    pytest.importorskip("numba")
    from minitorch_viz_kernels.convolution import numba_
    from minitorch_viz_kernels.convolution.numba_ import direct

    if not hasattr(direct._convolve, "signatures"):
        pytest.skip("Numba's compiler is switched off")
    x, w = np.random.default_rng(0).standard_normal((2, 2, 5, 5)), np.ones((2, 2, 3, 3))
    geometry = ((1, 1), (0, 0), (1, 1), 1)
    for layout in (x, np.asfortranarray(x), x[:, ::-1], spread_out(x)):
        numba_.conv2d(layout, w, None, *geometry)
        numba_.conv2d(layout.astype(np.float32), w.astype(np.float32), None, *geometry)
    assert len(direct._convolve.signatures) <= 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 16, 11, 9), (1, 3, 14, 40), (9, 8, 6, 5)], ids=str)
def test_relu_cuts_off_what_is_negative(module: Any, shape: tuple[int, ...], dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x, b = rng.standard_normal(shape).astype(dtype), rng.standard_normal(24).astype(dtype)
    x[0, 1, 2, 2] = np.nan
    for side, stride in ((3, (1, 1)), (3, (2, 1)), (1, (1, 1))):
        w = rng.standard_normal((24, shape[1], side, side)).astype(dtype)
        geometry = (stride, (side // 2, side // 2), (1, 1), 1)
        plain = module.conv2d(x, w, b, *geometry)
        np.testing.assert_array_equal(module.conv2d(x, w, b, *geometry, True), np.maximum(plain, 0))
        assert np.isnan(plain).any()
        assert (plain < 0).any()
