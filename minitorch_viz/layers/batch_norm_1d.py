"""Batch normalization of vectors and of sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import ShapeError
from minitorch_viz.layers.base import Example, expect_floats
from minitorch_viz.layers.batch_norm import BatchNorm2d
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class BatchNorm1d(BatchNorm2d):
    """Give every feature mean 0 and variance 1, then a learned scale and shift: BatchNorm2d without the maps.

    x (N, C) or (N, C, L) -> y of the same shape. Everything else is as in BatchNorm2d, which computes it on x seen as
    (N, C, L, 1).
    """

    kind: ClassVar[Kind] = Kind.SCALES
    pixelwise: ClassVar[bool] = False

    Saved = BatchNorm2d.Saved

    def forward(self, x: Array, rng: Generator | None = None) -> tuple[Array, BatchNorm2d.Saved]:
        expect_floats(self, x)
        if x.ndim not in (2, 3) or x.shape[1] != len(self.running_mean):
            raise ShapeError(
                f"BatchNorm1d needs x (N, {len(self.running_mean)}) or (N, {len(self.running_mean)}, L), "
                f"but x has shape {tuple(x.shape)}."
            )
        y, saved = super().forward(_as_maps(x), rng)
        return y.reshape(x.shape), saved._replace(x=x)

    def backward(self, dy: Array, saved: BatchNorm2d.Saved) -> Array:
        return super().backward(_as_maps(dy), saved._replace(x=_as_maps(saved.x))).reshape(dy.shape)

    def param_grads(self, dy: Array, saved: BatchNorm2d.Saved) -> dict[str, Array]:
        return super().param_grads(_as_maps(dy), saved._replace(x=_as_maps(saved.x)))

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(shape: tuple[int, ...], weight: bool = True, bias: bool = True, **settings: float) -> Example:
            c = shape[1]
            layer = cls(
                rng.standard_normal(c) if weight else None,
                rng.standard_normal(c) if bias else None,
                running_mean=rng.standard_normal(c),
                running_var=rng.uniform(0.5, 2, c),
                **settings,
            )
            return layer, (2 + 3 * rng.standard_normal(shape),)

        return [
            case((2, 3, 5)),
            case((4, 2, 2)),
            case((1, 2, 6)),  # one sequence: the statistics of its steps
            case((2, 4, 3), weight=False, bias=False),
            case((3, 1, 4), bias=False, eps=0.1),
            case((2, 2, 4), momentum=0.5),
        ]

    def backward_and_grads(self, dy: Array, saved: BatchNorm2d.Saved) -> tuple[Array, dict[str, Array]]:
        maps = saved._replace(x=_as_maps(saved.x))
        dx, grads = super().backward_and_grads(_as_maps(dy), maps)
        return dx.reshape(dy.shape), grads


def _as_maps(x: Array) -> Array:
    """Return x (N, C) or (N, C, L) as (N, C, L, 1)."""
    return x.reshape(*x.shape, *[1] * (4 - x.ndim))
