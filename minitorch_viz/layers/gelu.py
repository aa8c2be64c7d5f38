"""GELU: each number is weighed by how many numbers of a normal distribution lie below it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import SettingError
from minitorch_viz.layers.base import Example, Layer, expect_floats
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class GELU(Layer):
    """Weigh each number by the normal distribution's share below it: y = x * P(x), P(x) = (1 + erf(x / sqrt(2))) / 2.

    x of any shape -> y of the same shape, y >= -0.17. Its derivative, P(x) + x * p(x) with the bell curve p, lies
    between -0.13 and 1.13, so a gradient may turn around here.

    approximate: "none", or "tanh" for y = x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x**3))), which is the formula
    that some nets were trained with; the two differ by up to 5e-4.
    Hendrycks and Gimpel 2016. ConvNeXt and transformers are built on it.
    """

    approximate: Literal["none", "tanh"] = "none"

    kind: ClassVar[Kind] = Kind.GATES
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        x: Array  # the input

    def __post_init__(self) -> None:
        if self.approximate not in ("none", "tanh"):
            raise SettingError(f'GELU\'s approximate must be "none" or "tanh", but got {self.approximate!r}.')

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_floats(self, x)
        if self.approximate == "tanh":
            return x / 2 * (1 + np.tanh(_steepness(x))), self.Saved(x)
        return x * normal_share(x), self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Array:
        x = saved.x
        slope: Array
        if self.approximate == "tanh":
            t = np.tanh(_steepness(x))
            slope = (1 + t) / 2 + x / 2 * (1 - t * t) * (ROOT * (1 + 3 * CUBIC * x * x))
        else:
            slope = normal_share(x) + x * np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        return dy * slope

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        forms: list[Literal["none", "tanh"]] = ["none", "tanh", "none", "none", "tanh", "tanh"]
        return [(cls(form), (2 * rng.standard_normal(shape),)) for form, shape in zip(forms, shapes, strict=True)]


ROOT, CUBIC = math.sqrt(2 / math.pi), 0.044715

# log(erfc(z) * exp(z * z) / t) for t = 2 / (2 + z), as a sum of Chebyshev polynomials of 2 t - 1: all z >= 0 at once,
# right to the last digit but one.
TAIL = (
    -0.6513268598908547, 0.6419697923564903, 0.019476473204185837, -0.009561514786808632, -0.0009465953444820368,
    0.0003668394978527615, 4.252332480690777e-05, -2.0278578112534242e-05, -1.6242900046470256e-06,
    1.3036558355805232e-06, 1.5626441722066142e-08, -8.523809591492654e-08, 6.529054439098852e-09,
    5.059343495551469e-09, -9.91364156499033e-10, -2.2736512229318357e-10, 9.646791102015526e-11,
    2.394038083039115e-12, -6.886027526497553e-12, 8.944879273090727e-13, 3.130921399342958e-13,
    -1.1270822361367252e-13, 3.810905255189232e-16, 7.106097613609237e-15, -1.523028201457104e-15,
    -9.457494571291254e-17, 1.2102371892242731e-16, -2.816663087746774e-17,
)  # fmt: skip


def normal_share(x: Array) -> Array:
    """Return the share of a normal distribution that lies below each x: (1 + erf(x / sqrt(2))) / 2, between 0 and 1."""
    z = np.abs(x) / math.sqrt(2)
    t = 2 / (2 + z)
    tail = t * np.exp(_chebyshev(2 * t - 1, TAIL) - z * z) / 2  # the share beyond |x|
    return np.where(x < 0, tail, 1 - tail)


def _chebyshev(s: Array, coefficients: tuple[float, ...]) -> Array:
    """Return the sum of coefficients[k] * T_k(s), added from the last term to the first (Clenshaw's recurrence)."""
    after, sums = 0 * s, 0 * s
    for coefficient in coefficients[:0:-1]:
        after, sums = sums, 2 * s * sums - after + coefficient
    total: Array = s * sums - after + coefficients[0]
    return total


def _steepness(x: Array) -> Array:
    steepness: Array = ROOT * (x + CUBIC * x**3)
    return steepness
