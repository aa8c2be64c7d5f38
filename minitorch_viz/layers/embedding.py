"""Embedding: a word becomes a vector, by looking it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Never, Self

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import NotDifferentiableError, ShapeError
from minitorch_viz.layers.base import Example, Layer, expect_field, same_batch
from minitorch_viz.layers.kind import Kind


@dataclass(frozen=True, eq=False, repr=False)
class Embedding(Layer):
    """Look words up in a table of vectors: y[n, t] = weight[x[n, t]].

    x (N, T) whole numbers from 0 to V - 1 -> y (N, T, D). weight (V, D): one row a word.

    A word's number has no gradient: between word 3 and word 4 there is nothing. `backward` therefore raises
    NotDifferentiableError; the saliency of a word is taken at the vector it became, that is, at this layer's output.
    There every *place* has its own gradient, even if a word stands twice. `param_grads` is the other quantity: one row
    a word, summed over all places where it stands.

    Raises ShapeError if x holds other things than word numbers below V.
    """

    weight: Array

    kind: ClassVar[Kind] = Kind.OPAQUE
    channel_axis: ClassVar[int | None] = -1
    param_names: ClassVar[tuple[str, ...]] = ("weight",)

    class Saved(NamedTuple):
        x: Array  # (N, T): the words' numbers

    def __post_init__(self) -> None:
        expect_field(self, "weight", "V", "D")

    def forward(self, x: Array) -> tuple[Array, Saved]:
        words = self.weight.shape[0]
        if getattr(x, "ndim", 0) == 0 or x.dtype.kind not in "iu":
            raise ShapeError(
                f"Embedding needs an array (N, T) of whole numbers, the words' rows in its table, "
                f"but got {getattr(x, 'dtype', type(x).__name__)} of shape {getattr(x, 'shape', '()')}."
            )
        if x.size and not 0 <= x.min() <= x.max() < words:
            raise ShapeError(f"Embedding knows the words 0 to {words - 1}, but x holds {x.min()}..{x.max()}.")
        return self.weight[x], self.Saved(x)

    def backward(self, dy: Array, saved: Saved) -> Never:  # noqa: ARG002 (there is nothing to compute)
        raise NotDifferentiableError(
            "Words are numbers in a list and have no gradient; ask for the gradient with respect to the embedding node "
            "(its output vectors) instead of its input, for example wrt=('embedding',)."
        )

    def param_grads(self, dy: Array, saved: Saved) -> dict[str, Array]:
        dy, x = same_batch(dy, saved.x)
        dw = np.zeros_like(self.weight, dtype=dy.dtype)
        np.add.at(dw, x, dy)  # not dw[x] += dy, which would keep only one place of a word that stands twice
        return {"weight": dw}

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        def case(words: int, features: int, shape: tuple[int, ...]) -> Example:
            return cls(rng.standard_normal((words, features))), (rng.integers(0, words, shape),)

        return [
            case(5, 3, (2, 4)),
            case(3, 2, (1, 9)),  # nine places, three words: some stand twice
            case(1, 1, (1, 1)),
            case(7, 4, (3, 2)),
            case(4, 2, (5,)),  # one word an image
            case(6, 3, (2, 2, 3)),
        ]

    @classmethod
    def random(cls, rng: Generator, words: int, features: int) -> Self:
        """Return a table of standard normal numbers, float32."""
        return cls(rng.standard_normal((words, features), dtype=np.float32))
