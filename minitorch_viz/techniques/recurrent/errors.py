"""Errors: which letters a net gets wrong and why, how far back it looks, and what models of other kinds come to."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.ngram import NGram
from minitorch_viz.errors import MinitorchVizError, need_whole
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain import reading
from minitorch_viz.techniques.explain.further_nets import further_nets
from minitorch_viz.techniques.explain.reading import alphabet_of, writes
from minitorch_viz.techniques.recurrent._errors_context import lengths_up_to, nats_after, places_of
from minitorch_viz.techniques.recurrent._errors_figure import draw
from minitorch_viz.techniques.recurrent._errors_kinds import UNREAD, Facts, best_gram, facts_of, kinds_of
from minitorch_viz.techniques.recurrent._errors_ladder import WARM, Rung, Seconds, nats_on, rung_of
from minitorch_viz.techniques.recurrent._errors_texts import Texts, texts_of
from minitorch_viz.techniques.recurrent._errors_words import caption_of, notes_of
from minitorch_viz.techniques.run import looping
from minitorch_viz.techniques.subject import TEXT

if TYPE_CHECKING:
    from minitorch_viz.models import Model

MOST_GRAMS = 12
MOST_NETS = 8  # on one chart


@dataclass(frozen=True, eq=False)
class Errors(Result):
    """Hold how surprised a net and n-gram models are at T letters; what is not measured yet is NaN."""

    net: str  # what it is called
    text: str  # (T,) the judged letters
    start: int  # the place of the first of them in the text
    training: str  # what was counted, in words
    counted: int  # letters of it
    leaks: bool  # whether the judged letters stand in what was counted
    unread: int  # letters of the text that were left out because of `count`
    memory: int  # letters in which a word is looked for
    nats: Array  # (T,) the net's
    gram_nats: Array  # (n, T) those of the models of 1 to n letters
    gram_seconds: Seconds  # each: how long counting took, of the processor's time
    facts_of_letters: Facts
    places: Array  # (M,) int: the letters at which the context is cut, as numbers into the judged ones
    lengths: tuple[int, ...]  # (C,) letters of context
    context: Array  # (C, M) nats at these letters after a context of so many letters
    rungs: tuple[Rung, ...]  # the net, then the further ones
    done: int
    total: int

    @functools.cached_property
    def kinds(self) -> Array:
        """Return the number in KINDS of each letter's error, (T,) int8; -1 of a right one, -2 of an unread one."""
        return kinds_of(self.nats, self.gram_nats, self.facts_of_letters)

    @property
    def read(self) -> int:
        """Return how many letters the net has read."""
        return int((self.kinds != UNREAD).sum())

    @property
    def mean(self) -> float:
        """Return the net's nats a letter; NaN before it has read one."""
        seen = self.nats[~np.isnan(self.nats)]
        return float(seen.mean()) if len(seen) else float("nan")

    @property
    def gram_means(self) -> Array:
        """Return the nats a letter of each n-gram model on all judged letters, (n,)."""
        means: Array = self.gram_nats.mean(axis=1)
        return means

    @property
    def best(self) -> int | None:
        """Return the row of the best n-gram model; None before any is counted."""
        return best_gram(self.gram_nats)

    @property
    def context_means(self) -> Array:
        """Return the net's nats a letter after each length of context, (C,).

        The mean over all letters that were read, plus how much more the letters at `places` cost with a shorter
        context: so their chance cancels out.
        """
        means: Array = self.mean + (self.context - self.nats[self.places]).mean(axis=1)
        return means

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.net[:40], f"{self.read} letters", f"{self.mean:.3f} nats a letter")

    @property
    def caption(self) -> str:
        return caption_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        return notes_of(self)


@looping("step")
def errors(
    model: Model,
    text: str,
    *,
    training: Path | None = None,
    count: int = 20000,
    grams: int = 9,
    memory: int = 1000,
    samples: int = 300,
    reach: int = 100,
    nets: str | Sequence[Model] | None = None,
) -> Iterator[Errors]:
    """Show which letters a net gets wrong and why, beside models that only count.

    The errors, letters with a probability below 1/2, are removed kind by kind: those a short context would have
    answered, words that stood there before, rare words, the first letters of words, signs, and the rest. Further charts
    show how far back the context helps, and what nets and n-gram models come to for their seconds of training. A step
    is an n-gram model counted, a thousand letters read, or a length of context tried.

    Args:
        training: a text file on which the n-gram models are counted; then all of the text is judged (default: the
            first four fifths of the text, and only what follows is judged)
        count: at most so many letters are judged, the first ones
        grams: n of the longest n-gram model, 1 to 12
        memory: a word that stands in so many letters before is one that could have been remembered
        samples: letters, evenly spread, at which the context is cut
        reach: the longest context that is tried, in letters
        nets: further nets for the ladder, each NAME, NAME=WEIGHTS or a file, commas between; the cards beside their
            weights say how long they were trained

    Returns an Errors with nats (T,), kinds (T,), gram_nats (n, T), context (C, M). Raises SettingError for a text that
    is too short, a letter that a net does not know and settings that do not fit, DataFileError for a bad file,
    MinitorchVizError for a net that predicts no letters.

    Paper: Karpathy, Johnson, Fei-Fei 2015, sections 4.3 and 4.4; Chen, Goodman 1999 (smoothing).
    """
    for name, value in (("count", count), ("samples", samples), ("reach", reach)):
        need_whole(name, value, 1)
    need_whole("grams", grams, 1, MOST_GRAMS)
    need_whole("memory", memory, 0)
    model = model.to("cpu")  # one text at a time is read fastest there
    if why := writes(model):
        raise MinitorchVizError(f"{why}.")
    alphabet = alphabet_of(model)
    codes = alphabet.codes(text)
    text = "".join(alphabet.letters[code] for code in codes.tolist())  # unknown letters as the net reads them
    texts = texts_of(text, training, count, grams)
    others = further_nets(model, nets, "errors", writes, MOST_NETS, "each net has one place on the ladder")
    yield from _steps(model, texts, codes, others, _begun(model, texts, grams, memory, samples, reach, len(others)))


def _begun(model: Model, texts: Texts, grams: int, memory: int, samples: int, reach: int, others: int) -> Errors:
    """Return the result before anything is measured."""
    length = texts.stop - texts.start
    reach = min(reach, max(1, texts.stop // 2))
    places = places_of(texts.start, texts.stop, reach, samples)
    lengths = lengths_up_to(reach)
    passes = -(-(min(texts.start, WARM) + length - 1) // reading.PIECE)
    return Errors(
        net=model.name,
        text=texts.judged,
        start=texts.start,
        training=texts.words,
        counted=len(texts.training),
        leaks=texts.judged in texts.training,
        unread=len(texts.text) - texts.stop,
        memory=memory,
        nats=np.full(length, np.nan),
        gram_nats=np.full((grams, length), np.nan),
        gram_seconds=Seconds(()),
        facts_of_letters=facts_of(texts.text, texts.start, texts.stop, texts.training, memory),
        places=places - texts.start,
        lengths=lengths,
        context=np.full((len(lengths), len(places)), np.nan),
        rungs=(),
        done=0,
        total=grams + passes + len(lengths) + others,
    )


def _steps(model: Model, texts: Texts, codes: Array, others: Sequence[Model], result: Errors) -> Iterator[Errors]:
    """Yield the result after each step: counting, reading, shorter contexts, further nets."""
    counted = texts.codes(texts.training)
    grams = len(result.gram_nats)
    for n in range(1, grams + 1):
        begin = time.process_time()
        gram = NGram.of(counted, n, len(texts.alphabet))
        seconds = Seconds((*result.gram_seconds.each, time.process_time() - begin))
        nats = _with_row(result.gram_nats, n - 1, texts.gram_nats(gram))
        result = replace(result, gram_nats=nats, gram_seconds=seconds, done=n)
        yield result
    at = 0
    for piece in nats_on(model, texts.text, texts.start, texts.stop):
        nats = result.nats.copy()
        nats[at : at + len(piece)] = piece
        at += len(piece)
        result = replace(result, nats=nats, done=result.done + 1)
        if at < len(nats):
            yield result
    reached = result.total - len(result.lengths) - len(others)
    result = replace(result, rungs=(rung_of(model, result.mean),), done=reached)
    yield result
    for row, length in enumerate(result.lengths):
        nats = nats_after(model, codes, result.places + result.start, length)
        result = replace(result, context=_with_row(result.context, row, nats), done=result.done + 1)
        yield result
    for other in others:
        nats = np.concatenate([*nats_on(other, texts.text, texts.start, texts.stop)])
        rungs = (*result.rungs, rung_of(other, float(nats.mean())))
        result = replace(result, rungs=rungs, done=result.done + 1)
        yield result


def _with_row(array: Array, row: int, values: Array) -> Array:
    """Return a copy with one row replaced."""
    array = array.copy()
    array[row] = values
    return array


def plot(result: Errors, figure: Any) -> None:
    """Draw the kinds of errors, the comparison with n-grams, the context and the ladder."""
    draw(result, figure)


def _example() -> Errors:
    from minitorch_viz.techniques.recurrent._small_net import small_net

    text = "the quick brown fox jumps over the lazy dog and the fox is brown " * 6
    return errors(small_net(), text, samples=20, reach=12, grams=5)


TECHNIQUE = Technique(
    name="errors",
    compute=errors,
    plot=plot,
    title="Errors: which letters a net gets wrong, and how far back it looks",
    paper="Karpathy, Johnson, Fei-Fei 2015",
    example=_example,
    applies=writes,
    subject=TEXT,
    further_nets="nets",
    shown_by="war_and_peace",
    level=60,
    budget=60,
)
