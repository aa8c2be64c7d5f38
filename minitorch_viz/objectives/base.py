"""A number for each image of a tape, with its derivative by the nodes it reads; and weighted sums of such numbers."""

from __future__ import annotations

import functools
import operator
from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.graph import Tape

Seeds = dict[str, Array]


class Objective:
    """Give a number for each image of a tape, and the derivatives of what it depends on."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """Return the nodes that are read: a forward pass up to these is enough."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        """Return what the number is, in words."""
        raise NotImplementedError

    @property
    def is_sum(self) -> bool:
        """Return whether the number is a weighted sum of units: what the seeds give times the outputs, added up."""
        return False

    def value(self, tape: Tape) -> Array:
        """Return (N,), one number an image."""
        raise NotImplementedError

    def seeds(self, tape: Tape) -> Seeds:
        """Return {node: (N, ...)}: the derivative of each image's number by the node's output for that image."""
        raise NotImplementedError

    def of_images(self, part: slice) -> Objective:  # noqa: ARG002  # those with an objective for each image use it
        """Return the objective of a part of the images alone, such as those of one batch."""
        return self

    def __add__(self, other: Objective) -> Objective:
        return Combination(_terms(self) + _terms(other)) if isinstance(other, Objective) else NotImplemented

    def __sub__(self, other: Objective) -> Objective:
        return self + -1.0 * other if isinstance(other, Objective) else NotImplemented

    def __mul__(self, factor: float) -> Objective:
        if isinstance(factor, bool) or not isinstance(factor, (int, float, np.integer, np.floating)):
            return NotImplemented
        return Combination(tuple((float(factor) * weight, term) for weight, term in _terms(self)))

    __rmul__ = __mul__

    def __neg__(self) -> Objective:
        return -1.0 * self


@dataclass(frozen=True, eq=False)
class OfNode(Objective):
    """Be an objective that reads one node."""

    node: str

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.node,)


@dataclass(frozen=True)
class Combination(Objective):
    """Add objectives, each with a weight."""

    terms: tuple[tuple[float, Objective], ...]  # (weight, objective)

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(node for _, term in self.terms for node in term.nodes))

    @property
    def label(self) -> str:
        """Return the sum in words, such as `1 x class "cat" - 0.5 x conv5 channel 7, mean`."""
        parts = [f"{'-' if weight < 0 else '+'} {abs(weight):g} x {term.label}" for weight, term in self.terms]
        return " ".join(parts).removeprefix("+ ")

    @property
    def is_sum(self) -> bool:
        return all(term.is_sum for _, term in self.terms)

    def of_images(self, part: slice) -> Objective:
        return Combination(tuple((weight, term.of_images(part)) for weight, term in self.terms))

    def value(self, tape: Tape) -> Array:
        values = (weight * term.value(tape) for weight, term in self.terms)
        total: Array = functools.reduce(operator.add, values)  # on whichever device they are
        return total

    def seeds(self, tape: Tape) -> Seeds:
        total: Seeds = {}
        for weight, term in self.terms:
            for node, seed in term.seeds(tape).items():
                total[node] = total[node] + weight * seed if node in total else weight * seed
        return total


def _terms(objective: Objective) -> tuple[tuple[float, Objective], ...]:
    """Return the flat list of weighted terms."""
    return objective.terms if isinstance(objective, Combination) else ((1.0, objective),)
