"""A text as the net sees it, and as it should be drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.models.readers.alphabet import Alphabet

if TYPE_CHECKING:
    from minitorch_viz.models import Model


@dataclass(frozen=True, eq=False)
class Letters:
    """Hold what goes into the net, and the letters to draw numbers beside."""

    x: Array  # (1, T, V) zeros and ones, or (1, T) whole numbers: the net's input
    text: str  # T letters: as the net reads them, an unknown one as the letter that stands in for it
    alphabet: Alphabet


def letters(model: Model, text: str) -> Letters:
    """Read a text for `model`; SettingError for a net that takes none, and for what is no text."""
    alphabet = model.reader()
    if not isinstance(alphabet, Alphabet):
        raise SettingError(f"{model.name} takes {alphabet.noun} and no text.")
    x = model.read(text)
    return Letters(x, alphabet.restore(x), alphabet)


def shown(letter: str) -> str:
    """Return a letter as a figure can show it: a blank, a tab or the end of a line as a sign."""
    return {" ": "\N{OPEN BOX}", "\n": "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}", "\t": "\N{RIGHTWARDS ARROW}"}.get(
        letter, letter
    )
