"""Right gradients that are hard to measure: never called wrong, and right wherever float64 can tell."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.gradcheck import Verdict, check
from minitorch_viz.gradcheck.noise import noise_of, random_weights
from tests.gradcheck.hard import KINDS, attainable, cases

HIDDEN = ("cancelling", "relu")  # the reference knows more: where the noise comes from, how far the kink is
LONGER = np.finfo(np.longdouble).eps < 1e-18


def verdict(case, backward=None):
    return check(case.forward, backward or case.backward, (case.x,))["x"].verdict


@pytest.mark.parametrize("kind", KINDS)
def test_no_right_gradient_of_a_hard_kind_is_called_wrong(kind):
    verdicts = {case.name: verdict(case) for case in cases(kind)}
    allowed = {Verdict.OK, Verdict.PRECISION}
    assert {name: said for name, said in verdicts.items() if said not in allowed} == {}
    assert sum(said == Verdict.OK for said in verdicts.values()) > len(verdicts) / 3


def test_there_are_two_hundred_of_them():
    assert sum(len(cases(kind)) for kind in KINDS) >= 200


def what_float64_can_tell(kind, seed, every):
    """Check that what can be checked is called right, and wrong with 1 % at any one entry."""
    if not LONGER:
        pytest.skip("NumPy's longdouble is no longer than float64 on this machine")
    told = 0
    for case in cases(kind, seed)[seed % every :: every]:
        y = np.asarray(case.f(case.x))
        dy = np.ones(()) if y.ndim == 0 else random_weights(np.random.default_rng(0), y.shape)
        if np.max(attainable(case, dy)) > 1e-6 or any(word in case.name for word in HIDDEN):
            continue
        told += 1
        assert verdict(case) == Verdict.OK, case.name
        for i in range(case.x.size):

            def one_off(dy, x, case=case, i=i):
                return case.slope(x, dy) * np.where(np.arange(x.size) == i, 1.01, 1.0)

            assert verdict(case, one_off) == Verdict.WRONG, (case.name, i)
    assert told


@pytest.mark.parametrize("kind", KINDS)
def test_what_float64_can_tell_is_told(kind):
    what_float64_can_tell(kind, seed=1, every=12)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_what_float64_can_tell_is_told_everywhere(kind, seed):
    what_float64_can_tell(kind, seed, every=1)


def mlp(loss, scale=1.0):
    """A net with kinks beside a large loss: noise hides them, and large steps cross them."""

    def forward(x, w1, b1, w2):
        a = x @ w1 + b1
        h = np.maximum(a, 0)
        y = h @ w2
        return loss + scale * np.mean(y * y), (x, w1, w2, a, h, y)

    def backward(dy, cache):
        x, w1, w2, a, h, y = cache
        g = dy * scale * 2 * y / y.size
        da = (g @ w2.T) * (a > 0)
        return da @ w1.T, x.T @ da, da.sum(0), h.T @ g

    return forward, backward


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("loss", "scale"), [(0, 1e-250), (0, 1e100), (1e8, 1), (1e13, 1), (1e14, 1), (1, 1e-12), (1, 1e-20)]
)
def test_a_net_with_kinks_beside_a_large_loss(loss, scale, seed):
    rng = np.random.default_rng(seed)
    arrays = rng.standard_normal((4, 3)), rng.standard_normal((3, 5)), np.zeros(5), rng.standard_normal((5, 2))
    report = check(*mlp(loss, scale), arrays)
    assert {result.verdict for result in report.results} <= {Verdict.OK, Verdict.PRECISION}, report
    if loss == 0:
        assert report.ok


@pytest.mark.parametrize("loss", [0, 1e8, 1e12, 1e16])
@pytest.mark.parametrize("rate", [1, 30, 300, 1e4])
@pytest.mark.parametrize("size", [1, 1e3])
def test_an_oscillation_that_noise_hides(size, rate, loss):
    x = size * np.random.default_rng(0).standard_normal(4)
    said = check(lambda x: (loss + np.sin(rate * x).sum(), x), lambda dy, x: dy * rate * np.cos(rate * x), (x,))["x"]
    clear = loss < 1e12 and size * rate < 1e6
    assert said.verdict in ((Verdict.OK,) if clear else (Verdict.OK, Verdict.PRECISION)), said


def test_the_sentence_says_what_can_be_attained():
    x = np.array([0.3, -1.2, 0.7])
    report = check(lambda x: (1e12 + np.sin(x).sum(), x), lambda dy, x: dy * np.cos(x), (x,))
    result = report["x"]
    assert result.verdict == Verdict.PRECISION
    assert 1e-5 < result.attainable < 1e-1  # 1e12 has no digits below 1e-4
    assert f"Errors below {5 * result.attainable:.0e} cannot be told from rounding" in result.sentence
    assert not report.ok
    report.raise_if_wrong()  # nor is it called wrong


@pytest.mark.parametrize(
    ("f", "x", "level"),
    [
        (lambda x: 1e12 + x, 0.3, 2.0**-13),  # half a unit in the last place of 1e12
        (lambda x: (1e12 + x) - 1e12, 0.3, 2.0**-13),
        (lambda x: x.astype(np.float32).astype(float), 0.3, 2.0**-26),
        (np.tanh, 0.3, 2.0**-55),
        (lambda x: np.log(1 - x), 1 - 1e-12, 27.6 * 2.0**-53),
    ],
)
def test_noise_is_measured_where_it_comes_from(f, x, level):
    noise = noise_of(f, np.array([x]), np.asarray(f(np.array([x]))), "float64")
    assert level / 2 < noise[0] < 12 * level


@pytest.mark.parametrize("tolerance", [1e-6, 1e-2])
@pytest.mark.parametrize("loss", [0.0, 1e3, 1e6])
def test_float32_is_held_to_what_it_can_resolve(loss, tolerance):
    def forward(x):
        return (np.float32(loss) + np.tanh(x.astype(np.float32)).sum(dtype=np.float32)), x

    x = np.random.default_rng(0).standard_normal(6)
    right = check(forward, lambda dy, x: (dy * (1 - np.tanh(x) ** 2)).astype(np.float32), (x,), tolerance=tolerance)
    assert right["x"].verdict == (Verdict.OK if loss < 1e6 and tolerance == 1e-2 else Verdict.PRECISION)
    doubled = check(forward, lambda dy, x: 2 * dy * (1 - np.tanh(x) ** 2), (x,), tolerance=tolerance)
    assert doubled["x"].verdict in ((Verdict.PRECISION, Verdict.WRONG) if loss == 1e6 else (Verdict.WRONG,))
