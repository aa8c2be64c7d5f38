"""What stands beyond a border: hand-counted rows, adjoints, and convolutions whose opposite sides differ."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.layers import Conv1d, Conv2d, MaxPool2d, Pad

ROWS = {
    ("constant", (2, 1)): [0, 0, 1, 2, 3, 0],
    ("reflect", (2, 1)): [3, 2, 1, 2, 3, 2],
    ("replicate", (2, 4)): [1, 1, 1, 2, 3, 3, 3, 3, 3],
    ("circular", (2, 3)): [2, 3, 1, 2, 3, 1, 2, 3],
    ("constant", (-1, 1)): [2, 3, 0],
    ("constant", (-2, -1)): [],
}


@pytest.mark.parametrize(("mode", "padding"), ROWS)
def test_rows_counted_by_hand(mode, padding) -> None:
    y, _ = Pad(padding, mode).forward(np.array([[1.0, 2.0, 3.0]]))
    assert y.tolist() == [ROWS[mode, padding]]


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate", "circular"])
def test_backward_is_the_adjoint(mode, rng) -> None:
    """<Pad x, dy> = <x, Padᵀ dy>, with as much padding as each mode allows."""
    layer = Pad((2, 1, 0, 3), mode)
    x = rng.standard_normal((2, 3, 4, 3))
    y, saved = layer.forward(x)
    dy = rng.standard_normal(y.shape)
    assert float((y * dy).sum()) == pytest.approx(float((x * layer.backward(dy, saved)).sum()), rel=1e-12)


def test_another_value_stands_there_as_a_bias_does() -> None:
    layer = Pad((1, 1), value=5)
    y, saved = layer.forward(np.array([[1.0, 2.0]]))
    assert y.tolist() == [[5, 1, 2, 5]]
    assert layer.backward(np.array([[1.0, 2.0, 3.0, 4.0]]), saved).tolist() == [[2, 3]]


@pytest.mark.parametrize("kernel", [(1, 1), (2, 2), (3, 4), (5, 2)])
@pytest.mark.parametrize("dilation", [1, (2, 3)])
def test_same_keeps_the_size(kernel, dilation, rng) -> None:
    layer = Conv2d(rng.standard_normal((2, 3, *kernel)), padding="same", dilation=dilation)
    y, _ = layer.forward(rng.standard_normal((1, 3, 7, 9)))
    assert y.shape == (1, 2, 7, 9)
    assert layer.replace(bias=np.zeros(2)).padding == layer.padding


def test_words_and_numbers_for_the_same_padding(rng) -> None:
    w = rng.standard_normal((1, 1, 3, 3))
    assert Conv2d(w, padding="same").padding == Conv2d(w, padding=(1, 1, 1, 1)).padding == (1, 1)
    assert Conv2d(w, padding="valid").padding == (0, 0)
    assert Conv2d(w, padding=(0, 1, 2, 3)).padding == (0, 1, 2, 3)


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_a_border_of_its_own_is_the_pad_before_the_convolution(mode, rng) -> None:
    w, x = rng.standard_normal((2, 2, 3, 2)), rng.standard_normal((2, 2, 5, 6))
    conv = Conv2d(w, padding=(2, 0, 1, 3), padding_mode=mode)
    pad = Pad((1, 3, 2, 0), "constant" if mode == "zeros" else mode)
    y, saved = conv.forward(x)
    padded, of_pad = pad.forward(x)
    plain, of_plain = Conv2d(w).forward(padded)
    np.testing.assert_allclose(y, plain, rtol=1e-14)
    dy = rng.standard_normal(y.shape)
    np.testing.assert_allclose(
        conv.backward(dy, saved), pad.backward(Conv2d(w).backward(dy, of_plain), of_pad), rtol=1e-12
    )
    np.testing.assert_array_equal(conv.input_of(saved), x)


def test_a_causal_convolution_sees_no_future(rng) -> None:
    layer = Conv1d(rng.standard_normal((1, 1, 4)), padding=(3, 0))
    x = rng.standard_normal((1, 1, 6))
    y, _ = layer.forward(x)
    later = x.copy()
    later[..., 4:] += 1
    moved = layer.forward(later)[0] != y
    assert moved[0, 0].tolist() == [False] * 4 + [True] * 2


BAD = {
    "same with a stride": (lambda x: Conv2d(np.ones((1, 1, 3, 3)), stride=2, padding="same"), SettingError, "stride"),
    "another word": (lambda x: Conv2d(np.ones((1, 1, 3, 3)), padding="half"), SettingError, '"same"'),
    "one below 0": (lambda x: Conv2d(np.ones((1, 1, 3, 3)), padding=(0, 0, 0, -1)), SettingError, "at least 0"),
    "odd count": (lambda x: Pad((1, 2, 3)), SettingError, "two numbers an axis"),
    "unknown mode": (lambda x: Pad((1, 1), "mirror"), SettingError, "mode 'mirror'"),
    "taking away mirrors": (lambda x: Pad((-1, 1), "reflect"), SettingError, "constant mode"),
    "no numbers": (lambda x: Pad("1"), SettingError, "whole numbers"),
    "too many axes": (lambda x: Pad((1, 1) * 4).forward(x), ShapeError, "more axes"),
    "mirror too wide": (lambda x: Pad((4, 0), "reflect").forward(x), ShapeError, "Mirroring 4 places"),
    "around too wide": (lambda x: Pad((5, 0), "circular").forward(x), ShapeError, "Going around 5 places"),
    "all taken away": (lambda x: Pad((-3, -3)).forward(x), ShapeError, "takes away more"),
    "whole numbers": (lambda x: Pad((1, 1)).forward(x.astype(int)), ShapeError, "float32"),
    "pool that holds nothing": (
        lambda x: MaxPool2d(2, 1, 2, dilation=3).forward(x[:, :, :1, :1]),
        ShapeError,
        "hold no pixel",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_padding_is_answered_with_a_sentence(what) -> None:
    action, error, words = BAD[what]
    with pytest.raises(error) as caught:
        action(np.ones((1, 1, 4, 4)))
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")
