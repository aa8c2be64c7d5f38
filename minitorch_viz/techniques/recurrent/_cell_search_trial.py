"""The evidence under a found cell: a passage in its colours, the flip test and the clamp test."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.explain.reading import alphabet_of, writes
from minitorch_viz.techniques.recurrent._cell_search_clamp import can_be_held, clamp_test
from minitorch_viz.techniques.recurrent._cell_search_find import Answer, Match, Question, States, held_values
from minitorch_viz.techniques.recurrent._cell_search_flip import FEWEST, flip_test

if TYPE_CHECKING:
    from minitorch_viz.techniques.recurrent._cell_search_findings import Finding

PASSAGE = 480  # letters that are shown
LOOKED_AT = 60  # places at which a passage may begin


class Passage(NamedTuple):
    """Hold n held-out letters, and what a cell does there."""

    text: str
    values: Array  # (n,): tanh(c) or h, -1..1
    truth: Array  # (n,)


def passage_of(states: States, question: Question, match: Match) -> Passage:
    """Return held-out letters: of a yes or no those in which it turns most often, of a number the first."""
    corpus, half = states.corpus, states.corpus.half
    text, values = corpus.text, question.values
    column = states.column((match.node, "tanh" if match.quantity == "c" else match.quantity), match.cell)
    starts = np.linspace(half, max(half, len(text) - PASSAGE), LOOKED_AT).astype(int).tolist()
    starts = sorted({_at_line(text, start) for start in starts})
    best = starts[0]
    if not question.is_number:
        best = max(starts, key=lambda start: _liveliness(values[start : start + PASSAGE]))
    part = slice(best, best + PASSAGE)
    return Passage(text[part], column[part].astype(np.float64), values[part].astype(np.float64))


def _liveliness(truth: Array) -> int:
    """Return how much happens: at most 6 turns count, and how even yes and no are."""
    turns = int((truth[1:] != truth[:-1]).sum())
    true = int(truth.sum())
    return min(turns, 6) * min(true, len(truth) - true)


def _at_line(text: str, start: int) -> int:
    """Return the beginning of the next line, or `start` where the next is far."""
    place = text.find("\n", start, start + PASSAGE // 4)
    return start if place < 0 else place + 1


@dataclasses.dataclass(frozen=True, eq=False)
class Trial:
    """Put the best cell of a finding to its tests."""

    states: States
    question: Question
    answer: Answer
    seed: int

    def flipped(self, finding: Finding) -> Finding:
        """Return the finding with its flip test, or with the reason why there is none."""
        corpus, match, hypothesis = self.states.corpus, self.answer.matches[0], self.question.hypothesis
        insertions = hypothesis.insertions_for(corpus.text)
        if not insertions:
            return finding._replace(flip_why="what comes later decides, and the net cannot have read it")
        letters = set(alphabet_of(self.states.model).letters)
        insertions = tuple(insertion for insertion in insertions if set(insertion.text) <= letters)
        flip = flip_test(
            self.states.model,
            corpus.text,
            corpus.half,
            dataclasses.replace(hypothesis, insertions=insertions, c_insertions=None),
            (match.node, match.quantity),
            match.cell,
            self.answer.side,
            self.seed,
        )
        if flip is None:
            why = f"nothing that was inserted changes it at {FEWEST} places where the cell is right"
            return finding._replace(flip_why=why)
        return finding._replace(flip=flip)

    def clamped(self, finding: Finding) -> Finding:
        """Return the finding with its clamp test, or with the reason why there is none."""
        model, match, hypothesis = self.states.model, self.answer.matches[0], self.question.hypothesis
        why = writes(model)
        if not can_be_held(model, match.node):
            why = f"{match.node} has no memory that can be held"
        if why:
            return finding._replace(clamp_why=why)
        measure: Callable[[str], float] = hypothesis.measure or (lambda text: float(np.nanmean(hypothesis(text))))
        words = "mean of it" if self.question.is_number else "share of letters at which it is true"
        words = hypothesis.measure_words or words
        held = held_values(self.states, match, self.question)
        return finding._replace(clamp=clamp_test(model, match.node, match.cell, held, measure, words, self.seed))
