"""The letters that a search is made on: a text, in pieces if it is long, and what the net writes on if it is short."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.models import Model
from minitorch_viz.models.writing import Writer, drawn
from minitorch_viz.techniques.explain.reading import alphabet_of, writes
from minitorch_viz.techniques.recurrent._cell_search_states import any_length
from minitorch_viz.techniques.recurrent.hypotheses import Hypothesis

SHORT = 5_000  # letters: a shorter text is written on
LEAST = 40  # letters that can be searched at all
WHOLE = 10_000  # letters that are read in one go, from the first to the last
ROW = 4_000  # letters of each piece of a longer text
RUN_UP = 1_000  # letters that are read before a piece, so that the net has the piece's state
PRIME = 200  # letters of the text that the net reads before it writes on
WRITTEN = 400  # letters of each text that it writes


class Rows(NamedTuple):
    """Hold N texts of one length that the net reads side by side."""

    codes: Array  # (N, L)
    starts: tuple[int, ...]  # (N,): which of them counts first
    stops: tuple[int, ...]  # (N,): and before which the row ends; what follows only fills it up


@dataclass(frozen=True, eq=False)
class Corpus:
    """Hold T letters in order: those of a text that was given, then those that the net has written on."""

    given: str
    written: tuple[str, ...]  # each goes on where `given` ends
    left_out: int  # letters of the text before those given here

    @property
    def text(self) -> str:
        """Return all T letters."""
        return self.given + "".join(self.written)

    @property
    def half(self) -> int:
        """Return how many letters cells are chosen on; the others are held out."""
        return len(self.text) // 2

    @property
    def prime(self) -> str:
        """Return what the net has read before it wrote on."""
        return self.given[-PRIME:]

    def values(self, hypothesis: Hypothesis) -> Array:
        """Return what a hypothesis says of each letter, (T,); of written ones after what they go on from."""
        parts = [hypothesis(self.given)]
        parts += [hypothesis(self.prime + text)[len(self.prime) :] for text in self.written]
        return np.concatenate(parts)

    def rows(self, model: Model) -> Iterator[Rows]:
        """Yield what the net is to read: the text in one piece or several, then what was written."""
        alphabet = any_length(model)
        codes = alphabet.codes(self.given)
        count = 1 if len(codes) <= WHOLE else -(-len(codes) // ROW)
        cuts = [len(codes) * number // count for number in range(count + 1)]
        begins = [_beginning(self.given, cut) for cut in cuts[:-1]]
        length = max(stop - begin for begin, stop in zip(begins, cuts[1:], strict=True))
        filled = [np.resize(codes[begin:stop], length) for begin, stop in zip(begins, cuts[1:], strict=True)]
        yield Rows(
            np.stack(filled),
            tuple(cut - begin for cut, begin in zip(cuts[:-1], begins, strict=True)),
            tuple(stop - begin for begin, stop in zip(begins, cuts[1:], strict=True)),
        )
        if self.written:
            texts = np.stack([alphabet.codes(self.prime + text) for text in self.written])
            count = len(texts)
            yield Rows(texts, (len(self.prime),) * count, (texts.shape[1],) * count)


def corpus_of(model: Model, text: str, most: int, write: int, seed: int) -> Corpus:
    """Return the letters of a text, the last `most` of them; one of under 5,000 is written on up to `write` letters.

    Raises SettingError for what is no text, for letters that the net does not know, and for fewer than 40 letters that
    the net is not to write on.
    """
    alphabet = alphabet_of(model)
    text = alphabet.restore(alphabet.codes(text)[None])
    given = text[-most:]
    missing = write - len(given) if len(given) < SHORT else 0
    written: tuple[str, ...] = ()
    if missing > 0 and writes(model) is None and not alphabet.length:
        written = _written(model, given, missing, seed)
    if len(given) + sum(map(len, written)) < LEAST:
        raise SettingError(
            f"A text of {len(given)} letter{'s' * (len(given) != 1)} tells no cell from another; give at least {LEAST} "
            "and better some thousand (--text FILE), or let the net write on (--write 20000)."
        )
    return Corpus(given, written, len(text) - len(given))


def _written(model: Model, given: str, missing: int, seed: int) -> tuple[str, ...]:
    """Return what the net writes on from the text's end: several texts side by side, as many letters as are missing."""
    count = -(-missing // WRITTEN)
    writer, length = Writer(model), -(-missing // count)
    codes = np.stack([*drawn(writer, length, prime=given[-PRIME:], seed=seed, count=count)], axis=1)
    return tuple(writer.text(row) for row in codes)


def _beginning(text: str, cut: int) -> int:
    """Return where a net begins to read so that it is at `cut` in the state that it would be in: at an empty line."""
    if cut <= RUN_UP:
        return 0
    place = text.rfind("\n\n", max(0, cut - 2 * RUN_UP), cut - RUN_UP)
    return cut - RUN_UP if place < 0 else place + 2
