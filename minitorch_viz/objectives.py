"""Objectives: the number on a tape that is explained, or climbed, and its derivative by the nodes it reads.

An objective gives one value an image, `value(tape) -> (N,)`, and the gradients from which a backward pass starts,
`seeds(tape) -> {node: (N, ...)}`. Objectives add, subtract and scale:
`Unit("fc", (3,)) - 0.5 * ChannelMean("conv5", 7)`. Each is gradient-checked like a layer (tests/test_objectives.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError
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

    def value(self, tape: Tape) -> Array:
        """Return (N,), one number an image."""
        raise NotImplementedError

    def seeds(self, tape: Tape) -> Seeds:
        """Return {node: (N, ...)}: the derivative of each image's number by the node's output for that image."""
        raise NotImplementedError

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

    def value(self, tape: Tape) -> Array:
        total: Array = np.sum([weight * term.value(tape) for weight, term in self.terms], axis=0)
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


@dataclass(frozen=True)
class Unit(Objective):
    """Take one number of one node: a class score, a channel at a position (row, column), or a step of (T, D).

    sign: -1 explains the opposite, for a net with one score ("no dog").
    """

    node: str
    index: tuple[int, ...]  # the unit inside the node's output, without the batch axis
    words: str = ""  # 'class "tiger cat" (282)'; empty: the node and the index
    sign: int = 1

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.node,)

    @property
    def label(self) -> str:
        return self.words or f"{self.node}[{', '.join(map(str, self.index))}]"

    def value(self, tape: Tape) -> Array:
        output = _output(tape, self.node)
        self._check(output)
        values: Array = self.sign * output[(slice(None), *self.index)]
        return values

    def seeds(self, tape: Tape) -> Seeds:
        output = _output(tape, self.node)
        self._check(output)
        seed = np.zeros_like(output)
        seed[(slice(None), *self.index)] = self.sign
        return {self.node: seed}

    def _check(self, output: Array) -> None:
        exists = len(self.index) == output.ndim - 1 and all(
            -size <= i < size for i, size in zip(self.index, output.shape[1:], strict=True)
        )
        if not exists:
            raise SettingError(
                f"{self.node!r} gives an array of shape {output.shape[1:]} an image, which has no unit {self.index}."
            )


@dataclass(frozen=True)
class ChannelMean(Objective):
    """Take the mean of a channel over its places: (N, C, ...) -> (N,).

    axis: of the channels; -1 of a sequence (N, T, C), whose steps are its places.
    """

    node: str
    channel: int
    axis: int = 1

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.node,)

    @property
    def label(self) -> str:
        return f"{self.node} channel {self.channel}, mean"

    def value(self, tape: Tape) -> Array:
        maps = self._maps(tape)
        values: Array = maps.reshape(len(maps), -1).mean(axis=1)
        return values

    def seeds(self, tape: Tape) -> Seeds:
        maps, seed = self._maps(tape), np.zeros_like(tape[self.node])
        np.moveaxis(seed, self.axis, 1)[:, self.channel] = len(maps) / maps.size
        return {self.node: seed}

    def _maps(self, tape: Tape) -> Array:
        output = _output(tape, self.node)
        channels = _by_channel(output, self.axis)
        if output.ndim < 2 or not -channels.shape[1] <= self.channel < channels.shape[1]:
            raise SettingError(
                f"{self.node!r} gives an array of shape {output.shape[1:]} an image, without a channel {self.channel}."
            )
        maps: Array = channels[:, self.channel]
        return maps


@dataclass(frozen=True, eq=False)
class Direction(Objective):
    """Take the mean over all places of the dot product with a direction: (N, C, ...) . (C,) -> (N,).

    power: multiplied by the cosine to this power, max(cos, 0.1): 0 is the plain dot product (Olah et al. 2017); 1 and
        more keep the picture near the direction ("caricatures").
    axis: of the channels; -1 of a sequence (N, T, C), whose steps are its places.
    """

    node: str
    vector: Array  # (C,)
    power: int = 0
    axis: int = 1

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.node,)

    @property
    def label(self) -> str:
        return f"{self.node} along a direction of {len(self.vector)} channels"

    def value(self, tape: Tape) -> Array:
        dot, cosine, _, _ = self._parts(tape)
        values: Array = (dot * np.maximum(cosine, 0.1) ** self.power).mean(axis=1)
        return values

    def seeds(self, tape: Tape) -> Seeds:
        dot, cosine, length, rows = self._parts(tape)  # (N, P) each, rows (N, C, P)
        v = self.vector[:, None]
        gate = np.maximum(cosine, 0.1)
        d_dot = gate**self.power
        d_cos = self.power * gate ** (self.power - 1) * dot * (cosine > 0.1) if self.power else np.zeros_like(dot)
        # d cos / d row = v / (|v| |row|) - cos row / |row|^2
        norm = np.linalg.norm(self.vector)
        d_row = d_dot[:, None] * v + d_cos[:, None] * (
            v / (norm * length[:, None]) - cosine[:, None] * rows / length[:, None] ** 2
        )
        output = tape[self.node]
        seed = (d_row / dot.shape[1]).reshape(_by_channel(output, self.axis).shape)
        return {self.node: np.moveaxis(seed, 1, self.axis).astype(output.dtype, copy=False)}

    def _parts(self, tape: Tape) -> tuple[Array, Array, Array, Array]:
        """Return (dot, cosine, length of each row of channels), each (N, P), and the rows (N, C, P)."""
        output = _output(tape, self.node)
        channels = _by_channel(output, self.axis)
        if output.ndim < 2 or channels.shape[1] != len(self.vector):
            raise ShapeError(
                f"A direction of {len(self.vector)} numbers does not fit {self.node!r}, which gives an array of shape "
                f"{output.shape[1:]} an image: its channels are on axis {self.axis}."
            )
        rows = channels.reshape(*channels.shape[:2], -1)
        dot = np.einsum("ncp,c->np", rows, self.vector)
        length = np.sqrt((rows**2).sum(axis=1)) + 1e-12
        return dot, dot / (length * (np.linalg.norm(self.vector) + 1e-12)), length, rows


@dataclass(frozen=True)
class Energy(Objective):
    """Take half the sum of squares of a whole node, whose gradient is the node itself.

    Paper: DeepDream, Mordvintsev et al. 2015.
    """

    node: str

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.node,)

    @property
    def label(self) -> str:
        return f"energy of {self.node}"

    def value(self, tape: Tape) -> Array:
        output = _output(tape, self.node)
        values: Array = (output.reshape(len(output), -1) ** 2).sum(axis=1) / 2
        return values

    def seeds(self, tape: Tape) -> Seeds:
        return {self.node: _output(tape, self.node).copy()}


@dataclass(frozen=True, eq=False)
class GramDistance(Objective):
    """Take minus the squared distance of the Gram matrix from a target: -sum (G - A)^2 / (4 C^2 P^2).

    G = F F^T for maps F (C, P). It is an objective, so larger is better: 0 where the style is met.

    Paper: Gatys et al. 2015.
    """

    node: str
    wanted: Array  # (C, C)

    @property
    def nodes(self) -> tuple[str, ...]:
        return (self.node,)

    @property
    def label(self) -> str:
        return f"style of {self.node}"

    def value(self, tape: Tape) -> Array:
        difference, _, scale = self._parts(tape)
        values: Array = -scale * (difference**2).sum(axis=(1, 2))
        return values

    def seeds(self, tape: Tape) -> Seeds:
        difference, maps, scale = self._parts(tape)
        output = tape[self.node]
        # d sum (F F^T - A)^2 / dF = 4 (F F^T - A) F for a symmetric A
        return {self.node: (-4 * scale * difference @ maps).reshape(output.shape).astype(output.dtype, copy=False)}

    def _parts(self, tape: Tape) -> tuple[Array, Array, float]:
        """Return G - A (N, C, C), the maps (N, C, P), and 1 / (4 C^2 P^2)."""
        output = _output(tape, self.node)
        maps = output.reshape(*output.shape[:2], -1)
        channels, places = maps.shape[1:]
        if self.wanted.shape != (channels, channels):
            raise ShapeError(
                f"A Gram matrix of shape {self.wanted.shape} does not fit the {channels} channels of {self.node!r}."
            )
        return gram(output) - self.wanted, maps, 1 / (4 * channels**2 * places**2)


def gram(output: Array) -> Array:
    """Return the products of every two channels summed over all places: maps (N, C, ...) -> (N, C, C)."""
    maps = output.reshape(*output.shape[:2], -1)
    products: Array = maps @ maps.transpose(0, 2, 1)
    return products


def stacked_seeds(objectives: Sequence[Objective], tape: Tape) -> Seeds:
    """Return seeds {node: (K, ...)} for K objectives on a tape of one image, explained by one backward pass.

    Raises SettingError if several objectives read several nodes, or the tape is of several images.
    """
    nodes = list(dict.fromkeys(node for objective in objectives for node in objective.nodes))
    if len(objectives) > 1 and len(nodes) != 1:
        raise SettingError(f"What shares a backward pass must be of one node, but these are of {', '.join(nodes)}.")
    if any(len(tape[node]) != 1 for node in nodes):
        images = max(len(tape[node]) for node in nodes)
        raise SettingError(f"Several numbers are explained on a tape of one image, but this one has {images}.")
    seeds = [objective.seeds(tape) for objective in objectives]
    return {node: np.concatenate([seed[node] for seed in seeds]) for node in nodes}


def _by_channel(output: Array, axis: int) -> Array:
    """Return a view of a node's output with the channels second, (N, C, ...); an array without them as it is."""
    return np.moveaxis(output, axis, 1) if output.ndim > max(axis, 1) else output


def _output(tape: Tape, node: str) -> Any:
    """Return a node's output; ShapeError without a batch axis, which every tape has."""
    output = tape[node]
    if output.ndim < 1:
        raise ShapeError(f"{node!r} gives a single number without a batch axis, which no objective reads.")
    return output
