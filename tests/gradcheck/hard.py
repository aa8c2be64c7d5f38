"""Right gradients of hard kinds: vanishing, losses huge beside their slopes, edges of domains, saturated, narrow.

Each line is a function, its derivative, and how its inputs are drawn at a strength s: the larger, the harder. The
functions take any float type, so that what float64 can attain is known from a longer one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Hard:
    """A function of one array with its right gradient, at one point."""

    name: str
    f: Callable[[Any], Any]
    slope: Callable[[Any, Any], Any]  # x, dy -> dx
    x: Any

    def forward(self, x: Any) -> tuple[Any, Any]:
        return self.f(x), x

    def backward(self, dy: Any, x: Any) -> Any:
        return self.slope(x, dy)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max())
    return e / e.sum()


def logsumexp(x: Any) -> Any:
    return x.max() + np.log(np.sum(np.exp(x - x.max())))


def softmax_slope(x: Any, dy: Any) -> Any:
    y = softmax(x)
    return y * (dy - np.sum(dy * y))


def deep(x: Any) -> Any:
    for _ in range(6):
        x = sigmoid(x)
    return x


def deep_slope(x: Any, dy: Any) -> Any:
    for _ in range(6):
        x = sigmoid(x)
        dy = dy * x * (1 - x)
    return dy


def unit(x: Any) -> Any:
    return x / np.sqrt(np.sum(x * x))


def unit_slope(x: Any, dy: Any) -> Any:
    y = unit(x)
    return (dy - y * np.sum(dy * y)) / np.sqrt(np.sum(x * x))


def normal(rng: Any, _: float) -> Any:
    return rng.standard_normal(5)


def positive(rng: Any, s: float) -> Any:
    """Return numbers from 10**-s to 1."""
    return 10.0 ** -np.linspace(0, s, 5) * rng.uniform(0.5, 1, 5)


def below_one(rng: Any, s: float) -> Any:
    return 1 - positive(rng, min(s, 12))


def far(rng: Any, s: float) -> Any:
    """Return numbers of both signs, up to 3 s."""
    return rng.choice([-1, 1], 5) * np.linspace(0.5, 3 * s, 5) * rng.uniform(0.9, 1, 5)


def one_large(rng: Any, s: float) -> Any:
    x = rng.standard_normal(5)
    x[2] = 10**s
    return x


def tiny(rng: Any, s: float) -> Any:
    return rng.standard_normal(5) * 10**-s


def large(rng: Any, s: float) -> Any:
    return rng.standard_normal(5) * 10**s


W = np.array([[2.0, -1, 0.5, 0, 1], [0, 1, 3, -2, 0.5], [1, 1, -1, 2, 0.25], [0.5, 0, 1, 1, -2], [1, -3, 0, 0.5, 1]])


def deep_tanh_slope(x: Any, dy: Any) -> Any:
    inner = np.tanh(W @ x)
    return W.T @ (dy * (1 - np.tanh(inner) ** 2) * (1 - inner**2))


# name, function, derivative, inputs
Line = tuple[str, Callable[[Any], Any], Callable[[Any, Any], Any], Callable[[Any, float], Any]]
PLAIN: list[Line] = [
    ("sum of tanh", lambda x: np.tanh(x).sum(), lambda x, dy: dy * (1 - np.tanh(x) ** 2), normal),
    ("squares", lambda x: (x * x).sum() / 2, lambda x, dy: dy * x, normal),
    ("sin 3x", lambda x: np.sin(3 * x).sum(), lambda x, dy: 3 * dy * np.cos(3 * x), normal),
    ("log-sum-exp", logsumexp, lambda x, dy: dy * softmax(x), normal),
    ("mean of exp", lambda x: np.exp(x).mean(), lambda x, dy: dy * np.exp(x) / 5, normal),
    ("a matrix", lambda x: (W @ x) ** 2 / 2, lambda x, dy: W.T @ (dy * (W @ x)), normal),
    ("relu", lambda x: np.maximum(W @ x, 0).sum(), lambda x, dy: dy * W.T @ (W @ x > 0), normal),
    ("product", lambda x: np.prod(x), lambda x, dy: dy * np.prod(x) / x, normal),
]
STEEP: list[Line] = [
    ("log", np.log, lambda x, dy: dy / x, positive),
    ("root", np.sqrt, lambda x, dy: dy / (2 * np.sqrt(x)), positive),
    ("power 0.3", lambda x: x**0.3, lambda x, dy: 0.3 * dy * x**-0.7, positive),
    ("power -2", lambda x: x**-2.0, lambda x, dy: -2 * dy * x**-3.0, positive),
    ("power 1.5", lambda x: (x**1.5).sum(), lambda x, dy: 1.5 * dy * np.sqrt(x), positive),
    ("entropy", lambda x: -(x * np.log(x)).sum(), lambda x, dy: -dy * (np.log(x) + 1), positive),
    ("log(1 - x)", lambda x: np.log(1 - x), lambda x, dy: -dy / (1 - x), below_one),
    ("log1p", lambda x: np.log1p(-x), lambda x, dy: -dy / (1 - x), below_one),
    ("arcsin", np.arcsin, lambda x, dy: dy / np.sqrt((1 - x) * (1 + x)), below_one),
    ("arccos", lambda x: np.arccos(x).sum(), lambda x, dy: -dy / np.sqrt((1 - x) * (1 + x)), below_one),
    ("arctanh", np.arctanh, lambda x, dy: dy / ((1 - x) * (1 + x)), below_one),
    ("semicircle", lambda x: np.sqrt(1 - x * x).sum(), lambda x, dy: -dy * x / np.sqrt(1 - x * x), below_one),
    ("logit", lambda x: np.log(x / (1 - x)), lambda x, dy: dy / (x * (1 - x)), lambda rng, s: 0.9 * positive(rng, s)),
    ("one over", lambda x: (1 / x).sum(), lambda x, dy: -dy / (x * x), positive),
    ("unit vector", unit, unit_slope, tiny),
    ("length", lambda x: np.sqrt(np.sum(x * x)), lambda x, dy: dy * unit(x), tiny),
    ("soft length", lambda x: np.sqrt(x * x + 1e-12), lambda x, dy: dy * x / np.sqrt(x * x + 1e-12), tiny),
    ("narrow bell", lambda x: np.exp(-((x * 1e4) ** 2)), lambda x, dy: -2e8 * dy * x * np.exp(-((x * 1e4) ** 2)), tiny),
]
FLAT: list[Line] = [
    ("sigmoid", sigmoid, lambda x, dy: dy * sigmoid(x) * sigmoid(-x), far),
    ("sigmoid, y (1 - y)", sigmoid, lambda x, dy: dy * sigmoid(x) * (1 - sigmoid(x)), far),
    ("tanh", np.tanh, lambda x, dy: dy * (1 - np.tanh(x) ** 2), far),
    ("sum of tanh", lambda x: np.tanh(x).sum(), lambda x, dy: dy / np.cosh(x) ** 2, far),
    ("softmax", softmax, softmax_slope, far),
    ("softplus", lambda x: np.logaddexp(0, x), lambda x, dy: dy * sigmoid(x), far),
    ("softplus sum", lambda x: np.logaddexp(0, x).sum(), lambda x, dy: dy * sigmoid(x), far),
    ("log of sigmoid", lambda x: np.log(sigmoid(x)).sum(), lambda x, dy: dy * sigmoid(-x), far),
    ("cross entropy", lambda x: logsumexp(x) - x[1], lambda x, dy: dy * (softmax(x) - (np.arange(5) == 1)), far),
    ("bell", lambda x: np.exp(-x * x / 4), lambda x, dy: -dy * x / 2 * np.exp(-x * x / 4), far),
    ("arctan", np.arctan, lambda x, dy: dy / (1 + x * x), large),
    ("x / (1 + |x|)", lambda x: x / (1 + np.abs(x)), lambda x, dy: dy / (1 + np.abs(x)) ** 2, large),
    ("deep sigmoids", deep, deep_slope, far),
    ("clipped", lambda x: np.clip(x, -2, 2), lambda x, dy: dy * (np.abs(x) < 2), far),
    ("deep tanh", lambda x: np.tanh(np.tanh(W @ x)).sum(), deep_tanh_slope, far),
]
HUGE: list[Line] = [
    ("squares", lambda x: (x * x).sum() / 2, lambda x, dy: dy * x, one_large),
    ("fourth powers", lambda x: (x**4).sum(), lambda x, dy: 4 * dy * x**3, one_large),
    ("a matrix", lambda x: ((W @ x) ** 2).sum(), lambda x, dy: 2 * dy * W.T @ (W @ x), one_large),
    ("large squares", lambda x: (x * x).sum(), lambda x, dy: 2 * dy * x, large),
    ("cancelling", lambda x: (x + 1e8) - 1e8, lambda x, dy: dy * np.ones_like(x), normal),
    ("exp", lambda x: np.exp(x), lambda x, dy: dy * np.exp(x), far),
    ("cosh", lambda x: np.cosh(x).sum(), lambda x, dy: dy * np.sinh(x), far),
    ("log-sum-exp", logsumexp, lambda x, dy: dy * softmax(x), one_large),
]


def beside(line: Line, loss: float) -> Line:
    name, f, slope, x = line
    return f"{loss:.0e} + {name}", lambda x: loss + f(x), slope, x


def faint(line: Line, factor: float) -> Line:
    name, f, slope, x = line
    return f"{factor:.0e} * {name}", lambda x: factor * f(x), lambda x, dy: factor * slope(x, dy), x


def lines(kind: str) -> Iterator[tuple[Line, float]]:
    """Every function of a kind with every strength."""
    if kind == "beside a loss":
        for line in PLAIN:
            yield from ((beside(line, 10.0**s), s) for s in (3, 5, 7, 9, 11, 13, 15))
            yield from ((beside(faint(line, 10.0**-s), 10.0), s) for s in (5, 9, 13))
            yield from ((faint(line, 10.0**-s), s) for s in (20, 150))
    else:
        table, strengths = {
            "steep": (STEEP, (3, 6, 10, 15)),
            "flat": (FLAT, (3, 6, 12, 40)),
            "huge": (HUGE, (2, 4, 6, 8)),
        }[kind]
        yield from ((line, s) for line in table for s in strengths)


KINDS = ("beside a loss", "steep", "flat", "huge")


def cases(kind: str, seed: int = 0) -> list[Hard]:
    """The functions of a kind, each at a point drawn from this seed; those that overflow there are left out."""
    drawn = [
        Hard(f"{line[0]}, {s}", line[1], line[2], line[3](np.random.default_rng(seed), s)) for line, s in lines(kind)
    ]
    return [case for case in drawn if np.all(np.isfinite(case.f(case.x)))]


def attainable(case: Hard, dy: Any) -> Any:
    """Return the relative error of each entry that the best step leaves in float64; known from a longer float."""
    x, dy = case.x.astype(np.longdouble), np.asarray(dy, np.longdouble)
    with np.errstate(all="ignore"):
        right = np.asarray(case.slope(x, dy))
        noise = np.linalg.norm(np.ravel(dy * case.f(x))) * 2.0**-53
        best = np.full(x.shape, np.inf)
        for i, k in np.ndindex(x.size, 30):
            h = np.longdouble(2.0) ** (-2 * k - 1) * max(1, abs(case.x[i]))

            def along(h: Any, i: int = i) -> Any:
                move = h * (np.arange(x.size) == i)
                return np.sum(dy * (case.f(x + move) - case.f(x - move))) / (2 * h)

            error = abs((4 * along(h / 2) - along(h)) / 3 - right[i]) + noise / h
            if np.isfinite(error) and right[i]:
                best[i] = min(best[i], float(error / abs(right[i])))
    return best
