"""Every loss of the folder: finite differences, PyTorch, known values, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError, SettingError, ShapeError
from minitorch_viz.gradcheck import check
from minitorch_viz.training import BinaryCrossEntropy, MeanSquaredError, SoftmaxCrossEntropy, losses

ALL = [(name, i) for name, kind in losses().items() for i in range(len(kind.examples(np.random.default_rng(0))))]


def example(name: str, i: int):
    return losses()[name].examples(np.random.default_rng(0))[i]


def test_the_folder_is_the_registry() -> None:
    assert losses() == {
        "binary_cross_entropy": BinaryCrossEntropy,
        "mean_squared_error": MeanSquaredError,
        "softmax_cross_entropy": SoftmaxCrossEntropy,
    }


@pytest.mark.parametrize(("name", "i"), ALL)
def test_the_gradient_is_the_losss(name: str, i: int) -> None:
    loss, y, target = example(name, i)
    check(lambda y: loss(y, target), None, {"y": y}).raise_if_wrong()


@pytest.mark.torch
@pytest.mark.parametrize(("name", "i"), ALL)
def test_it_is_pytorchs(name: str, i: int) -> None:
    torch = pytest.importorskip("torch")
    loss, y, target = example(name, i)
    kind, settings = loss.in_pytorch()
    theirs = torch.tensor(y, requires_grad=True)
    target_there = torch.tensor(target.astype(np.float64) if target.shape == y.shape else target)
    value = getattr(torch.nn, kind)(**settings)(theirs, target_there)
    value.backward()
    mine, dy = loss(y, target)
    np.testing.assert_allclose(mine, value.item(), rtol=1e-12)
    np.testing.assert_allclose(dy, theirs.grad.numpy(), rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize(("name", "i"), ALL)
def test_precision_and_inputs_stay(name: str, i: int) -> None:
    loss, y, target = example(name, i)
    y = y.astype(np.float32)
    y.flags.writeable = target.flags.writeable = False
    value, dy = loss(y, target)
    assert dy.dtype == np.float32
    assert dy.shape == y.shape
    assert type(value) is float


def test_known_values() -> None:
    """No knowledge costs log(number of classes), log 2 a label; numbers cost their squares."""
    assert SoftmaxCrossEntropy()(np.zeros((3, 10)), np.arange(3))[0] == pytest.approx(np.log(10))
    assert SoftmaxCrossEntropy(0.3)(np.zeros((3, 10)), np.arange(3))[0] == pytest.approx(np.log(10))
    assert BinaryCrossEntropy()(np.zeros((3, 4)), np.ones((3, 4)))[0] == pytest.approx(np.log(2))
    assert MeanSquaredError()(np.zeros((2, 2)), np.array([[1.0, 2], [0, 1]]))[0] == 1.5


def test_smoothing_leaves_a_loss_that_certainty_cannot_reach() -> None:
    """Szegedy et al. 2016: the best scores are finite; at them the loss is the entropy of the smoothed target."""
    target = np.array([0.1 / 3 + 0.9, 0.1 / 3, 0.1 / 3])
    loss, dy = SoftmaxCrossEntropy(0.1)(np.log(target)[None], np.array([0]))
    assert loss == pytest.approx(-(target * np.log(target)).sum())
    np.testing.assert_allclose(dy, 0, atol=1e-15)
    assert SoftmaxCrossEntropy(0.1)(np.array([[90.0, 0, 0]]), np.array([0]))[0] > loss


def test_scores() -> None:
    y = np.array([[2.0, 1, 0], [0, 1, 2]])
    assert SoftmaxCrossEntropy().score(y, np.array([0, 1])) == 0.5
    assert SoftmaxCrossEntropy().score(y, np.array([[1.0, 0, 0], [0, 0, 1]])) == 1.0
    assert BinaryCrossEntropy().score(y - 0.5, np.array([[1, 1, 0], [0, 0, 0]])) == pytest.approx(4 / 6)
    assert MeanSquaredError().score(y, y) is None


def test_extreme_scores_stay_finite() -> None:
    y = np.array([[1e4, -1e4]], np.float32)
    for loss, target in ((BinaryCrossEntropy(), np.array([[0, 1]])), (SoftmaxCrossEntropy(), np.array([1]))):
        value, dy = loss(y, target)
        assert value == pytest.approx(1e4 if loss == BinaryCrossEntropy() else 2e4)
        assert np.isfinite(dy).all()


Y = np.zeros((4, 3))
LABELS = np.array([0, 1, 2, 0])
CE, BCE, MSE = SoftmaxCrossEntropy(), BinaryCrossEntropy(), MeanSquaredError()
BAD = {
    "scores are a list": (lambda: CE([[1.0]], LABELS), ShapeError, "array.*list"),
    "scores are integers": (lambda: CE(Y.astype(int), LABELS), ShapeError, "int64"),
    "scores of half precision": (lambda: MSE(Y.astype(np.float16), Y), ShapeError, "float16"),
    "an empty batch": (lambda: CE(Y[:0], LABELS[:0]), ShapeError, r"at least one.*\(0, 3\)"),
    "a single number": (lambda: MSE(np.float64(1), np.float64(1)), ShapeError, "at least one"),
    "too few labels": (lambda: CE(Y, LABELS[:2]), ShapeError, r"\(4,\).*\(2,\)"),
    "label too large": (lambda: CE(Y, LABELS + 1), SettingError, "0 to 2.*1..3"),
    "negative label": (lambda: CE(Y, LABELS - 1), SettingError, "-1"),
    "labels are floats": (lambda: CE(Y, LABELS.astype(float)), ShapeError, "float64"),
    "rows that do not sum to 1": (lambda: CE(Y, Y), SettingError, "sum to 1"),
    "smoothing above 1": (lambda: SoftmaxCrossEntropy(1.1), SettingError, "smoothing.*1.1"),
    "smoothing is a text": (lambda: SoftmaxCrossEntropy("much"), SettingError, "'much'"),
    "axis of the batch": (lambda: SoftmaxCrossEntropy(axis=0), SettingError, "axis.*0"),
    "no such axis": (lambda: SoftmaxCrossEntropy(axis=2)(Y, LABELS), ShapeError, "axis 2"),
    "targets of another shape": (lambda: BCE(Y, LABELS), ShapeError, r"\(4, 3\).*\(4,\)"),
    "targets are a list": (lambda: BCE(Y, [[0, 1]]), ShapeError, "targets as an array.*list"),
    "targets above 1": (lambda: BCE(Y, Y + 2), SettingError, r"2\.\.2"),
    "targets that are nan": (lambda: BCE(Y, Y * np.nan), SettingError, "nan"),
    "targets that are texts": (lambda: MSE(Y, Y.astype(str)), ShapeError, "numbers"),
    "a column against a row": (lambda: MSE(np.zeros((4, 1)), np.zeros(4)), ShapeError, r"\(4, 1\).*\(4,\)"),
}


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(call, kind, message) -> None:
    with pytest.raises(MinitorchVizError, match=message) as caught:
        call()
    assert isinstance(caught.value, kind)
