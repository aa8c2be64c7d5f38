"""Labels for units: the concept, or the formula of concepts with AND, OR and NOT, that covers the same pixels.

All is computed from counts over cells, the groups of pixels that show the same concepts: `hits` (C, n), how many pixels
of each cell a unit answers to, and `pixels` (n,), how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.workers import products_by_one_thread

LEAST_GAIN = 1.05  # a longer formula is taken where it raises the IoU by this factor at least
MOST_NUMBERS = 2**24  # of a block of units, in their formulas' cells


class Term(NamedTuple):
    """Name one concept of a formula, and how it is joined to what stands before it."""

    joined: str  # "AND" or "OR"; "" of the first
    negated: bool
    concept: int


Formula = tuple[Term, ...]


@dataclass(frozen=True)
class Label:
    """Hold a formula and how well it covers what a unit answers to."""

    formula: Formula  # empty: the unit answers to no labelled pixel
    iou: float

    def words(self, names: Sequence[str]) -> str:
        """Return the formula in words: "(red OR blue) AND NOT house"."""
        words = ""
        for place, term in enumerate(self.formula):
            name = f"{'NOT ' * term.negated}{names[term.concept]}"
            if place == 0:
                words = name
                continue
            mixed = place > 1 and self.formula[place - 1].joined != term.joined
            words = f"{f'({words})' if mixed else words} {term.joined} {name}"
        return words


def leaves_of(cells: Array, count: int) -> Array:
    """Return (n, count) bool: which concepts each cell (n, m) shows; a cell holds 1 + their numbers, 0 for none."""
    leaves = np.zeros((len(cells), count + 1), bool)
    leaves[np.arange(len(cells))[:, None], cells] = True
    return leaves[:, 1:]


def ious(hits: Array, pixels: Array, leaves: Array) -> Array:
    """Return (C, K): of each unit and concept the IoU; 0 where neither is anywhere."""
    shared, shown = _product(hits, leaves), _product(pixels, leaves)
    return _iou(shared, hits.sum(axis=-1)[:, None], shown)


def best_formulas(hits: Array, pixels: Array, leaves: Array, length: int, beam: int) -> list[list[Label]]:
    """Return, for each unit, the best label of each length from 1 to `length`, found by beam search.

    Each step joins every formula of the beam to every concept, with AND, OR, AND NOT and OR NOT (Mu, Andreas 2020, who
    leave out the last); the `beam` best go on, formulas that cover the same pixels once. A formula names no concept
    twice. A unit for which no label has an IoU above 0 gets empty ones.
    """
    block = max(1, MOST_NUMBERS // (beam * max(len(pixels), leaves.shape[1] * 4, 1)))
    blocks = (hits[start : start + block] for start in range(0, len(hits), block))
    return [labels for part in blocks for labels in _Search(part, pixels, leaves, beam).run(length)]


def taken(labels: Sequence[Label]) -> Label:
    """Return the label of a unit: the shortest, unless a longer one raises the IoU by LEAST_GAIN for each concept."""
    best = labels[0]
    for label in labels[1:]:
        more = len(label.formula) - len(best.formula)
        if more > 0 and label.iou > best.iou * LEAST_GAIN**more:
            best = label
    return best


class _Search:
    """Search formulas for a block of c units over n cells and K concepts."""

    def __init__(self, hits: Array, pixels: Array, leaves: Array, beam: int) -> None:
        self.hits, self.pixels, self.leaves, self.beam = hits, pixels, leaves, beam
        self.units = hits.sum(axis=1)  # (c,): pixels that each answers to
        self.total = int(pixels.sum())
        self.shared, self.shown = _product(hits, leaves), _product(pixels, leaves)  # (c, K), (K,)
        self.results: list[list[Label]] = [[] for _ in hits]
        self.formulas: list[list[Formula]] = [[] for _ in hits]  # the beam

    def run(self, length: int) -> list[list[Label]]:
        """Return the best label of each unit and length."""
        units = self.units[:, None]
        self._keep(
            [[()]] * len(self.hits),
            np.stack([self.shared, units - self.shared], axis=1)[:, None],
            np.broadcast_to(np.stack([self.shown, self.total - self.shown]), (len(self.hits), 1, 2, len(self.shown))),
            (("", False), ("", True)),
        )
        for _ in range(length - 1):
            masks = self._masks()  # (c, b, n)
            shared = (self.hits[:, None] * masks).sum(axis=2)[..., None]  # (c, b, 1): of each formula alone
            shown = (self.pixels * masks).sum(axis=2)[..., None]
            and_shared = _product(self.hits[:, None] * masks, self.leaves)  # (c, b, K)
            and_shown = _product(self.pixels * masks, self.leaves)
            or_not = (
                self.units[:, None, None] - self.shared[:, None] + and_shared,
                self.total - self.shown + and_shown,
            )
            parts = (
                (and_shared, and_shown),
                (shared - and_shared, shown - and_shown),
                (shared + self.shared[:, None] - and_shared, shown + self.shown - and_shown),
                or_not,
            )
            self._keep(
                self.formulas,
                np.stack([part[0] for part in parts], axis=2),
                np.stack([part[1] for part in parts], axis=2),
                (("AND", False), ("AND", True), ("OR", False), ("OR", True)),
            )
        return self.results

    def _keep(
        self, formulas: Sequence[Sequence[Formula]], shared: Array, shown: Array, ways: Sequence[tuple[str, bool]]
    ) -> None:
        """Put the best of all ways to go on into the beam. shared, shown: (c, b, ways, K)."""
        ratios = _iou(shared, self.units[:, None, None, None], shown)
        beams: list[list[Formula]] = []
        for unit, begun in enumerate(formulas):
            chosen: dict[tuple[int, int], tuple[Formula, float]] = {}
            for flat in np.argsort(-ratios[unit], axis=None, kind="stable"):
                place, way, concept = np.unravel_index(flat, ratios[unit].shape)
                iou = float(ratios[unit, place, way, concept])
                if iou <= 0 or len(chosen) == self.beam:
                    break
                if place >= len(begun) or any(term.concept == concept for term in begun[place]):
                    continue
                covers = int(shared[unit, place, way, concept]), int(shown[unit, place, way, concept])
                formula = (*begun[place], Term(*ways[way], int(concept)))
                chosen.setdefault(covers, (formula, iou))
            beams.append([formula for formula, _ in chosen.values()])
            best = next(iter(chosen.values()), ((), 0.0))
            self.results[unit].append(Label(*best))
        self.formulas = beams

    def _masks(self) -> Array:
        """Return (c, b, n) bool: which cells each formula of the beam covers; none where there are fewer formulas."""
        masks = np.zeros((len(self.formulas), max(map(len, self.formulas)), len(self.leaves)), bool)
        for unit, formulas in enumerate(self.formulas):
            for place, formula in enumerate(formulas):
                masks[unit, place] = covered(formula, self.leaves)
        return masks


def covered(formula: Formula, leaves: Array) -> Array:
    """Return (n,) bool: which cells a formula covers. leaves (n, K): which concepts each shows."""
    mask = np.zeros(len(leaves), bool)
    for term in formula:
        leaf = leaves[:, term.concept] ^ term.negated
        mask = mask & leaf if term.joined == "AND" else mask | leaf
    return mask


def _product(counts: Array, leaves: Array) -> Array:
    """Return counts (..., n) summed over the cells of each concept, (..., K) int64: exact below 2 to the 53rd."""
    with products_by_one_thread:
        sums: Array = np.rint(counts.astype(np.float64) @ leaves.astype(np.float64)).astype(np.int64)
    return sums


def _iou(shared: Array, units: Array, shown: Array) -> Array:
    """Return shared / (units + shown - shared), 0 where that is 0 / 0."""
    either = units + shown - shared
    ratios: Array = np.divide(shared, either, out=np.zeros(np.shape(either)), where=either > 0)
    return ratios
