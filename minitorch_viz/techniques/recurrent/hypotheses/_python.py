"""Where the comments and strings of Python are."""

from __future__ import annotations

import re

import numpy as np

from minitorch_viz._types import Array

TOKENS = re.compile(
    r'''(?P<comment>\#[^\n]*)
      | (?P<string>"""(?:\\.|(?!""").)*(?:"""|\Z) | \'\'\'(?:\\.|(?!\'\'\').)*(?:\'\'\'|\Z)
                 | "(?:\\.|[^"\\\n])*"? | '(?:\\.|[^'\\\n])*'?)''',
    re.DOTALL | re.VERBOSE,
)
LINES = re.compile(
    r"^\s*(?:def|class) \w+.*:\s*(?:#.*)?$|^import [\w.]+(?: as \w+)?\s*(?:#.*)?$|^from [\w.]+ import ", re.MULTILINE
)


def inside(text: str, kind: str) -> Array:
    """Return whether a comment or a string of Python is open after each letter, (T,) bool; none in other texts."""
    values = np.zeros(len(text), bool)
    for token in TOKENS.finditer(text) if LINES.search(text) else ():
        if token.lastgroup == kind:
            words = token.group()
            marks = 3 if words[:3] in ('"""', "'''") else 1
            is_closed = kind == "string" and len(words) >= 2 * marks and words.endswith(words[:marks])
            values[token.start() + (marks - 1 if kind == "string" else 0) : token.end() - is_closed] = True
    return values
