"""What several hypotheses about C need: where its comments and strings are, and the code without them."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np

from minitorch_viz._types import Array

# A comment may be open at the text's end; a string or a letter in quotes ends with its line.
TOKENS = re.compile(
    r"""(?P<comment>/\*.*?(?:\*/|\Z)|//[^\n]*)
      | (?P<string>"(?:\\.|[^"\\\n])*"?)
      | (?P<letter>'(?:\\.|[^'\\\n]){1,4}')""",
    re.DOTALL | re.VERBOSE,
)
ENDS = re.compile(r"[;{}][ \t]*$", re.MULTILINE)


def is_c(text: str) -> bool:
    """Return whether a text looks like C, or a language with its signs: a tenth of its lines end in ; { or }."""
    lines = 1 + text.count("\n")
    return len(ENDS.findall(text)) >= max(0.1 * lines, 1)


def inside(text: str, kind: Literal["comment", "string"]) -> Array:
    """Return whether a comment or a string is open after each letter, (T,) bool.

    "/" alone opens nothing, "/*" does; "*/" and the closing quote are outside, since the end has been read by then.
    """
    values = np.zeros(len(text), bool)
    for token in TOKENS.finditer(text):
        words = token.group()
        if token.lastgroup != kind:
            continue
        if kind == "comment":
            first, is_closed = token.start() + 1, len(words) > 3 and words[1] == "*" and words.endswith("*/")
        else:
            first, is_closed = token.start(), len(words) > 1 and words.endswith('"')
        values[first : token.end() - is_closed] = True
    return values


def bare(text: str) -> str:
    """Return C with every letter of its comments and strings replaced by a blank, lines and length as they were."""
    return TOKENS.sub(lambda token: re.sub(r"[^\n]", " ", token.group()), text)


def without_comments(text: str) -> str:
    """Return the text in which brackets are counted: C without comments and strings, any other text as it is."""
    return bare(text) if is_c(text) else text


def share_closed(text: str, opening: str, end: str) -> float:
    """Return the share of opened brackets that are closed, 0..1, by their numbers; NaN where none is opened."""
    opened = text.count(opening)
    return min(text.count(end) / opened, 1.0) if opened else float("nan")


def closing(text: str, start: int, pair: str) -> int:
    """Return the place of the bracket that closes the one at `start`; the text's length if it stays open."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == pair[0]) - (text[place] == pair[1])
        if depth == 0:
            return place
    return len(text)
