"""A text of words that a net answers, such as a question about a picture: what its words do to the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.layers.softmax import log_softmax
from minitorch_viz.models import Model
from minitorch_viz.models.carry import table_of
from minitorch_viz.models.readers import Preprocessing
from minitorch_viz.net import Net
from minitorch_viz.techniques.subject import TEXT


@dataclass(frozen=True, eq=False)
class Question:
    """Hold a row of L words, those that fill it up in front, and what else the net is given."""

    net: Net
    goal: str  # the node of the answers' scores, (N, K)
    node: str  # the table's
    row: Array  # (L,) whole numbers
    places: Array  # (R,) where the text's own words stand
    beside: Mapping[str, Array]  # (1, ...) the other inputs

    @property
    def vectors(self) -> Array:
        """Return the vectors of the row, (L, D)."""
        vectors: Array = self._table[self.row]
        return vectors

    @property
    def filling(self) -> Array:
        """Return the mean vector of all words, without that of no word, (D,)."""
        mean: Array = self._table[1:].mean(axis=0)
        return mean

    @property
    def _table(self) -> Array:
        table: Array = self.net[self.node].layer.params["weight"]
        return table

    def inputs(self, vectors: Array) -> dict[str, Any]:
        """Return what a pass over N texts as vectors (N, L, D) is given."""
        x = {name: value.repeat(len(vectors), axis=0) for name, value in self.beside.items()}
        return {"x": x or None, "given": {self.node: vectors}}

    def scores(self, answer: Array) -> Array:
        """Return the scores of the answers, (N, K)."""
        return answer

    def logs(self, answer: Array) -> Array:
        """Return the log probabilities of the answers, (N, K)."""
        return log_softmax(answer, 1)

    def seed(self, answer: Array, code: int) -> Array:
        """Return the derivative of the log probability of an answer by the scores (1, K)."""
        seed: Array = -np.exp(log_softmax(answer, 1))
        seed[0, code] += 1
        return seed


def answers(model: Model) -> str | None:
    """Return why there is no answer to a text of words whose words could matter, in words; None if there is."""
    if not TEXT.words_input(model):
        return f"{model.name} reads no words"
    if not table_of(model.net):
        return f"{model.name} looks its words up in no table, so that they are no vectors"
    if not model.logits:
        return f"{model.name} gives no answer with a score"
    return None


def question_of(model: Model, text: str, photo: Any = None) -> Question:
    """Return a text of words as the net reads it, beside a photo (default: a sample) where it looks at one, too.

    Raises SettingError for unknown words and for a photo that the net does not look at.
    """
    if why := answers(model):
        raise MinitorchVizError(f"{why}.")
    name = TEXT.words_input(model)
    row = model.read(text, name)[0]
    if not row.any():
        raise SettingError(f"A text of at least one word is needed, but got {text!r:.60}.")
    beside: dict[str, Array] = {}
    for other in model.net.inputs:
        if other == name:
            continue
        if not isinstance(model.readers.get(other), Preprocessing):
            raise SettingError(f"{model.name} needs its input {other!r}, too; give it one by --input {other}=VALUE.")
        beside[other] = model.read(_sample(model) if photo is None else photo, other)
    if photo is not None and not beside:
        raise SettingError(f"{model.name} looks at no picture beside its words; leave photo out.")
    return Question(model.net, model.logits, table_of(model.net), row, np.flatnonzero(row), beside)


def _sample(model: Model) -> Any:
    from minitorch_viz.models.samples import samples

    return samples(model)[0].image


def answer_code(model: Model, logs: Array, target: Any) -> int:
    """Return the number of the answer that is explained: a class by name or number, or the likeliest of (K,)."""
    return int(logs.argmax()) if target is None else model.class_index(target)
