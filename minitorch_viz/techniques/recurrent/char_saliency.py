"""Char saliency: which earlier letters the next prediction depends on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError, near, need_whole
from minitorch_viz.io.images import load_image
from minitorch_viz.models.carry import log_probabilities, table_of
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.reading import alphabet_of, writes
from minitorch_viz.techniques.recurrent import _char_saliency_numbers as numbers
from minitorch_viz.techniques.recurrent._char_saliency_caption import caption_of, notes_of
from minitorch_viz.techniques.recurrent._char_saliency_choice import likeliest, place_of, target_of
from minitorch_viz.techniques.recurrent._char_saliency_everywhere import EVERY, everywhere
from minitorch_viz.techniques.recurrent._char_saliency_figure import draw
from minitorch_viz.techniques.recurrent._char_saliency_question import answer_code, answers, question_of
from minitorch_viz.techniques.subject import TEXT, Photo

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Method = Literal["gradient", "gradient-x-input", "occlusion", "all"]
Value = Literal["log-probability", "score"]


@dataclass(frozen=True, eq=False)
class CharSaliency(Result):
    """Hold how much the prediction of one letter depends on each of the R letters before it, by up to three methods."""

    net: str  # what it is called
    units: tuple[str, ...]  # (R,) letters, the last one just before the predicted one; or the words of a text
    of_words: bool
    first: int  # the place of the first of them in the whole text
    target: str  # the letter whose prediction is explained, or the answer
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
    beside: str = ""  # what the net looked at beside the words, in words

    @property
    def place(self) -> int:
        """Return the place of the predicted letter in the whole text."""
        return self.first + len(self.units)

    @property
    def spread(self) -> Array:
        """Return (e - mean)^2 of each number of each vector, (R, D): Li et al.'s variance saliency."""
        return numbers.spread(self.vectors)

    @property
    def facts(self) -> tuple[str, ...]:
        if self.of_words:
            return (self.net[:40], f"{self.target[:40]!r}", f"{len(self.units)} words")
        return (self.net[:40], f"{self.target!r} at place {self.place}", f"{len(self.units)} letters before")

    @property
    def caption(self) -> str:
        return caption_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(notes_of(self))

    def html(self) -> str:
        """Return the page: one file in which each letter shows what its prediction depends on."""
        from minitorch_viz.techniques.recurrent._char_saliency_page import render_page

        return render_page(self)


def char_saliency(
    model: Model,
    text: str,
    *,
    method: Method = "all",
    at: str | int = "last",
    target: str | None = None,
    value: Value = "log-probability",
    reach: int = 100,
    vectors: bool | None = None,
    photo: Photo | None = None,
) -> CharSaliency:
    """Show which earlier letters the net's next prediction depends on, or which words its answer.

    Saved as .html it is a page in which one goes from letter to letter and sees the same of each. Of a net that answers
    a question, a text of words, it shows the words.

    Args:
        method: gradient, how much a small change of a letter's vector could do; gradient-x-input, what the vector adds,
            with its sign; occlusion, what happens without the letter; or all three
        at: which letter's prediction: last, the one after the end of the text; surprise, the one the net expected
            least; helped, the one for which all letters before it help most, against the last one alone; or a place,
            counted from 0 (of letters alone)
        target: the letter whose prediction is explained (default: the one that came; at the end the likeliest), or the
            answer
        value: the log probability of that letter, which falls where others rise, or its score alone
        reach: at most so many letters before it are explained; all others are read, too
        vectors: show the numbers of each vector, too, by Li et al.'s derivative and variance (default: of words yes, of
            letters no)
        photo: what a net that answers questions about pictures looks at (default: a sample)

    Returns a CharSaliency with heats (M, R), gradient and vectors (R, D). Raises SettingError for an unknown letter or
    word, a place that is not in the text, and settings that do not fit; ImageFileError for a bad photo;
    MinitorchVizError for a net that predicts no letters and answers no words.

    Paper: Li, Chen, Hovy, Jurafsky 2016 (gradients, variance); Karpathy, Johnson, Fei-Fei 2015 (what nets rely on).
    """
    for name, given, choices in (("method", method, Method), ("value", value, Value)):
        if given not in get_args(choices):
            raise SettingError(f"There is no {name} {given!r}; {near(given, get_args(choices), name)}.")
    need_whole("reach", reach, 1)
    methods = tuple(name for name in get_args(Method)[:-1] if method in (name, "all"))
    picture = None if photo is None else load_image(photo)
    model = model.to("cpu")  # one text at a time is read fastest there
    if TEXT.words_input(model):
        if at != "last":
            raise SettingError(f"The answer comes after the last word: at={at!r} is for nets that predict letters.")
        return _of_words(model, text, picture, methods, target, value, vectors is not False)
    if why := writes(model):
        raise MinitorchVizError(f"{why}.")
    if photo is not None:
        raise SettingError(f"{model.name} reads letters and looks at no picture; leave photo out.")
    return _of_letters(model, text, at, reach, methods, target, value, bool(vectors))


def _of_letters(
    model: Model, text: str, at: Any, reach: int, methods: tuple[str, ...], target: Any, value: Value, vectors: bool
) -> CharSaliency:
    """Explain the prediction of one letter, and of those before it."""
    alphabet = alphabet_of(model)
    codes = alphabet.codes(text)
    place, words = place_of(model, text, at)
    window = numbers.Window.of(model, alphabet, codes, max(0, place - reach), place)
    logs = log_probabilities(window.net, numbers.answer_of(window, window.vectors[None]))[0, -EVERY:]  # (E, V)
    code, came = target_of(alphabet, logs[-1], target, codes, place)
    targets = np.append(window.codes[len(window.codes) - len(logs) + 1 :], code)
    heats, gradient = numbers.heats_of(window, methods, code, value == "score")
    expected = tuple(likeliest(alphabet.letters, row) for row in logs)
    return CharSaliency(
        net=model.name,
        units=tuple(alphabet.letters[number] for number in window.codes.tolist()),
        of_words=False,
        first=place - len(window.codes),
        target=alphabet.letters[code],
        came=came,
        why=words,
        value=value,
        probability=float(np.exp(logs[-1, code])),
        likeliest=expected[-1],
        methods=methods,
        heats=heats,
        maps=everywhere(window, targets, methods, value == "score"),
        expected=expected,
        chances=np.exp(logs[np.arange(len(logs)), targets]),
        gradient=gradient,
        vectors=window.vectors,
        shows_vectors=vectors,
        on_table=bool(table_of(model.net)),
    )


def _of_words(
    model: Model, text: str, picture: Any, methods: tuple[str, ...], target: Any, value: Value, vectors: bool
) -> CharSaliency:
    """Explain the answer to a text of words."""
    question = question_of(model, text, picture)
    logs = question.logs(numbers.answer_of(question, question.vectors[None]))[0]  # (K,)
    code = answer_code(model, logs, target)
    heats, gradient = numbers.heats_of(question, methods, code, value == "score")
    own = question.places
    expected = likeliest(model.class_names, logs)
    return CharSaliency(
        net=model.name,
        units=tuple(model.readers[TEXT.words_input(model)].restore(question.row[None]).split()),
        of_words=True,
        first=0,
        target=model.class_names[code],
        came="",
        why="the likeliest answer" if code == logs.argmax() else "the answer asked for",
        value=value,
        probability=float(np.exp(logs[code])),
        likeliest=expected,
        methods=methods,
        heats=heats[:, own],
        maps=heats[:, None, own].astype(np.float32),
        expected=(expected,),
        chances=np.exp(logs[code : code + 1]),
        gradient=gradient[own],
        vectors=question.vectors[own],
        shows_vectors=vectors,
        on_table=True,
        beside="" if not question.beside else "the photo" if picture is not None else "a sample; photo gives another",
    )


def explained(model: Model) -> str | None:
    """Return why a net predicts nothing that letters or words could matter to, in words; None if it does."""
    return answers(model) if TEXT.words_input(model) else writes(model)


def plot(result: CharSaliency, figure: Any) -> None:
    """Draw the text with a strip of colours for each method under each of its lines."""
    draw(result, figure)


def _example() -> CharSaliency:
    from minitorch_viz.techniques.recurrent._small_net import small_net

    return char_saliency(small_net(), "the quick brown fox jumps over the lazy dog", at="surprise")


TECHNIQUE = Technique(
    name="char-saliency",
    compute=char_saliency,
    plot=plot,
    title="Char saliency: which earlier letters a prediction depends on",
    paper="Li, Chen, Hovy, Jurafsky 2016",
    example=_example,
    applies=explained,
    pages=(".html",),
    subject=TEXT,
    shown_by="war_and_peace",
    level=40,
)
