"""What the docstrings claim, each claim once: adjoints, folding, carried states, expectations, stability."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.layers import (
    LSTM,
    Add,
    BatchNorm2d,
    Concat,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    Linear,
    LocalResponseNorm,
    LogSoftmax,
    Sigmoid,
    Softmax,
    UpsampleNearest,
    fold_batch_norm,
    softmax_cross_entropy,
)


def test_transposed_convolution_is_a_convolution_with_its_passes_swapped(rng):
    weight = rng.standard_normal((4, 3, 3, 3))
    conv = Conv2d(weight, stride=2, padding=1)
    transposed = ConvTranspose2d(weight, stride=2, padding=1)
    image, small = rng.standard_normal((2, 3, 7, 9)), rng.standard_normal((2, 4, 4, 5))
    y, saved = conv.forward(image)
    back, transposed_saved = transposed.forward(small)
    np.testing.assert_array_equal(back, conv.backward(small, saved))
    np.testing.assert_array_equal(transposed.backward(image, transposed_saved), y)
    assert (y * small).sum() == pytest.approx((image * back).sum(), rel=1e-12)


def test_transposed_convolution_paints_filters(rng):
    """By hand: each pixel adds its filters, scaled, at stride times its place; padding is cut off, the rest added."""
    layer = ConvTranspose2d(rng.standard_normal((2, 3, 3, 2)), rng.standard_normal(3), 3, 1, (2, 1), dilation=(1, 2))
    x = rng.standard_normal((1, 2, 2, 3))
    canvas = np.zeros((3, 3 * 1 + 3 + 2, 3 * 2 + 2 * 1 + 1 + 1))
    for c, i, j, u, v in np.ndindex(2, 2, 3, 3, 2):
        canvas[:, 3 * i + u, 3 * j + 2 * v] += x[0, c, i, j] * layer.weight[c, :, u, v]
    expected = canvas[:, 1:-1, 1:-1] + layer.bias[:, None, None]
    np.testing.assert_allclose(layer.forward(x)[0][0], expected, rtol=1e-12, atol=1e-12)


def test_mirrored_padding_is_a_padded_image(rng):
    weight, x = rng.standard_normal((2, 3, 3, 3)), rng.standard_normal((1, 3, 5, 6))
    y, _ = Conv2d(weight, padding=(1, 2), padding_mode="reflect").forward(x)
    mirrored = np.pad(x, ((0, 0), (0, 0), (1, 1), (2, 2)), mode="reflect")
    np.testing.assert_array_equal(y, Conv2d(weight).forward(mirrored)[0])


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
def test_folded_batch_norm_computes_the_same(rng, bias, affine):
    norm = BatchNorm2d(
        rng.standard_normal(4) if affine else None,
        rng.standard_normal(4) if affine else None,
        running_mean=rng.standard_normal(4),
        running_var=rng.uniform(0.1, 3, 4),
    )
    conv = Conv2d(rng.standard_normal((4, 2, 3, 3)), rng.standard_normal(4) if bias else None, stride=2, padding=1)
    x = rng.standard_normal((2, 2, 6, 5))
    expected = norm.forward(conv.forward(x)[0])[0]
    np.testing.assert_allclose(fold_batch_norm(conv, norm).forward(x)[0], expected, rtol=1e-12, atol=1e-12)
    linear = Linear(rng.standard_normal((4, 3)), rng.standard_normal(4) if bias else None)
    x = rng.standard_normal((2, 3))
    expected = norm.forward(linear.forward(x)[0][:, :, None, None])[0][:, :, 0, 0]
    np.testing.assert_allclose(fold_batch_norm(linear, norm).forward(x)[0], expected, rtol=1e-12, atol=1e-12)


def test_batch_norm_normalizes_a_training_batch(rng):
    layer = BatchNorm2d.fresh(3).astype(np.float64)
    y, saved = layer.forward(5 + 2 * rng.standard_normal((4, 3, 5, 5)), rng=rng)
    np.testing.assert_allclose(y.mean(axis=(0, 2, 3)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axis=(0, 2, 3)), 1, rtol=1e-4)
    assert saved.values == 100
    new = layer.with_running_stats(saved)
    np.testing.assert_allclose(new.running_mean, 0.1 * saved.mean)
    np.testing.assert_allclose(new.running_var, 0.9 + 0.1 * saved.var * 100 / 99)
    np.testing.assert_array_equal(layer.running_mean, 0)


def test_dropout_keeps_the_expectation(rng):
    x = np.ones((100, 1000), np.float32)
    y, saved = Dropout(0.3).forward(x, rng=rng)
    assert y.mean() == pytest.approx(1, abs=0.01)
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.01)
    np.testing.assert_array_equal(y, saved.factor)
    again, _ = Dropout(0.3).forward(x, rng=np.random.default_rng(3))
    same, _ = Dropout(0.3).forward(x, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(again, same)
    assert Dropout(0.3).forward(x)[0] is x


@pytest.mark.parametrize("divide", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 8])
def test_local_response_norm_by_its_formula(rng, size, divide):
    x = rng.standard_normal((1, 6, 1, 2))
    layer = LocalResponseNorm(size, alpha=0.7, beta=0.6, k=1.5, divide_alpha=divide)
    expected = np.empty_like(x)
    for c in range(6):
        window = x[:, max(0, c - size // 2) : c + (size - 1) // 2 + 1]
        a = 0.7 / size if divide else 0.7
        expected[:, c] = x[:, c] / (1.5 + a * (window**2).sum(axis=1)) ** 0.6
    np.testing.assert_allclose(layer.forward(x)[0], expected, rtol=1e-12)


def test_a_sequence_may_be_read_in_two_pieces(rng):
    layer = LSTM.random(rng, 3, 4).astype(np.float64)
    x = rng.standard_normal((2, 7, 3))
    whole, saved = layer.forward(x)
    first, first_saved = layer.forward(x[:, :3])
    second, second_saved = layer.forward(x[:, 3:], first_saved.h[:, -1], first_saved.c[:, -1])
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, rtol=1e-12)

    dy = rng.standard_normal(whole.shape)
    dx, dh0, dc0 = layer.backward(dy[:, 3:], second_saved)
    np.testing.assert_allclose(dx, layer.backward(dy, saved)[:, 3:], rtol=1e-9, atol=1e-12)
    assert dh0.shape == dc0.shape == (2, 4)


def test_lstm_by_its_formula(rng):
    """Step by step and gate by gate, as the docstring writes it."""
    layer = LSTM.random(rng, 2, 3).astype(np.float64)
    x = rng.standard_normal((1, 4, 2))
    h, saved = layer.forward(x)
    now_h, now_c = np.zeros(3), np.zeros(3)
    b = layer.bias_ih_l0 + layer.bias_hh_l0
    for t in range(4):
        z = layer.weight_ih_l0 @ x[0, t] + layer.weight_hh_l0 @ now_h + b
        i, f, g, o = z[:3], z[3:6], z[6:9], z[9:]
        i, f, g, o = 1 / (1 + np.exp(-i)), 1 / (1 + np.exp(-f)), np.tanh(g), 1 / (1 + np.exp(-o))
        now_c = f * now_c + i * g
        now_h = o * np.tanh(now_c)
        for name, value in {"i": i, "f": f, "g": g, "o": o, "c": now_c, "h": now_h}.items():
            np.testing.assert_allclose(getattr(saved, name)[0, t], value, rtol=1e-12)
    assert h is saved.h
    np.testing.assert_array_equal(layer.bias_ih_l0[3:6] + layer.bias_hh_l0[3:6], 1)  # forget gates start open


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_scores_neither_overflow_nor_vanish(dtype):
    x = np.array([[-1e4, -100, 0, 100, 1e4]], dtype)
    y, saved = Sigmoid().forward(x)
    np.testing.assert_allclose(y, [[0, 0 if dtype == np.float32 else np.exp(-100), 0.5, 1, 1]], rtol=1e-6, atol=1e-40)
    assert np.isfinite(Sigmoid().backward(x, saved)).all()
    np.testing.assert_array_equal(Softmax().forward(x)[0], [[0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(LogSoftmax().forward(x)[0], x - x.max())
    loss, dlogits = softmax_cross_entropy(x, np.array([0]))
    assert loss == 2e4
    np.testing.assert_array_equal(dlogits, [[-1, 0, 0, 0, 1]])
    assert dlogits.dtype == dtype


def test_softmax_sums_to_one_and_ignores_a_constant(rng):
    x = rng.standard_normal((3, 5, 2))
    y, _ = Softmax().forward(x)
    np.testing.assert_allclose(y.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(Softmax().forward(x + 17)[0], y, rtol=1e-12)
    np.testing.assert_allclose(LogSoftmax().forward(x)[0], np.log(y), rtol=1e-12)


def test_uniform_scores_cost_the_logarithm_of_the_classes():
    loss, dlogits = softmax_cross_entropy(np.zeros((2, 10)), np.array([3, 9]))
    assert loss == pytest.approx(np.log(10))
    np.testing.assert_allclose(dlogits.sum(axis=1), 0, atol=1e-15)
    one_hot = np.eye(10)[[3, 9]]
    assert softmax_cross_entropy(np.zeros((2, 10)), one_hot)[0] == pytest.approx(loss)


def test_joins(rng):
    a, b = rng.standard_normal((2, 1, 3, 2, 2))
    y, saved = Concat().forward(a, b)
    np.testing.assert_array_equal(y, np.hstack([a, b]))
    for found, x in zip(Concat().backward(y, saved), (a, b), strict=True):
        np.testing.assert_array_equal(found, x)
    y, saved = Add().forward(a, b, a)
    np.testing.assert_array_equal(y, a + b + a)
    assert all(dx is y for dx in Add().backward(y, saved))


def test_upsampling_makes_blocks():
    x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    y, saved = UpsampleNearest((2, 3)).forward(x)
    np.testing.assert_array_equal(y[0, 0], np.kron(x[0, 0], np.ones((2, 3))))
    np.testing.assert_array_equal(UpsampleNearest((2, 3)).backward(y, saved), 6 * x)


def test_random_layers_keep_the_signals_size(rng):
    """He's initialization: after a ReLU the mean square stays about the same."""
    x = rng.standard_normal((4, 64, 16, 16), dtype=np.float32)
    for layer in (Conv2d.random(rng, 64, 64, 3), ConvTranspose2d.random(rng, 64, 64, 4, stride=2, padding=1)):
        y = np.maximum(layer.forward(x)[0][..., 2:-2, 2:-2], 0)
        assert (y**2).mean() == pytest.approx(1, abs=0.15)
    y = np.maximum(Linear.random(rng, 64, 64).forward(x.transpose(0, 2, 3, 1))[0], 0)
    assert (y**2).mean() == pytest.approx(1, abs=0.15)
