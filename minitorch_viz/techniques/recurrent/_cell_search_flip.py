"""The flip test: insert what changes the truth, a quotation mark, and see after how many letters the cell follows.

At a place where the cell was right, a mark is inserted. From then on the truth is another until the text's own mark
turns it back. In that stretch, of 20 letters at most, the cell must get to the right side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.models import Model
from minitorch_viz.techniques.recurrent._cell_search_scores import Line
from minitorch_viz.techniques.recurrent._cell_search_states import Cells, any_length, cell_values
from minitorch_viz.techniques.recurrent.hypotheses import Hypothesis

PLACES = 60  # at most
TRIED = 600  # places that are looked at for them
FEWEST = 5  # places; of fewer nothing is said
WITHIN = 20  # letters
SEEN = 400  # letters that the net reads before the place
CONTEXT = 3_000  # letters by which it is decided what is true there
APART = 0.5  # standard deviations by which an insertion must change a number
PASSES = 0.75  # share of the places


class Flip(NamedTuple):
    """Say how a cell answered to insertions."""

    insertions: tuple[str, ...]  # those that were made
    places: int  # at which one was made
    delays: tuple[int, ...]  # letters until the cell was on the right side, where it came there: 0 is at once
    chance: float  # share of the same places at which it gets there without the insertion

    @property
    def share(self) -> float:
        """Return at which share of the places the cell followed."""
        return len(self.delays) / self.places if self.places else float("nan")

    @property
    def median(self) -> float:
        """Return after how many letters it did, at half of those places."""
        return float(np.median(self.delays)) if self.delays else float("nan")

    @property
    def passes(self) -> bool:
        """Return whether it followed at three of four places, and more often than by chance."""
        return self.share >= PASSES and self.share > self.chance


class Side(NamedTuple):
    """Know what a cell says: yes or no by a threshold, or a number by a line."""

    direction: int  # 1: higher where it is true
    threshold: float  # of a yes or no
    line: Line  # of a number
    is_number: bool

    def nearer(self, cell: Array, truth: Array, other: Array) -> Array:
        """Return whether the cell speaks for `truth` rather than for `other`, place by place, bool."""
        if self.is_number:
            told = self.line.a + self.line.b * cell.astype(np.float64)
            is_nearer: Array = abs(told - truth) < abs(told - other)
            return is_nearer
        says = self.direction * (cell - self.threshold) > 0
        agrees: Array = says == truth.astype(bool)
        return agrees


class Place(NamedTuple):
    """Hold a place for an insertion, with what is true after it and would be without it."""

    at: int
    insertion: str
    truth: Array  # (WITHIN + 1,) after the insertion's last letter, and after each of the text's next letters
    before: Array  # (WITHIN + 1,) after the letter before the place, and after each of the next letters

    def stretch(self, apart: float) -> int:
        """Return how many letters long, without a gap, the two differ."""
        differs = abs(self.truth.astype(np.float64) - self.before) > apart
        return len(differs) if differs.all() else int(np.argmin(differs))


def flip_test(
    model: Model, text: str, first: int, hypothesis: Hypothesis, cells: Cells, cell: int, side: Side, seed: int = 0
) -> Flip | None:
    """Return how a cell answers to insertions into a text from letter `first` on; None if none changes the truth.

    None, too, where the truth can be changed at fewer than five places at which the cell is right.
    """
    values = hypothesis(text)
    apart = APART * float(np.nanstd(values)) if side.is_number else 0.5
    places = _places(text, values, first, hypothesis, apart, seed)
    if len(places) < FEWEST:
        return None
    codes = any_length(model).codes(text)
    longest = max(len(place.insertion) for place in places)
    seen = min(SEEN, min(place.at for place in places))
    length = seen + longest + WITHIN
    with_it, without = [], []
    for place in places:
        own = any_length(model).codes(place.insertion)
        tail = codes[place.at : place.at + WITHIN]
        begin = place.at + len(own) + WITHIN - length
        with_it.append(np.concatenate([_filled(codes, begin, place.at), own, tail]))
        without.append(_filled(codes, place.at + WITHIN - length, place.at + WITHIN))
    steps = slice(length - WITHIN - 1, None)
    after = cell_values(model, np.stack(with_it), cells, cell)[:, steps]
    undisturbed = cell_values(model, np.stack(without), cells, cell)[:, steps]
    truth, before = np.stack([place.truth for place in places]), np.stack([place.before for place in places])
    follows, drifts = side.nearer(after, truth, before), side.nearer(undisturbed, truth, before)
    delays, count, chance = [], 0, 0
    for number, place in enumerate(places):
        if drifts[number, 0]:  # it was wrong before
            continue
        count += 1
        stretch = place.stretch(apart / 2 if side.is_number else apart)
        hits = np.flatnonzero(follows[number, :stretch])
        delays += hits[:1].tolist()
        chance += int(drifts[number, :stretch].any())
    if count < FEWEST:
        return None
    insertions = tuple(dict.fromkeys(place.insertion for place in places))
    return Flip(insertions, count, tuple(delays), chance / count)


def _places(text: str, values: Array, first: int, hypothesis: Hypothesis, apart: float, seed: int) -> list[Place]:
    """Return places where an insertion changes the truth at once: as many that raise it as lower it, if there are."""
    rng, insertions = np.random.default_rng(seed), hypothesis.insertions_for(text)
    candidates = np.arange(max(first, 1), len(text) - WITHIN)
    up: list[Place] = []
    down: list[Place] = []
    asked = 0
    for at in rng.permutation(candidates).tolist():
        start = max(0, at - CONTEXT)
        for insertion in insertions:
            if not insertion.fits(text, at):
                continue
            asked += 1
            changed = hypothesis(text[start:at] + insertion.text + text[at : at + WITHIN])
            truth, before = changed[-WITHIN - 1 :], values[at - 1 : at + WITHIN]
            if changed[at - start - 1] != before[0]:
                break  # the context is too short to tell what is true here
            change = float(truth[0]) - float(before[0])
            if abs(change) > apart:
                (up if change > 0 else down).append(Place(at, insertion.text, truth, before))
                break
        if asked > TRIED:
            break
        if min(len(up), len(down)) >= PLACES // 2:
            break
    each = max(PLACES // 2, PLACES - min(len(up), len(down)))
    return sorted([*up[:each], *down[:each]], key=lambda place: place.at)[:PLACES]


def _filled(codes: Array, begin: int, stop: int) -> Array:
    """Return codes[begin:stop]; what would come before the text's first letter is that letter again."""
    part = codes[max(begin, 0) : stop]
    return np.concatenate([np.full(max(-begin, 0), codes[0]), part])
