"""What `check` accepts, and the sentences about what it cannot use."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.gradcheck import GradientError, check, check_layer, check_net
from minitorch_viz.layers import ReLU
from minitorch_viz.net import Net

X = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]])
W = np.array([[1.0, -1.0], [0.5, 2.0], [1.5, 0.25]])
NET = Net([("relu", ReLU())])


def square(x):
    return x * x, x


def square_back(dy, x):
    return 2 * dy * x


def flip_flop():
    shapes = iter([(2,), (2,), (3,)] * 50)
    return lambda x: np.zeros(next(shapes))


BAD = {
    "forward is no function": (lambda: check(3, square_back, (X,)), "forward must be a function"),
    "backward is no function": (lambda: check(square, X, (X,)), "backward must be a function"),
    "no inputs": (lambda: check(square, square_back, ()), "inputs is empty"),
    "inputs of a wrong kind": (lambda: check(square, square_back, "x"), "a tuple, a list or a dict, but got a str"),
    "an input that is no array": (lambda: check(square, square_back, (X, {"stride": 1})), "but got a dict"),
    "complex": (lambda: check(square, square_back, (X + 1j,)), "complex functions are not supported"),
    "words": (lambda: check(square, square_back, (np.array(["a"]),)), "needs numbers"),
    "objects": (lambda: check(square, square_back, (np.array([None]),)), "object values"),
    "integers only": (lambda: check(square, square_back, (np.arange(3),)), "integers, which have no derivative"),
    "an empty array": (lambda: check(square, square_back, (np.zeros((0, 3)),)), "no entries"),
    "too few names": (lambda: check(square, square_back, (X,), names=["a", "b"]), "1 different names"),
    "the same name twice": (lambda: check(square, square_back, (X, X), names=["a", "a"]), "2 different names"),
    "names for a dict": (lambda: check(square, square_back, {"x": X}, names=["a"]), "leave names away"),
    "step": (lambda: check(square, square_back, (X,), step=-1.0), "step must lie between 0 and 1"),
    "tolerance": (lambda: check(square, square_back, (X,), tolerance=2), "tolerance must be"),
    "max_entries": (lambda: check(square, square_back, (X,), max_entries=0), "max_entries must be"),
    "seed": (lambda: check(square, square_back, (X,), seed=-1), "seed must be"),
    "two outputs, a signature for neither": (
        lambda: check(lambda x: (x, x, x), lambda a, b, c, d: a, (X,)),
        r"must take \(dy1, dy2, cache\)",
    ),
    "an output that is no float array": (lambda: check(lambda x: (x, "a", x), square_back, (X,)), "output 1 is a str"),
    "names that forward does not take": (lambda: check(square, square_back, {"z": X}), r"forward takes \(x\)"),
    "without an input that is none": (lambda: check(square, square_back, (X,), without=["z"]), "without names 'z'"),
    "a complex output": (lambda: check(lambda x: x * 1j, square_back, (X,)), "its result is complex"),
    "an integer output": (lambda: check(lambda x: x.argmax(), lambda dy: dy, (X,)), "its result is int64"),
    "an empty output": (lambda: check(lambda x: x[:0], lambda dy: dy, (X,)), "without entries"),
    "changing shapes": (lambda: check(flip_flop(), lambda dy: dy, (X,)), "for the same inputs|after x moved"),
    "too many gradients": (lambda: check(square, lambda dy, x: (dy, dy), (X,)), "2 gradients, but there are 1 inputs"),
    "an unknown gradient": (lambda: check(square, lambda dy, x: {"y": dy}, (X,)), "a gradient for 'y'"),
    "no return": (lambda: check(square, lambda dy, x: None, (X,)), "is a return statement missing"),
    "a gradient that is no array": (lambda: check(square, lambda dy, x: "dx", (X,)), "its gradient of x is a str"),
    "backward's signature": (lambda: check(square, lambda: X, (X,)), r"must take \(dy, cache\)"),
    "no gradients anywhere": (lambda: check(lambda x: x.sum(), None, (X,)), "must return .value, gradients"),
    "no layer": (lambda: check_layer(ReLU, X), "needs a layer object"),
    "a needless generator": (lambda: check_layer(ReLU(), X, rng=np.random.default_rng(0)), "leave rng away"),
    "no net": (lambda: check_net(ReLU(), X), "use check_layer"),
    "the report's names": (lambda: check_layer(ReLU(), X)["y"], "has no 'y'"),
    "a word for a photo": (lambda: check_net(NET, "cat.png"), "input must be a NumPy array"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_get_a_sentence(case):
    call, words = BAD[case]
    with pytest.raises(MinitorchVizError, match=words) as caught:
        call()
    assert str(caught.value).rstrip().endswith((".", "?"))


def test_names_come_from_the_function_the_dict_or_the_caller():
    def product(a, b):
        return a * b, (a, b)

    def product_back(dy, cache):
        return dy * cache[1], dy * cache[0]

    assert [result.name for result in check(product, product_back, (X, X + 1)).results] == ["a", "b"]
    assert [result.name for result in check(product, product_back, (X, X + 1), names=("u", "v")).results] == ["u", "v"]
    by_name = check(product, lambda dy, c: {"da": dy * c[1], "grad_b": dy * c[0]}, {"a": X, "b": X + 1})
    assert by_name.ok
    assert check(lambda *xs: product(*xs), product_back, [X, X + 1])["x1"].verdict == "ok"


def test_functions_without_a_cache():
    class Layer:
        def forward(self, x):
            self.x = x
            return x * x

        def backward(self, dy):
            return 2 * dy * self.x

    layer = Layer()
    assert check(layer.forward, layer.backward, X).ok


def test_a_loss_that_returns_its_gradients():
    """CS231n: loss, grads = svm_loss(scores, labels)."""

    def loss(x, labels):
        margin = np.maximum(0, x - x[np.arange(2), labels][:, None] + 1)
        margin[np.arange(2), labels] = 0
        dx = (margin > 0).astype(float)
        dx[np.arange(2), labels] = -dx.sum(1)
        return margin.sum() / 2, dx / 2

    report = check(loss, None, (X, np.array([0, 2])))
    assert report.ok
    assert report["labels"].verdict == "not differentiable"


def test_a_loss_whose_backward_ignores_dy_gets_a_note():
    report = check(lambda x: (np.sum(x * x), x), lambda dy, x: 2 * x, (X,))
    assert report.ok
    assert "ignores dy for x" in report.notes[0]


def test_inputs_without_a_gradient_are_listed_as_not_given():
    report = check(lambda x, w: (x @ w, w), lambda dy, w: dy @ w.T, (X, W))
    assert report["w"].verdict == "not given"
    report = check(lambda x, w: (x @ w, x), lambda dy, x: (None, x.T @ dy), (X, W))
    assert [str(result.verdict) for result in report.results] == ["not given", "ok"]


AFFINE = (X, W, np.array([0.5, -1.0]))


def affine(x, w, b):
    return x @ w + b, (x, w)


def affine_back(dy, cache, kept=("x", "w", "b")):
    grads = {"x": dy @ cache[1].T, "w": cache[0].T @ dy, "b": dy.sum(0)}
    return tuple(grads[name] if name in kept else None for name in grads)


@pytest.mark.parametrize("kept", [("x", "w"), ("x",), ("b",), ("w", "b")])
@pytest.mark.parametrize("form", ["None", "fewer", "dict"])
def test_a_missing_gradient_is_a_failure_that_the_headline_names(kept, form):
    def backward(dy, cache):
        grads = affine_back(dy, cache, kept)
        given = {name: grad for name, grad in zip("xwb", grads, strict=True) if grad is not None}
        return given if form == "dict" else grads if form == "None" or kept[-1] == "b" else grads[: len(kept)]

    missing = [name for name in "xwb" if name not in kept]
    report = check(affine, backward, AFFINE)
    assert not report.ok
    assert all(report[name].verdict == "not given" for name in missing)
    assert f"right, but backward returned none for {', '.join(missing)}" in report.headline
    with pytest.raises(GradientError):
        report.raise_if_wrong()
    on_purpose = check(affine, backward, AFFINE, without=missing)
    assert on_purpose.ok
    assert all(on_purpose[name].verdict == "left out" for name in missing)
    assert check(affine, backward, AFFINE, names=[name if name in kept else None for name in "xwb"]).ok
    assert not check(affine, backward, AFFINE, without=missing[1:]).ok


def test_a_gradient_that_is_left_out_but_given_is_checked():
    assert not check(affine, lambda dy, c: (*affine_back(dy, c)[:2], dy.sum(0) * 2), AFFINE, without=["b"]).ok


def test_errors_of_the_functions_come_through_as_they_are():
    with pytest.raises(ZeroDivisionError):
        check(lambda x: 1 / 0, lambda dy: dy, (X,))


def test_scalars_and_zero_dimensional_arrays_are_inputs():
    report = check(lambda a, x: (a * x, (a, x)), lambda dy, c: (np.sum(dy * c[1]), dy * c[0]), (2.0, X))
    assert report.ok
    assert report["a"].shape == ()


def test_the_callers_arrays_stay_as_they_are():
    def writes(x):
        x *= 2
        return x * 1.0, None

    x = X.copy()
    assert check(writes, lambda dy, _: 2 * dy, (x,))["x"].verdict == "input was modified"
    assert np.array_equal(x, X)


def test_a_backward_that_writes_into_its_dy_gets_a_note():
    def backward(dy, x):
        dy *= 2 * x
        return dy

    report = check(square, backward, (X,))
    assert report.ok
    assert "writes into the dy" in report.notes[0]


@pytest.mark.parametrize("step", [1e-2, 1e-4, 1e-8, 1e-12])
def test_a_poor_first_step_is_improved(step):
    report = check(lambda x: (np.exp(x),) * 2, lambda dy, y: dy * y, (X,), step=step)
    assert report.ok
    assert report["x"].attainable < 2e-7


def test_the_same_seed_gives_the_same_report():
    first, again = (str(check(square, lambda dy, x: dy * x, (X,), seed=4)) for _ in range(2))
    assert first == again
