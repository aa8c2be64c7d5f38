"""What a search has found, a finding for each hypothesis, and the same figures for several nets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.activations._dissection_chance import benjamini_hochberg
from minitorch_viz.techniques.recurrent._cell_search_clamp import Clamp
from minitorch_viz.techniques.recurrent._cell_search_find import Answer, Match, Question, States
from minitorch_viz.techniques.recurrent._cell_search_flip import Flip
from minitorch_viz.techniques.recurrent._cell_search_states import layer_sizes
from minitorch_viz.techniques.recurrent._cell_search_trial import passage_of

AUC_BAR, R2_BAR = 0.85, 0.25  # of what is called found
LEVEL = 0.05  # of the p-values, corrected for the number of hypotheses


class Finding(NamedTuple):
    """Hold what was found for one hypothesis; figures are AUC of a yes or no, R^2 of a number."""

    name: str
    words: str  # what it means
    is_number: bool
    share: float | None  # of the letters at which it is true; of a number the mean
    why: str  # why it was not scored; "" if it was
    matches: tuple[Match, ...] = ()  # the best cells, as chosen on the first half
    control: float | None = None  # the held-out figure of the best cell of the random net
    p: float | None = None  # of the best cell, corrected for the number of hypotheses
    flip: Flip | None = None
    flip_why: str = ""  # why there is no flip test; "" too if it was not made yet
    clamp: Clamp | None = None
    clamp_why: str = ""
    passage: str = ""  # n held-out letters
    passage_values: Array = np.zeros(0)  # (n,): tanh(c) or h at each, -1..1
    passage_truth: Array = np.zeros(0)  # (n,): what is true

    @property
    def figure(self) -> float:
        """Return the held-out figure of the best cell; NaN if there is none."""
        return self.matches[0].held_out if self.matches else float("nan")

    @property
    def bar(self) -> float:
        """Return what the figure must reach."""
        return R2_BAR if self.is_number else AUC_BAR

    @property
    def reaches_bar(self) -> bool:
        """Return whether a cell reaches the bar on held-out letters, beyond chance, and beyond a random net's."""
        if self.p is None or self.control is None:
            return False
        return self.figure >= self.bar and self.p < LEVEL and self.control < self.figure

    @property
    def is_found(self) -> bool:
        """Return whether a cell reaches the bar, and did not fail its flip test; without that test the bar decides."""
        return self.reaches_bar and (self.flip is None or self.flip.passes)

    @property
    def is_learned(self) -> bool:
        """Return whether it is found, and a random net has no such cell."""
        return self.is_found and self.control is not None and self.control < self.bar


class Size(NamedTuple):
    """Hold what a search found in one net of several."""

    name: str
    cells: int  # of all its recurrent layers
    parameters: int
    nats: float | None  # a letter of the text; None of a net that says nothing of it
    figures: Array  # (K,): held-out figures of the findings, in their order; NaN: not scored


def findings_of(
    own: States, questions: Sequence[Question], answers: Sequence[Answer | None], controls: Sequence[Answer | None]
) -> tuple[Finding, ...]:
    """Return the findings, the best first."""
    scored = [answer.p for answer in answers if answer is not None]
    corrected = iter(benjamini_hochberg(np.array(scored)).tolist())
    findings = []
    for question, answer, control in zip(questions, answers, controls, strict=True):
        hypothesis = question.hypothesis
        share = float(np.nanmean(question.values)) if np.isfinite(question.values).any() else None
        finding = Finding(hypothesis.name, hypothesis.words, question.is_number, share, question.why)
        if answer is not None and control is not None:
            passage = passage_of(own, question, answer.matches[0])
            finding = finding._replace(
                matches=answer.matches,
                control=control.matches[0].held_out,
                p=next(corrected),
                passage=passage.text,
                passage_values=passage.values,
                passage_truth=passage.truth,
            )
        findings.append(finding)
    return best_first(findings)


def best_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in their order: found ones, then by how far they reach their bar, those not scored last."""
    return tuple(sorted(findings, key=_order))


def _order(finding: Finding) -> tuple[bool, bool, float]:
    if finding.why:
        return (True, True, 0.0)
    chance, best = (0.0 if finding.is_number else 0.5), finding.figure
    return (False, not finding.is_found, -(best - chance) / (finding.bar - chance))


def size_of(
    states: States, names: Sequence[str], questions: Sequence[Question], answers: Sequence[Answer | None]
) -> Size:
    """Return what was found in one net, by the findings' names."""
    figures = {
        question.hypothesis.name: answer.matches[0].held_out if answer is not None else float("nan")
        for question, answer in zip(questions, answers, strict=True)
    }
    net = states.model.net
    parameters = sum(value.size for value in net.params.values())
    cells = sum(layer_sizes(states.model).values())
    return Size(states.model.name, cells, parameters, states.nats, np.array([figures[name] for name in names]))


def growth(size: Size) -> tuple[int, float]:
    """Return what nets are sorted by: the smaller first, of equal ones the more surprised."""
    return (size.parameters, -(size.nats or 0.0))
