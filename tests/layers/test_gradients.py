"""Every entry of every gradient of every layer, against finite differences; and the checker against planted bugs."""

from __future__ import annotations

import numpy as np
import pytest

import minitorch_viz_kernels as kernels
from minitorch_viz.errors import NotDifferentiableError
from minitorch_viz.layers import (
    LSTM,
    BatchNorm2d,
    Conv2d,
    Embedding,
    Linear,
    MaxPool2d,
    Tanh,
    UpsampleNearest,
    all_layers,
    softmax_cross_entropy,
)
from tests.layers.layer_cases import CASES, Case, cases_of, check_gradients, differentiable, gradients, slope

TOLERANCE = 1e-7


@pytest.mark.parametrize("module", ["numpy", "numba"])
@pytest.mark.parametrize("name", CASES)
def test_every_gradient_entry_agrees_with_finite_differences(name, module):
    if module == "numba":
        pytest.importorskip("numba")
    with kernels.use(module):
        report = check_gradients(CASES[name])
    assert report, "nothing was checked"
    for array, (error, skipped) in report.items():
        assert error < TOLERANCE, f"{array} of {CASES[name].layer!r}: relative error {error:.1e}"
        assert skipped <= 0.1, f"{array} of {CASES[name].layer!r}: {skipped:.0%} of the entries lie near a kink"


@pytest.mark.parametrize("cls", all_layers())
def test_there_are_at_least_six_shapes(cls):
    examples = cls.examples(np.random.default_rng(0))
    kinds = {(repr(layer), tuple(x.shape for x in inputs)) for layer, inputs in examples}
    assert len(kinds) >= 6
    assert all(x.dtype == np.float64 or x.dtype.kind == "i" for _, inputs in examples for x in inputs)
    assert any(inputs[0].shape[0] == 1 for _, inputs in examples)
    assert any(inputs[0].shape[0] > 1 for _, inputs in examples)


@pytest.mark.parametrize("name", CASES)
def test_examples_use_every_parameter(name):
    """A parameter without a gradient, or a gradient without a parameter, is a wrong name."""
    case = CASES[name]
    y, saved = case.forward()
    assert gradients(case, np.ones_like(y), saved).keys() == differentiable(case).keys()


def test_words_have_no_gradient(rng):
    layer, inputs = Embedding.examples(rng)[0]
    y, saved = layer.forward(*inputs)
    with pytest.raises(NotDifferentiableError, match="with respect to the embedding node"):
        layer.backward(y, saved)


def test_repeated_words_add_up_in_the_table():
    layer = Embedding(np.zeros((4, 2)))
    _, saved = layer.forward(np.array([[1, 1, 3], [1, 0, 3]]))
    dw = layer.param_grads(np.ones((2, 3, 2)), saved)["weight"]
    np.testing.assert_array_equal(dw, [[1, 1], [3, 3], [0, 0], [2, 2]])


@pytest.mark.parametrize(("shape", "axis"), [((4, 3), 1), ((2, 3, 2, 2), 1), ((2, 3, 4), 2)])
@pytest.mark.parametrize("kind", ["classes", "probabilities"])
def test_softmax_cross_entropy_gradient(rng, shape, axis, kind):
    logits = rng.standard_normal(shape)
    if kind == "classes":
        labels = rng.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :])
    else:
        labels = rng.random(shape)
        labels /= labels.sum(axis=axis, keepdims=True)
    _, dlogits = softmax_cross_entropy(logits, labels, axis)
    for index in np.ndindex(shape):

        def at(step, index=index):
            moved = logits.copy()
            moved[index] += step
            return softmax_cross_entropy(moved, labels, axis)[0], []

        assert abs(slope(at) - dlogits[index]) < TOLERANCE * np.abs(dlogits).max()


# ---------------------------------------------------------------- the checker must be able to fail


class AlmostTanh(Tanh):  # wrong by one part in a million
    def backward(self, dy, saved):
        return super().backward(dy, saved) * (1 + 1e-6)


class ForgetfulPool(MaxPool2d):  # a pixel that wins two windows keeps one of them
    def backward(self, dy, saved):
        dx = np.zeros((*dy.shape[:2], saved.size[0] * saved.size[1]))
        flat = saved.won.reshape(*saved.won.shape[:2], -1)
        np.put_along_axis(dx, flat, dy.reshape(flat.shape), axis=2)
        return dx.reshape(*dy.shape[:2], *saved.size)


class ConstantStatistics(BatchNorm2d):  # forgets that mean and variance depend on x
    def backward(self, dy, saved):
        return super().backward(dy, saved._replace(values=0))


class ShortMemory(LSTM):  # the memory's gradient stops at the first forget gate
    def backward(self, dy, saved):
        return super().backward(dy, saved._replace(f=saved.f * 0))


class BiasByMean(Linear):
    def param_grads(self, dy, saved):
        grads = super().param_grads(dy, saved)
        return grads | {"bias": grads["bias"] / len(dy)} if "bias" in grads else grads


class FlippedFilters(Conv2d):
    def backward(self, dy, saved):
        flipped = Conv2d.replace(self, weight=self.weight[:, :, ::-1, ::-1].copy())
        return Conv2d.backward(flipped, dy, saved)


class OnePixelOfEachBlock(UpsampleNearest):
    def backward(self, dy, saved):
        return super().backward(dy, saved) if self.size else dy[:, :, :: self.factor[0], :: self.factor[1]] * 1.0


BUGS = [AlmostTanh, ForgetfulPool, ConstantStatistics, ShortMemory, BiasByMean, FlippedFilters, OnePixelOfEachBlock]


@pytest.mark.parametrize("bug", BUGS)
def test_the_checker_finds_planted_bugs(bug):
    worst = max(error for case in cases_of(bug).values() for error, _ in check_gradients(case).values())
    assert worst > 5 * TOLERANCE


def test_the_checker_skips_kinks_and_says_so():
    x = np.array([[[[1.0, 1.0 + 1e-4]], [[2.0, 0.0]]]])  # the first channel is nearly tied
    (error, skipped) = check_gradients(Case(MaxPool2d((1, 2)), (x,)))["input 0"]
    assert skipped == 0.5
    assert error < TOLERANCE
