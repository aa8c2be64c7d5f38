"""Words in figures: how wide they are, and where a line must end so that they stay in their place."""

from __future__ import annotations

import functools
import re

# Points, on figures at most 10 inches wide: at a projector's 1150 pixels headings are 21 pixels high, titles 19 and
# labels 17.
HEAD_SIZE = 13
TITLE_SIZE = 12
LABEL_SIZE = 11
NUMBER_SIZE = 9.5  # numbers in cells and beside small pictures: 15 pixels, and no letters are smaller

SAFE = 1.04  # letters set for a screen are a little wider than their outlines


def text_width(text: str, size: float = TITLE_SIZE) -> float:
    """Return how wide a line of text is, in inches, at `size` points."""
    return sum(_advance(letter) for letter in text) * size * SAFE / 72


def text_height(text: str, size: float = TITLE_SIZE) -> float:
    """Return how high a text is, in inches: 0 if it is empty, else so many lines."""
    return (1 + text.count("\n")) * 1.22 * size / 72 if text else 0.0


def wrapped(text: str, wide: float, size: float = TITLE_SIZE, *, even: bool = True) -> str:
    """Return a text on as few lines as it needs to be at most `wide` inches wide; even: all about as long.

    Lines end at blanks, and where a word alone is too wide behind one of its signs (_ / . -), or anywhere. A number and
    a lone + or - stay with the word before them.
    """
    text = re.sub(r"\b(value|score|probability|channel|row|column) (?=-?\d)", "\\1\N{NO-BREAK SPACE}", text)
    text = re.sub(r" ([+-])(?=[,;:]|$)", "\N{NO-BREAK SPACE}\\1", text)
    return "\n".join(line for part in text.split("\n") for line in _lines(part, wide, size, even))


def _lines(text: str, wide: float, size: float, even: bool) -> list[str]:
    """Return the lines of one paragraph; even: those of the narrowest column that needs no more of them."""
    words = [piece for word in text.split(" ") for piece in _pieces(word, wide, size)]
    lines = _filled(words, wide, size)
    fewest, most = max(text_width(word, size) for word in words), wide
    while even and len(lines) > 1 and most - fewest > 0.02:
        middle = (fewest + most) / 2
        narrower = _filled(words, middle, size)
        if len(narrower) > len(lines):
            fewest = middle
        else:
            lines, most = narrower, middle
    return lines


def _filled(words: list[str], wide: float, size: float) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in words:
        longer = f"{line} {word}" if line else word
        if line and text_width(longer, size) > wide:
            lines.append(line)
            longer = word
        line = longer
    return [*lines, line]


def _pieces(word: str, wide: float, size: float) -> list[str]:
    """Return a word, in pieces where it is too wide for a line."""
    if text_width(word, size) <= wide or len(word) < 2:
        return [word]
    fits = next((end for end in range(len(word) - 1, 1, -1) if text_width(word[:end], size) <= wide), 1)
    ends = [match.end() for match in re.finditer(r"[_/.\-](?=.)", word[:fits])]
    end = ends[-1] if ends and ends[-1] > fits // 3 else fits
    return [word[:end], *_pieces(word[end:], wide, size)]


@functools.cache
def _advance(letter: str) -> float:
    """Return how far a letter moves the next one, in letter sizes."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    # Between two bars, since a blank alone has no outline.
    bars, between = (
        text_to_path.get_text_width_height_descent(line, FontProperties(size=100), False)[0]
        for line in ("||", f"|{letter}|")
    )
    return float(between - bars) / 100
