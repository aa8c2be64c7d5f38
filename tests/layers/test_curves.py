"""The curves of activations: their values to the last digits, and far out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erfc, expit, ndtr

from minitorch_viz.layers import ELU, GELU, SELU, Hardsigmoid, Hardswish, Kind, ReLU6, SiLU, Softplus, all_layers
from minitorch_viz_kernels.curves.numpy_ import normal_share

FAR = np.concatenate([np.linspace(-40, 40, 8001), [-1e4, -200.0, 0.0, 200.0, 1e4]])
CURVES = [kind for kind in all_layers() if kind.kind is Kind.GATES and not kind.param_names and not kind.uses_rng]


def test_the_share_below_is_right_to_the_last_digits_on_both_sides() -> None:
    x = np.linspace(-8, 8, 4001)
    np.testing.assert_allclose(normal_share(x), ndtr(x), rtol=2e-14)
    far = np.linspace(-37, -8, 300)  # beyond, the share is below the smallest double
    np.testing.assert_allclose(normal_share(far), erfc(-far / np.sqrt(2)) / 2, rtol=1e-12)
    assert normal_share(np.array([-np.inf, 0.0, np.inf])).tolist() == [0.0, 0.5, 1.0]
    assert np.isnan(normal_share(np.array([np.nan])))[0]


def test_gelu_and_silu_are_what_their_papers_say() -> None:
    x = np.linspace(-6, 6, 1001)
    np.testing.assert_allclose(GELU().forward(x)[0], x * ndtr(x), rtol=1e-13, atol=1e-16)
    np.testing.assert_allclose(SiLU().forward(x)[0], x * expit(x), rtol=1e-13, atol=1e-16)
    assert GELU().forward(x)[0].min() == pytest.approx(-0.16997, abs=1e-5)
    assert SiLU().forward(x)[0].min() == pytest.approx(-0.27846, abs=1e-5)
    apart = np.abs(GELU("tanh").forward(x)[0] - GELU().forward(x)[0])
    assert 1e-4 < apart.max() < 5e-4


def test_hard_curves_meet_the_soft_ones_at_0_and_far_out() -> None:
    x = np.array([-10.0, 0.0, 10.0])
    np.testing.assert_allclose(Hardsigmoid().forward(x)[0], expit(x), atol=1e-4)
    np.testing.assert_allclose(Hardswish().forward(x)[0], x * expit(x), atol=1e-3)
    assert ReLU6().forward(x)[0].tolist() == [0, 0, 6]


@pytest.mark.parametrize("kind", CURVES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows_far_out(kind: type, dtype: type) -> None:
    """Every warning is an error in these tests."""
    layer = kind()
    x = FAR.astype(dtype)
    y, saved = layer.forward(x)
    dx = layer.backward(np.ones_like(x), saved)
    assert y.dtype == dx.dtype == dtype
    assert np.isfinite(y).all()
    assert np.isfinite(dx).all()
    assert (np.abs(y) <= 2 * np.abs(x) + 1).all()
    assert (np.abs(dx) <= 2).all()


@pytest.mark.parametrize("kind", CURVES, ids=lambda kind: kind.__name__)
def test_nan_stays_nan(kind: type) -> None:
    y, _ = kind().forward(np.array([[np.nan, 1.0]]))
    assert np.isnan(y[0]).tolist() == [True, False]


def test_selu_keeps_mean_0_and_variance_1() -> None:
    y, _ = SELU().forward(np.random.default_rng(0).standard_normal(400_000))
    assert abs(y.mean()) < 0.01
    assert abs(y.var() - 1) < 0.01


def test_elu_and_softplus_near_the_corner() -> None:
    tiny = np.array([-1e-9, 1e-9])
    np.testing.assert_allclose(ELU().forward(tiny)[0], tiny, rtol=1e-8)  # exp(x) - 1 would have lost half the digits
    np.testing.assert_allclose(
        Softplus(100.0).forward(np.array([-1.0, 0.0, 1.0]))[0], [0, np.log(2) / 100, 1], atol=1e-15
    )
