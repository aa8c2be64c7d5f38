"""From a text to the numbers that a net takes, word by word, and back to the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError, near, need_whole
from minitorch_viz.io.files import shown
from minitorch_viz.models.readers.base import Reader

WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")  # letters and digits, and what joins them; all else parts words
NONE = 0  # the number of no word


@dataclass(frozen=True)
class Words(Reader):
    """Hold the words that a net knows; a text becomes the numbers of its words, (1, length), at the end of the row.

    vocabulary: the W words in the order of their numbers, from 1 on, in small letters; an Embedding of W + 1 rows takes
        them.
    length: how many steps there are. Where a text has fewer words, 0 (no word) stands in front of them: so the last
        step is always the last word's, and the net answers after it.
    fewest: how many words a text must have; with 0 the empty text is taken, too.

    Small and capital letters are the same, and punctuation is left out. Raises SettingError if a value does not fit.

    >>> words = Words(["what", "is", "red"], length=5)
    >>> words.read("What is red?")
    array([[0, 0, 1, 2, 3]])
    >>> words.restore(words.read("What is red?"))
    'what is red'
    """

    vocabulary: tuple[str, ...]
    length: int
    fewest: int = 1

    name: ClassVar[str] = "words"
    noun: ClassVar[str] = "a text of words"

    def __post_init__(self) -> None:
        given: Any = self.vocabulary
        listed = [] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
        if not listed:
            raise SettingError(f"A vocabulary needs its words, a list of texts, but got {given!r:.60}.")
        for word in listed:
            if not isinstance(word, str) or word != word.lower() or WORD.fullmatch(word) is None:
                raise SettingError(
                    f"A word of a vocabulary is a text of small letters or digits without spaces, but got {word!r:.60}."
                )
        word, count = Counter(listed).most_common(1)[0]
        if count > 1:
            raise SettingError(f"Each word of a vocabulary has one number, but {word!r} is given twice.")
        object.__setattr__(self, "vocabulary", tuple(listed))
        object.__setattr__(self, "length", need_whole("length of a text, in words", self.length, 1))
        object.__setattr__(self, "fewest", need_whole("fewest words of a text", self.fewest, 0, self.length))

    def split(self, text: str) -> list[str]:
        """Return the words of a text, in small letters; those that the net does not know are among them."""
        if not isinstance(text, str):
            raise SettingError(f"A text of words is needed, but got {shown(text)}.")
        return WORD.findall(text.lower())

    def codes(self, text: str) -> Array:
        """Return the numbers (T,) of a text's words, without any for no word.

        Raises SettingError for the first word that is unknown, with near ones, and for too few or too many words.
        """
        listed = self.split(text)
        places = {word: number for number, word in enumerate(self.vocabulary, 1)}
        for word in listed:
            if word not in places:
                raise SettingError(f"The net does not know the word {word!r}; {near(word, places, 'word')}.")
        if len(listed) < self.fewest:
            least = f"{self.fewest} word{'s' * (self.fewest > 1)}"
            got = "an empty one" if not text.strip() else shown(text)
            raise SettingError(f"A text of at least {least} is needed, but got {got}.")
        if len(listed) > self.length:
            raise SettingError(
                f"The net takes texts of at most {self.length} words, but this one has {len(listed)}: {text!r:.80}."
            )
        return np.array([places[word] for word in listed], np.int64)

    def read(self, value: Any, dtype: npt.DTypeLike = np.float32) -> Array:  # noqa: ARG002 (words are whole numbers)
        """Return a text as (1, length) whole numbers from 0 (no word) to W; errors as of `codes`."""
        codes = self.codes(value)
        row = np.full((1, self.length), NONE, np.int64)
        row[0, self.length - len(codes) :] = codes
        return row

    def restore(self, x: Array) -> str:
        """Return the words of (1, T) or (T,) whole numbers, with spaces between."""
        shape = tuple(getattr(x, "shape", ()))
        is_row = len(shape) == 1 or (len(shape) == 2 and shape[0] == 1)
        if not is_row or x.dtype.kind not in "iu":
            got = f"shape {shape}" if shape else type(x).__name__
            raise ShapeError(f"restore takes the numbers of words, (1, T), but got {got}.")
        codes = kernels.to_cpu(x).ravel()
        if codes.size and not 0 <= codes.min() <= codes.max() <= len(self.vocabulary):
            raise ShapeError(
                f"Words have the numbers 0 to {len(self.vocabulary)}, but got {codes.min()}..{codes.max()}."
            )
        return " ".join(self.vocabulary[code - 1] for code in codes.tolist() if code != NONE)

    def blank(self, dtype: npt.DTypeLike = np.float32) -> Array:  # noqa: ARG002 (words are whole numbers)
        """Return a row of the first word, over and over; of no words where the empty text is taken."""
        return np.full((1, self.length), 1 if self.fewest else NONE, np.int64)

    @property
    def words(self) -> str:
        return f"a text of up to {self.length} words out of {len(self.vocabulary)}"

    def description(self) -> dict[str, Any]:
        return {"vocabulary": list(self.vocabulary), "length": self.length, "fewest": self.fewest}

    @classmethod
    def example(cls) -> Self:
        return cls(("a",), 1)

    @classmethod
    def described(cls, description: Mapping[str, Any]) -> Self:
        return cls(description["vocabulary"], description["length"], description["fewest"])
