"""GELU: each number is weighed by how many numbers of a normal distribution lie below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import minitorch_viz_kernels as kernels
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
        return kernels.gelu(x, self._tanh), self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Array:
        return kernels.gelu_dx(dy, saved.x, self._tanh)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        shapes = [(1,), (2, 3), (1, 1, 1, 1), (2, 3, 4, 5), (3, 1, 7, 2), (2, 5, 4)]
        forms: list[Literal["none", "tanh"]] = ["none", "tanh", "none", "none", "tanh", "tanh"]
        return [(cls(form), (2 * rng.standard_normal(shape),)) for form, shape in zip(forms, shapes, strict=True)]

    @property
    def _tanh(self) -> bool:
        return self.approximate == "tanh"
