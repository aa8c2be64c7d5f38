"""The trust score: how like natural pictures a made one is, layer by layer, by what the net makes of it.

An optimized picture may excite a unit by ways that no natural picture takes; then it says nothing of what the unit
does with natural ones. At each layer the score asks whether the picture is treated as natural pictures of its class
are: 1 where it is as like them as they are to each other, 0 where it is as like them as pictures of other classes are
(Geirhos et al., Don't trust your eyes, 2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.graph import between, readers
from minitorch_viz.layers.kind import Kind

if TYPE_CHECKING:
    from minitorch_viz.models import Model

LEAST_NATURAL = 5  # natural pictures of a class
LEAST_GAP = 0.02  # between pairs of the same class and of other classes: below it a layer does not know the class
MOST_NUMBERS = 50_000  # of a layer's activations; of more so many are drawn at random, the same for all pictures
LAYERS = 12  # at most


def rank_codes(activations: Array) -> Array:
    """Return the ranks of each row of (N, D), ties at their mean, centred and of norm 1; NaN where a row is constant.

    The product of two such rows is Spearman's correlation.
    """
    from scipy.stats import rankdata

    ranks = rankdata(activations, axis=1)
    ranks -= (activations.shape[1] + 1) / 2
    norms = np.linalg.norm(ranks, axis=1, keepdims=True)
    codes: Array = np.divide(ranks, norms, out=np.full_like(ranks, np.nan), where=norms > 0)
    return codes


def spearman(first: Array, second: Array) -> Array:
    """Return Spearman's rank correlation of each row of (M, D) with each of (N, D): (M, N); NaN for constant rows."""
    correlations: Array = rank_codes(first) @ rank_codes(second).T
    return correlations


def trust_layers(model: Model, upto: str | None = None, most: int = LAYERS) -> tuple[str, ...]:
    """Return the nodes that are compared: the gates (ReLUs), sums and joins that every path to `upto` passes through.

    `upto` is the last of them. Of more than `most` so many are taken, evenly along the net. upto: by default the class
    scores, or the last node.
    """
    goal = upto or model.logits or model.net.output
    nodes = between(model.net.nodes, [model.input], [goal])
    reading = readers(nodes)
    place_of = {node.name: place for place, node in enumerate(nodes)}

    def last_reader(name: str) -> int:
        return max((place_of[reader.name] for reader in reading.get(name, ())), default=-1)

    chosen: list[str] = []
    reach = last_reader(model.input)  # the last node that reads anything from before
    for place, node in enumerate(nodes):
        is_alone = reach <= place
        reach = max(reach, last_reader(node.name))
        next_node = reading[node.name][0] if len(reading.get(node.name, ())) == 1 else None
        is_gated = next_node is not None and next_node.layer.kind is Kind.GATES
        is_landmark = node.layer.kind is Kind.GATES or (len(node.inputs) > 1 and not is_gated)
        if node.name == goal or (is_alone and is_landmark):
            chosen.append(node.name)
    places = np.unique(np.linspace(0, len(chosen) - 1, min(most, len(chosen))).round().astype(int))
    return tuple(chosen[place] for place in places)


@dataclass(frozen=True, eq=False)
class Trust:
    """Hold how like natural pictures M made ones are, at L layers.

    trust = (made - other) / (same - other), of mean Spearman correlations: of a made picture with the natural ones of
    its class; of these with those of other classes; of these with each other.
    """

    nodes: tuple[str, ...]  # (L,)
    made: Array  # (L, M)
    same: Array  # (L,)
    other: Array  # (L,)

    @property
    def scores(self) -> Array:
        """Return the trust score at each layer, (L, M); NaN where the layer does not tell the class from others."""
        gap = self.same - self.other
        divisors = np.where(gap >= LEAST_GAP, gap, np.nan)
        scores: Array = (self.made - self.other[:, None]) / divisors[:, None]
        return scores

    @property
    def mean(self) -> Array:
        """Return the trust score over all layers that know the class, (M,): each counts as much as it knows.

        It is sum(made - other) / sum(same - other), so that a layer that hardly tells the class says little.
        """
        gap = self.same - self.other
        counts = (gap >= LEAST_GAP)[:, None] & np.isfinite(self.made)  # (L, M)
        rises = np.where(counts, self.made - self.other[:, None], 0).sum(axis=0)
        most = np.where(counts, gap[:, None], 0).sum(axis=0)
        shares: Array = np.divide(rises, most, out=np.full_like(rises, np.nan), where=most > 0)
        return shares

    @property
    def unknowing(self) -> tuple[str, ...]:
        """Return the layers that do not tell the class from others, or are constant."""
        gap = self.same - self.other
        return tuple(node for node, tells in zip(self.nodes, gap >= LEAST_GAP, strict=True) if not tells)


class Judge:
    """Compare made pictures with natural ones of a class, and of other classes, which are looked at once.

    model: all pictures go through it as far as the last of `nodes`. same: (A, C, h, w), at least 5, other (B, C, h, w),
    as the net takes them, all of the size of the pictures that are judged.
    Raises SettingError for fewer natural pictures, ShapeError for other sizes.
    """

    def __init__(self, model: Model, same: Array, other: Array, nodes: Sequence[str], batch: int = 16) -> None:
        if len(same) < LEAST_NATURAL or len(other) < 1:
            raise SettingError(
                f"The trust score needs at least {LEAST_NATURAL} natural pictures of the class and 1 of another, but "
                f"there are {len(same)} and {len(other)}; give more pictures."
            )
        if same.shape[1:] != other.shape[1:]:
            raise ShapeError(f"Pictures of one size are compared, but these have {same.shape[1:]}, {other.shape[1:]}.")
        self.model, self.nodes, self.batch, self.shape = model, tuple(nodes), batch, same.shape[1:]
        self._same, others = self._codes(same), self._codes(other)
        upper = np.triu_indices(len(same), 1)
        self.same = np.array([(codes @ codes.T)[upper].mean() for codes in self._same])  # (L,)
        self.other = np.array([(a @ b.T).mean() for a, b in zip(self._same, others, strict=True)])  # (L,)

    def trust(self, pictures: Array) -> Trust:
        """Return how like the natural ones other pictures (M, C, h, w) are, as the net takes them."""
        if pictures.shape[1:] != self.shape:
            raise ShapeError(
                f"Natural pictures of {self.shape} cannot judge one of {pictures.shape[1:]}; give one of their size."
            )
        pairs = zip(self._codes(pictures), self._same, strict=True)
        return Trust(
            self.nodes, np.array([(codes @ same.T).mean(axis=1) for codes, same in pairs]), self.same, self.other
        )

    def _codes(self, images: Array) -> list[Array]:
        """Return the coded ranks of each layer's activations: L arrays (N, D)."""
        parts: list[list[Array]] = [[] for _ in self.nodes]
        for begin in range(0, len(images), self.batch):
            batch = kernels.to_device(images[begin : begin + self.batch], self.model.net.device)
            tape = self.model.net.forward(batch, upto=self.nodes)
            for part, node in zip(parts, self.nodes, strict=True):
                flat = kernels.to_cpu(tape[node]).reshape(len(batch), -1)
                part.append(rank_codes(drawn(flat)).astype(np.float32))
        return [np.concatenate(part) for part in parts]


def drawn(flat: Array) -> Array:
    """Return at most `MOST_NUMBERS` of the columns of (N, D), drawn at random, always the same ones."""
    if flat.shape[1] <= MOST_NUMBERS:
        return flat
    places = np.random.default_rng(0).choice(flat.shape[1], MOST_NUMBERS, replace=False)
    return flat[:, np.sort(places)]
