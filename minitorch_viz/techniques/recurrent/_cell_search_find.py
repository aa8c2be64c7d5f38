"""The search: read the letters with a net, score every cell on their first half, measure the best on the second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.models import Model
from minitorch_viz.techniques.explain.reading import writes
from minitorch_viz.techniques.recurrent._cell_search_corpus import Corpus
from minitorch_viz.techniques.recurrent._cell_search_flip import Side
from minitorch_viz.techniques.recurrent._cell_search_scores import (
    Line,
    auc,
    aucs,
    chance,
    correlations,
    fitted,
    r2,
    threshold,
)
from minitorch_viz.techniques.recurrent._cell_search_states import (
    STEPS,
    Cells,
    any_length,
    read_side_by_side,
    searched,
)
from minitorch_viz.techniques.recurrent.hypotheses import Hypothesis

FEW = 20  # letters of a half at which it must be true, and at which it must not
RUNS = 3  # times that it must begin or end in a half
BEST = 5  # cells that are named for each hypothesis


@dataclass(frozen=True, eq=False)
class Question:
    """Hold a hypothesis, what it says of the letters, and why it cannot be scored."""

    hypothesis: Hypothesis
    values: Array  # (T,) bool or float64
    why: str  # "" if it can be

    @property
    def is_number(self) -> bool:
        """Return whether it says how much, and not yes or no."""
        return self.values.dtype != bool


class Match(NamedTuple):
    """Name a cell that was chosen, with its figures: AUC, at least 0.5 where it was chosen, or R^2."""

    node: str
    quantity: str  # c, tanh or h
    cell: int
    direction: int  # 1: higher where it is true, or more; -1: lower
    chosen_on: float  # the figure on the first half
    held_out: float  # the figure on the second half


class Answer(NamedTuple):
    """Hold what a search says of one question."""

    matches: tuple[Match, ...]  # the best first, as chosen
    p: float  # of the best: how likely is such a fit by chance
    side: Side  # how the best cell speaks


class States:
    """Read the letters of a corpus with a net, and keep what its cells did at each."""

    def __init__(self, model: Model, corpus: Corpus) -> None:
        self.model, self.corpus = model, corpus
        self.cells = searched(model)
        self.kept = [cells for cells in self.cells if cells[1] != "tanh"]  # which is made of c
        self.rows = list(corpus.rows(model))
        self.arrays: dict[Cells, Array] = {}
        self.lost, self.count = 0.0, 0  # nats, and of how many letters

    @property
    def steps(self) -> int:
        """Return how many passes the reading takes."""
        return sum(-(-rows.codes.shape[1] // STEPS) for rows in self.rows)

    @property
    def nats(self) -> float | None:
        """Return how surprised the net was at a letter of the given text, on average; None of one that says nothing."""
        return self.lost / self.count if self.count else None

    def read(self) -> Iterator[None]:
        """Read on, a pass each time."""
        total, before = len(self.corpus.text), 0
        for number, rows in enumerate(self.rows):
            sizes = [stop - start for start, stop in zip(rows.starts, rows.stops, strict=True)]
            places = before + np.concatenate([[0], np.cumsum(sizes)[:-1]])
            before += sum(sizes)
            scored = number == 0 and writes(self.model) is None
            for piece in read_side_by_side(self.model, rows.codes, self.kept, scored=scored):
                for row, (start, stop, place) in enumerate(zip(rows.starts, rows.stops, places.tolist(), strict=True)):
                    for cells, values in piece.states.items():
                        first, last = max(piece.first, start), min(piece.first + values.shape[1], stop)
                        if first < last:
                            array = self.arrays.setdefault(cells, np.empty((total, values.shape[2]), values.dtype))
                            part = values[row, first - piece.first : last - piece.first]
                            array[place + first - start : place + last - start] = part
                    if piece.scores is not None:
                        self._lose(rows.codes[row], piece.first, piece.scores[row], start, stop)
                yield

    def _lose(self, codes: Array, first: int, scores: Array, start: int, stop: int) -> None:
        """Add up the surprise at the letters of a row that come after those of a piece."""
        letters = np.arange(max(first, start), min(first + len(scores), stop - 1))
        self.lost -= float(scores[letters - first, codes[letters + 1]].sum(dtype=np.float64))
        self.count += len(letters)

    def of(self, cells: Cells) -> Array:
        """Return what the cells of a layer did, (T, H)."""
        node, quantity = cells
        return np.tanh(self.arrays[node, "c"]) if quantity == "tanh" else self.arrays[cells]

    def column(self, cells: Cells, cell: int) -> Array:
        """Return what one cell did, (T,)."""
        node, quantity = cells
        values = self.arrays[node, "c" if quantity == "tanh" else quantity][:, cell]
        return np.tanh(values) if quantity == "tanh" else values


def questions_of(corpus: Corpus, hypotheses: Sequence[Hypothesis]) -> list[Question]:
    """Return the hypotheses with what they say of the letters, and why those cannot be scored that cannot."""
    questions = []
    for hypothesis in hypotheses:
        values = corpus.values(hypothesis)
        questions.append(Question(hypothesis, values, _unscored(values, corpus.half)))
    return questions


def _unscored(values: Array, half: int) -> str:
    """Return why an answer cannot be scored, in words; "" if it can."""
    parts = {"on which cells are chosen": values[:half], "that are held out": values[half:]}
    if values.dtype == bool and not values.any():
        return "it is never true in this text"
    for words, part in parts.items():
        if values.dtype == bool:
            true = int(part.sum())
            if min(true, len(part) - true) < FEW:
                return f"it is true at {true:,} of the {len(part):,} letters {words}"
            turns = int((part[1:] != part[:-1]).sum())
            if turns < RUNS:
                return f"it turns only {turns} time{'s' * (turns != 1)} in the {len(part):,} letters {words}"
        else:
            told = part[np.isfinite(part)]
            if len(told) < FEW:
                return f"it says something of {len(told)} of the {len(part):,} letters {words}"
            if np.ptp(told) == 0:
                return f"it is {told[0]:g} at all letters {words}"
    return ""


def search(states: States, questions: Sequence[Question]) -> list[Answer | None]:
    """Return the best cells for each question; None for those that cannot be scored."""
    half = states.corpus.half
    names: list[tuple[Cells, int]] = []  # of the columns
    scores: list[Array] = []  # (K, H) of each layer and quantity: sign and figure in one, -1..1
    truths = [question for question in questions if not question.why and not question.is_number]
    numbers = [question for question in questions if not question.why and question.is_number]
    for cells in states.cells:
        x = states.of(cells)[:half]
        block = np.zeros((len(questions), x.shape[1]))
        for listed, score in ((truths, _signed_auc), (numbers, correlations)):
            if listed and not (listed is truths and cells[1] == "tanh"):  # of the same order as c
                y = np.stack([question.values[:half] for question in listed], axis=1)
                block[[questions.index(question) for question in listed]] = score(x, y)
        names += [(cells, cell) for cell in range(x.shape[1])]
        scores.append(block)
    table = np.concatenate(scores, axis=1)
    return [
        None if question.why else _answer(states, question, table[number], names)
        for number, question in enumerate(questions)
    ]


def _signed_auc(x: Array, y: Array) -> Array:
    """Return 2 AUC - 1, from -1 to 1: 0 is chance, the sign says where the cell is higher."""
    return 2 * aucs(x, y) - 1


def _answer(states: States, question: Question, scores: Array, names: list[tuple[Cells, int]]) -> Answer:
    """Return what is said of one question: the best cells on the first half, measured on the second."""
    half, values = states.corpus.half, question.values
    matches: list[Match] = []
    side = Side(1, 0.0, Line(0.0, 0.0), question.is_number)
    p = 1.0
    for place in np.argsort(-abs(scores), kind="stable").tolist():
        cells, cell = names[place]
        if any((match.node, match.cell) == (cells[0], cell) for match in matches):
            continue
        x, score = states.column(cells, cell), float(scores[place])
        direction = 1 if score >= 0 else -1
        if question.is_number:
            line = fitted(x[:half], values[:half])
            chosen_on, held_out = score**2, r2(x[half:], values[half:], line)
        else:
            line = Line(0.0, 0.0)
            chosen_on, held_out = 0.5 + abs(score) / 2, 0.5 + direction * (auc(x[half:], values[half:]) - 0.5)
        if not matches:
            cut = 0.0 if question.is_number else threshold(x[:half], values[:half], direction)
            side = Side(direction, cut, line, question.is_number)
            p = chance(x[half:], values[half:], direction)
        matches.append(Match(cells[0], cells[1], cell, direction, chosen_on, held_out))
        if len(matches) == BEST:
            break
    return Answer(tuple(matches), p, side)


def held_values(states: States, match: Match, question: Question) -> tuple[float, float]:
    """Return the mean of a cell's memory where it is true (or a tenth is above), and where it is not, first half."""
    half = states.corpus.half
    memory, values = states.arrays[match.node, "c"][:half, match.cell].astype(np.float64), question.values[:half]
    if question.is_number:
        low, high = np.nanpercentile(values, [10, 90])
        return float(memory[values >= high].mean()), float(memory[values <= low].mean())
    return float(memory[values].mean()), float(memory[~values].mean())


def known_to(model: Model, corpus: Corpus) -> None:
    """Raise SettingError if a net does not know a letter of the corpus."""
    any_length(model).codes(corpus.text)
