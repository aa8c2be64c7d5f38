"""What every loss is: frozen settings, and a call that gives the loss and its gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.errors import ShapeError

Example: TypeAlias = "tuple[Loss, Array, Array]"  # a loss, the net's output y, the targets


@dataclass(frozen=True)
class Loss:
    """Be the base of all losses: a subclass has `__call__`, `examples`, `in_pytorch`, and `score` if there is one."""

    score_name: ClassVar[str] = ""  # what `score` is called in charts; "" if this loss has none

    def __call__(self, y: Array, target: Array) -> tuple[float, Array]:
        """Return (the loss, d loss / d y in y's shape and dtype) of the net's output y and what it should be.

        The loss is a mean, so its size does not depend on that of the batch. Raises ShapeError or SettingError.
        """
        raise NotImplementedError

    def score(self, y: Array, target: Array) -> float | None:  # noqa: ARG002 (a loss without a score)
        """Return a share 0..1 of right answers, which people understand better than the loss; None if it has none."""
        return None

    @classmethod
    def examples(cls, rng: Generator) -> list[Example]:
        """Return small cases in float64: each is gradient-checked and compared with PyTorch."""
        raise NotImplementedError

    def in_pytorch(self) -> tuple[str, dict[str, Any]]:
        """Return the name in torch.nn and the settings by PyTorch's names: what does the same there."""
        raise NotImplementedError


def expect_output(loss: Loss, y: Array) -> None:
    """Raise a sentence unless y is a float32 or float64 array with something in it."""
    name = type(loss).__name__
    if not hasattr(y, "dtype"):
        raise ShapeError(f"{name} needs the net's output as an array, but got a {type(y).__name__}.")
    if y.dtype not in (np.float32, np.float64):
        raise ShapeError(f"{name} computes in float32 or float64, but the net's output is {y.dtype}; use astype.")
    if y.size == 0 or y.ndim == 0:
        raise ShapeError(f"{name} needs a batch of at least one answer, but the output has the shape {y.shape}.")


def same_shape(loss: Loss, y: Array, target: Array, kinds: str) -> Array:
    """Return the targets in y's dtype; raise ShapeError unless they have y's shape and a dtype of these kinds."""
    name = type(loss).__name__
    if not hasattr(target, "dtype"):
        raise ShapeError(f"{name} needs the targets as an array, but got a {type(target).__name__}.")
    if target.shape != y.shape or target.dtype.kind not in kinds:
        raise ShapeError(
            f"{name} needs targets of the output's shape {y.shape} that are numbers, but got {target.dtype} of shape "
            f"{target.shape}."
        )
    converted: Array = target.astype(y.dtype)
    return converted
