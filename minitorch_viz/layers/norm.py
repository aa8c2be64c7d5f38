"""Local response normalization: neighbouring channels compete, as in AlexNet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator
from minitorch_viz.layers.base import Example, Layer, expect_axes
from minitorch_viz.layers.fields import NumberField, WholeField
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class LocalResponseNorm(Layer):
    """Divide each value by the energy of the channels around it: y = x / (k + a * sum of x**2) ** beta.

    x (N, C, H, W) -> y (N, C, H, W). The sum runs over `size` channels at the same pixel, from c - size // 2 to
    c + (size - 1) // 2, as far as they exist.

    divide_alpha: whether a is alpha / size or alpha itself. Papers and libraries disagree: Caffe and PyTorch divide;
    Krizhevsky et al. 2012, cuda-convnet and TensorFlow do not. AlexNet's alpha of 1e-4 with size 5 means 1e-4 in the
    paper and 2e-5 in Caffe. The defaults are PyTorch's; Caffe's are alpha 1, beta 0.75, k 1 and odd sizes only.
    """

    size: WholeField = WholeField(least=1)
    alpha: NumberField = NumberField(1e-4, least=0)
    beta: NumberField = NumberField(0.75)
    k: NumberField = NumberField(1.0, least=0)
    divide_alpha: bool = True

    kind: ClassVar[Kind] = Kind.SCALES
    pixelwise: ClassVar[bool] = True

    class Saved(NamedTuple):
        x: Array  # (N, C, H, W): the input
        scale: Array  # (N, C, H, W): k + a * sum of x**2

    def forward(self, x: Array) -> tuple[Array, Saved]:
        expect_axes(self, x, "N, C, H, W")
        y, scale = kernels.lrn(x, self.size, self._a, self.beta, self.k)
        return y, self.Saved(x, scale)

    def backward(self, dy: Array, saved: Saved) -> Array:
        return kernels.lrn_dx(dy, saved.x, saved.scale, self.size, self._a, self.beta)

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], size: int, *settings: float) -> Example:
            return cls(size, *settings), (rng.standard_normal(shape),)  # type: ignore[arg-type]  # in the fields' order

        return [
            case((2, 7, 3, 2), 5, 1.0),
            case((1, 3, 2, 2), 5, 1e-4),  # fewer channels than the window
            case((1, 6, 2, 3), 4, 0.5, 0.75, 2.0),  # an even window reaches further down than up
            case((1, 1, 1, 1), 1, 1.0),
            case((2, 5, 1, 2), 3, 2.0, 0.5, 0.5, False),
            case((1, 4, 2, 1), 2, 0.3, 1.5),
        ]

    @property
    def _a(self) -> float:
        return self.alpha / self.size if self.divide_alpha else self.alpha
