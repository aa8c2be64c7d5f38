"""On a line of C's preprocessor."""

from __future__ import annotations

import re

import numpy as np

from minitorch_viz._types import Array

INSERTIONS = (("#define ", "line"), ("\n", "line end"))
LINES = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.MULTILINE)


def directive(text: str) -> Array:
    """Return whether on a line that begins with #, as #include and #define do, and those that it is continued on."""
    values = np.zeros(len(text), bool)
    for match in LINES.finditer(text):
        values[match.start() + match.group().index("#") : match.end()] = True
    return values
