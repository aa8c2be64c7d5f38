"""What is inverted, and what every way down is: where one picture stands, and a step further."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from minitorch_viz._types import Array
from minitorch_viz.objectives import CodeDistance

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Packed = tuple[Mapping[str, Array], Mapping[str, Any]]


@dataclass(frozen=True)
class Problem:
    """Hold what is inverted: a node's code, what is asked for beside it, and the start."""

    model: Model
    code: CodeDistance
    trusted: float  # C of `_inversion_weights`
    start: Array  # (1, C, H, W), pixel - mean
    steps: int
    stride: int  # of the node, in pixels
    seed: int


class Descent(Protocol):
    """Hold where one picture stands. Nothing in it is written to again."""

    @property
    def problem(self) -> Problem:
        """Return what is inverted."""

    @property
    def x(self) -> Array:
        """Return the picture (1, C, H, W), pixel - mean."""

    @property
    def done(self) -> int:
        """Return how many steps were taken."""

    @property
    def ended(self) -> bool:
        """Return whether there are no further steps."""

    @property
    def words(self) -> tuple[str, ...]:
        """Return what happened that is worth a sentence."""

    def step(self) -> Descent:
        """Return where it stands a step later."""

    def packed(self) -> Packed:
        """Return what it goes on from, to the same bits."""
