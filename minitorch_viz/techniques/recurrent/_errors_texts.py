"""Which letters are judged, and which the n-gram models are counted on: never the same ones."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.ngram import MOST_COUNTED, NGram
from minitorch_viz.data.text import load_text
from minitorch_viz.data.text_stream import PARTS
from minitorch_viz.errors import SettingError

TRAINING = PARTS[0]  # of a text, where no other is given: as in the training of nets


class Texts(NamedTuple):
    """Hold a text, the part of it that is judged, and the text that is counted."""

    text: str
    start: int  # of the judged letters, at least 1
    stop: int
    training: str
    words: str  # what was counted, in words
    alphabet: str  # all letters of both, sorted

    @property
    def judged(self) -> str:
        """Return the judged letters."""
        return self.text[self.start : self.stop]

    def codes(self, text: str) -> Array:
        """Return the numbers of letters in the alphabet of both texts, (T,)."""
        points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        letters = np.frombuffer(self.alphabet.encode("utf-32-le"), np.uint32)
        return np.searchsorted(letters, points)

    def gram_nats(self, model: NGram) -> Array:
        """Return how surprised an n-gram model is at each judged letter, (T,): the letters before them are known."""
        before = min(self.start, len(model.orders) - 1)
        return model.nats(self.codes(self.text[self.start - before : self.stop]))[before:]


def texts_of(text: str, training: Path | None, count: int, grams: int) -> Texts:
    """Return what is judged and what is counted.

    training: a file that is counted, and all of the text is judged; None: the text's first 80 % are counted and what
    follows is judged. count: at most so many letters are judged, the first ones.
    Raises SettingError where too little is left for either, DataFileError for a file that cannot be read.
    """
    if training is None:
        start, words = int(len(text) * TRAINING), f"the first {TRAINING:.0%} of the text"
        counted = text[:start]
    else:
        start, words = 1, Path(training).name
        counted = load_text(training).text
    counted = counted[-MOST_COUNTED:]
    if len(counted) <= grams or len(text) - start < 2:
        raise SettingError(
            f"The text has {len(text)} letters and {len(counted)} are counted; n-grams of up to {grams} letters need "
            f"more than {grams} to count and 2 to judge. Give a longer text, a --training file, or fewer --grams."
        )
    alphabet = "".join(sorted({*text, *counted}))
    return Texts(text, start, min(len(text), start + count), counted, words, alphabet)
