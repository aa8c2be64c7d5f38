"""Char saliency: which earlier letters the next prediction depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError, near, need_whole
from minitorch_viz.models.carry import log_probabilities, table_of
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.reading import alphabet_of, writes
from minitorch_viz.techniques.recurrent import _char_saliency_numbers as numbers
from minitorch_viz.techniques.recurrent._char_saliency_choice import likeliest, place_of, target_of
from minitorch_viz.techniques.recurrent._char_saliency_everywhere import EVERY, everywhere
from minitorch_viz.techniques.recurrent._char_saliency_figure import draw
from minitorch_viz.techniques.subject import TEXT

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Method = Literal["gradient", "gradient-x-input", "occlusion", "all"]
Value = Literal["log-probability", "score"]


@dataclass(frozen=True, eq=False)
class CharSaliency(Result):
    """Hold how much the prediction of one letter depends on each of the R letters before it, by up to three methods."""

    net: str  # what it is called
    text: str  # (R,) letters, the last one just before the predicted one
    first: int  # the place of the first of them in the whole text
    target: str  # the letter whose prediction is explained
    came: str  # the letter that stands there; "" after the end of the text
    why: str  # how the place was chosen, in words
    value: Value  # what is explained
    probability: float  # of the target
    likeliest: tuple[tuple[str, float], ...]  # what the net expected there, with the probabilities
    methods: tuple[str, ...]  # (M,)
    heats: Array  # (M, R): gradient's are not negative, the others signed
    maps: Array  # (M, E, R) float32: the same of the last E predictions; the last row is this one's
    expected: tuple[tuple[tuple[str, float], ...], ...]  # (E,) what the net expected at each of them
    chances: Array  # (E,) the probability of the letter that came, of the last one the target's
    gradient: Array  # (R, D): the derivative at each number of each letter's vector
    vectors: Array  # (R, D)
    shows_vectors: bool
    on_table: bool  # whether letters are looked up; else their vectors are zeros with a 1

    @property
    def place(self) -> int:
        """Return the place of the predicted letter in the whole text."""
        return self.first + len(self.text)

    @property
    def spread(self) -> Array:
        """Return (e - mean)^2 of each number of each vector, (R, D): Li et al.'s variance saliency."""
        return numbers.spread(self.vectors)

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.net[:40], f"{self.target!r} at place {self.place}", f"{len(self.text)} letters before")

    @property
    def caption(self) -> str:
        quantity = "log probability" if self.value == "log-probability" else "score"
        vector = "vector in the net's table" if self.on_table else "row of zeros with a 1"
        words = {
            "gradient": f"gradient: the length of the derivative of the {quantity} by each letter's {vector}, white to "
            "black",
            "gradient-x-input": "gradient x input: how much it rises as the vector grows, red up and blue down",
            "occlusion": "occlusion: by how much it falls where the mean vector of all letters stands in place of one, "
            "red: the letter speaks for it, blue: against",
        }
        listed = "; ".join(words[method] for method in self.methods)
        below = (
            " Below, a column a letter and a row a number of its vector: the derivative's size, and (e - mean)^2, the "
            "distance from the mean of these letters (Li et al.'s variance), each on its scale from 0."
        )
        return (
            f"What {self.net}'s {quantity} of {self.target!r} at place {self.place} ({self.why}) depends on, "
            f"probability {numbers.percent(self.probability)}. A strip a method, each on a scale of its own, full "
            f"colour at its largest value: {listed}.{below * self.shows_vectors}"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes())

    def html(self) -> str:
        """Return the page: one file in which each letter shows what its prediction depends on."""
        from minitorch_viz.techniques.recurrent._char_saliency_page import render_page

        return render_page(self)

    def _notes(self) -> Iterator[str]:
        expected = ", ".join(f"{letter!r} {share:.0%}" for letter, share in self.likeliest)
        came = f"{self.came!r} came" if self.came else "the text ends there"
        yield f"The net expected {expected}; {came}."
        if self.first:
            yield f"The {self.first:,} letters before are read, too, and not explained."
        for method, heat in zip(self.methods, self.heats, strict=True):
            if not heat.any():
                yield f"{method} is 0 everywhere: as far as it can tell, no letter matters to this prediction."


def char_saliency(
    model: Model,
    text: str,
    *,
    method: Method = "all",
    at: str | int = "last",
    target: str | None = None,
    value: Value = "log-probability",
    reach: int = 100,
    vectors: bool = False,
) -> CharSaliency:
    """Show which earlier letters the net's next prediction depends on.

    Saved as .html it is a page in which one goes from letter to letter and sees the same of each.

    Args:
        method: gradient, how much a small change of a letter's vector could do; gradient-x-input, what the vector adds,
            with its sign; occlusion, what happens without the letter; or all three
        at: which letter's prediction: last, the one after the end of the text; surprise, the one the net expected
            least; helped, the one for which all letters before it help most, against the last one alone; or a place,
            counted from 0
        target: the letter whose prediction is explained (default: the one that came; at the end the likeliest)
        value: the log probability of that letter, which falls where others rise, or its score alone
        reach: at most so many letters before it are explained; all others are read, too
        vectors: show the numbers of each letter's vector, too, by Li et al.'s derivative and variance

    Returns a CharSaliency with heats (M, R), gradient and vectors (R, D). Raises SettingError for an unknown letter, a
    place that is not in the text, and settings that do not fit; MinitorchVizError for a net that predicts no letters.

    Paper: Li, Chen, Hovy, Jurafsky 2016 (gradients, variance); Karpathy, Johnson, Fei-Fei 2015 (what nets rely on).
    """
    for name, given, choices in (("method", method, Method), ("value", value, Value)):
        if given not in get_args(choices):
            raise SettingError(f"There is no {name} {given!r}; {near(given, get_args(choices), name)}.")
    need_whole("reach", reach, 1)
    model = model.to("cpu")  # one text at a time is read fastest there
    if why := writes(model):
        raise MinitorchVizError(f"{why}.")
    alphabet = alphabet_of(model)
    codes = alphabet.codes(text)
    place, words = place_of(model, text, at)
    window = numbers.Window.of(model, alphabet, codes, max(0, place - reach), place)
    logs = log_probabilities(window.net, window.answer(window.vectors[None]))[0, -EVERY:]  # (E, V)
    scores = logs[-1]
    code, came = target_of(alphabet, scores, target, codes, place)
    targets = np.append(window.codes[len(window.codes) - len(logs) + 1 :], code)
    by_score = value == "score"
    gradient = numbers.gradients(window, code, by_score)
    methods = tuple(name for name in get_args(Method)[:-1] if method in (name, "all"))
    heats: dict[str, Callable[[], Array]] = {
        "gradient": lambda: np.sqrt((gradient**2).sum(axis=1)),
        "gradient-x-input": lambda: (gradient * window.vectors).sum(axis=1),
        "occlusion": lambda: numbers.occluded(window, code, by_score),
    }
    expected = tuple(likeliest(alphabet, row) for row in logs)
    return CharSaliency(
        net=model.name,
        text="".join(alphabet.letters[number] for number in window.codes.tolist()),
        first=place - len(window.codes),
        target=alphabet.letters[code],
        came=came,
        why=words,
        value=value,
        probability=float(np.exp(scores[code])),
        likeliest=expected[-1],
        methods=methods,
        heats=np.stack([heats[name]().astype(np.float64) for name in methods]),
        maps=everywhere(window, targets, methods, by_score),
        expected=expected,
        chances=np.exp(logs[np.arange(len(logs)), targets]),
        gradient=gradient,
        vectors=window.vectors,
        shows_vectors=vectors,
        on_table=bool(table_of(model.net)),
    )


def plot(result: CharSaliency, figure: Any) -> None:
    """Draw the text with a strip of colours for each method under each of its lines."""
    draw(result, figure)


def _example() -> CharSaliency:
    from minitorch_viz.models import Alphabet, Model
    from minitorch_viz.models.letters import letters

    alphabet = Alphabet("abcdefghijklmnopqrstuvwxyz ", one_hot=False)
    model = Model.from_net(letters(27, cells=24, embedding=8), readers=alphabet, name="a random net")
    return char_saliency(model, "the quick brown fox jumps over the lazy dog", at="surprise")


TECHNIQUE = Technique(
    name="char-saliency",
    compute=char_saliency,
    plot=plot,
    title="Char saliency: which earlier letters a prediction depends on",
    paper="Li, Chen, Hovy, Jurafsky 2016",
    example=_example,
    applies=writes,
    pages=(".html",),
    subject=TEXT,
    shown_by="war_and_peace",
    level=40,
)
