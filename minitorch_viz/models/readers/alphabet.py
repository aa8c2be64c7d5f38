"""From a text to the numbers that a net takes, letter by letter, and back to the text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, ShapeError
from minitorch_viz.io.files import is_whole, shown
from minitorch_viz.models.readers.base import Reader

MOST_NUMBERS = 2**27  # numbers in the array of one text: half a gigabyte of float32


@dataclass(frozen=True)
class Alphabet(Reader):
    """Hold the letters that a net knows; a text of T letters becomes an array, one row or one number a letter.

    letters: the V characters in the order of their numbers, none of them twice; a text or a sequence of characters.
    one_hot: True gives (1, T, V) floats, a 1 in each row, as an LSTM takes them; False gives (1, T) whole numbers, as
        an Embedding takes them.
    unknown: the letter that stands in for one the alphabet lacks; "" makes such a letter an error.
    length: how many letters each text must have; 0: any number, as recurrent nets take them.

    Raises SettingError if a value does not fit.

    >>> alphabet = Alphabet("abc", one_hot=False)
    >>> alphabet.read("cab")
    array([[2, 0, 1]])
    >>> alphabet.restore(alphabet.read("cab"))
    'cab'
    """

    letters: str
    one_hot: bool = True
    unknown: str = ""
    length: int = 0

    name: ClassVar[str] = "text"
    noun: ClassVar[str] = "a text"

    def __post_init__(self) -> None:
        letters: Any = self.letters
        listed = list(letters) if isinstance(letters, Iterable) else []
        if not listed or not all(isinstance(letter, str) and len(letter) == 1 for letter in listed):
            raise SettingError(
                f"An alphabet needs its letters, a text or a list of characters, but got {letters!r:.60}."
            )
        object.__setattr__(self, "letters", "".join(listed))
        letter, count = Counter(listed).most_common(1)[0]
        if count > 1:
            raise SettingError(f"Each letter of an alphabet has one number, but {letter!r} is given twice.")
        if not isinstance(self.one_hot, bool):
            raise SettingError(f"one_hot must be True or False, but got {self.one_hot!r:.60}.")
        if not isinstance(self.unknown, str) or (self.unknown and self.unknown not in self._places):
            raise SettingError(
                f"unknown must be a letter of the alphabet, which stands in for those it lacks, or empty: "
                f"got {self.unknown!r:.60}."
            )

        if not is_whole(self.length) or self.length < 0:
            raise SettingError(f"length must be a whole number of letters, or 0 for any, but got {self.length!r:.60}.")

    @property
    def _places(self) -> dict[str, int]:
        """Return the number of each letter."""
        return {letter: number for number, letter in enumerate(self.letters)}

    def codes(self, text: str) -> Array:
        """Return the numbers (T,) of a text's letters; SettingError with the first letter that is unknown."""
        if not isinstance(text, str) or not text:
            got = "an empty one" if text == "" else shown(text)
            raise SettingError(f"A text of at least one letter is needed, but got {got}.")
        if self.length and len(text) != self.length:
            raise SettingError(f"The net takes texts of {self.length} letters, but this one has {len(text)}.")
        places = self._places
        if not self.unknown:
            place = next((place for place, letter in enumerate(text) if letter not in places), None)
            if place is not None:
                raise SettingError(
                    f"The text has {text[place]!r} at place {place}, a letter that the net does not know; it knows "
                    f"{self._shown}."
                )
        stand_in = places.get(self.unknown, 0)
        return np.array([places.get(letter, stand_in) for letter in text], np.int64)

    def rows(self, codes: Array, dtype: npt.DTypeLike = np.float32) -> Array:
        """Return what the net takes for numbers of letters (..., T): rows (..., T, V) with a 1 each, or the numbers."""
        return np.eye(len(self.letters), dtype=dtype)[codes] if self.one_hot else codes

    def known(self, text: str) -> str:
        """Return the text without the letters that the net does not know."""
        places = self._places
        return "".join(letter for letter in text if letter in places)

    def replaced(self, text: str) -> int:
        """Count the letters of a text for which `unknown` stands in."""
        return len(text) - len(self.known(text))

    def read(self, value: Any, dtype: npt.DTypeLike = np.float32) -> Array:
        """Return a text as (1, T, V) zeros and ones, or as (1, T) whole numbers.

        Raises SettingError for an empty text, an unknown letter, and a text too long for any memory.
        """
        codes = self.codes(value)
        if not self.one_hot:
            return codes[None]
        if codes.size * len(self.letters) > MOST_NUMBERS:
            raise SettingError(
                f"The text has {codes.size:,} letters; with {len(self.letters)} numbers a letter at most "
                f"{MOST_NUMBERS // len(self.letters):,} letters are taken at a time."
            )
        rows = np.zeros((1, codes.size, len(self.letters)), dtype)
        rows[0, np.arange(codes.size), codes] = 1
        return rows

    def restore(self, x: Array) -> str:
        """Return the text of (1, T, V) rows, of each the letter with the largest number, or of (1, T) numbers."""
        shape = tuple(getattr(x, "shape", ()))
        whole = getattr(getattr(x, "dtype", None), "kind", "") in "iu" if shape else False
        axes = shape[1:] if shape[:1] == (1,) and len(shape) == (2 if whole else 3) else shape
        if len(axes) != (1 if whole else 2) or (not whole and axes[1] != len(self.letters)):
            raise ShapeError(
                f"restore takes letters (1, T, {len(self.letters)}) or whole numbers (1, T), "
                f"but got {f'shape {shape}' if shape else type(x).__name__}."
            )
        rows = kernels.to_cpu(x).reshape(axes)
        codes = rows if whole else rows.argmax(axis=1)
        if codes.size and not 0 <= codes.min() <= codes.max() < len(self.letters):
            raise ShapeError(
                f"Letters have the numbers 0 to {len(self.letters) - 1}, but got {codes.min()}..{codes.max()}."
            )
        return "".join(self.letters[code] for code in codes.tolist())

    def blank(self, dtype: npt.DTypeLike = np.float32) -> Array:
        """Return the first letter, over and over; twice where any length will do: one step may be taken for none."""
        return self.read(self.letters[0] * (self.length or 2), dtype)

    @property
    def blank_words(self) -> str:
        return "" if self.length else "a text of 2 letters"

    @property
    def words(self) -> str:
        many = len(self.letters)
        return f"a text of {self.length} letters out of {many}" if self.length else f"a text over {many} letters"

    @property
    def _shown(self) -> str:
        """Return the letters for a message, the first thirty."""
        return repr(self.letters[:30]) + (f" and {len(self.letters) - 30} more" if len(self.letters) > 30 else "")

    def description(self) -> dict[str, Any]:
        return {"letters": self.letters, "one_hot": self.one_hot, "unknown": self.unknown, "length": self.length}

    @classmethod
    def example(cls) -> Self:
        return cls("ab")

    @classmethod
    def described(cls, description: Mapping[str, Any]) -> Self:
        return cls(description["letters"], description["one_hot"], description["unknown"], description["length"])
