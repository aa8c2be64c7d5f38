"""Inside what an `if` decides about."""

from __future__ import annotations

import re

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.recurrent.hypotheses._code import bare, closing
from minitorch_viz.techniques.recurrent.hypotheses.if_condition import IF

BLANKS = re.compile(r"\s*")
INSERTIONS = (("\tif (x) {\n\t\t", "line"), ("\n}\n\n", "line end"))


def if_body(text: str) -> Array:
    """Return whether inside the body of an `if` of C: its braces, or without such the statement up to its semicolon."""
    values, code = np.zeros(len(text), bool), bare(text)
    for match in IF.finditer(code):
        end = closing(code, match.end() - 1, "()") + 1
        start = BLANKS.match(code, end).end() if end < len(code) else end  # type: ignore[union-attr]  # it always matches
        stop = closing(code, start, "{}") if code[start : start + 1] == "{" else code.find(";", start)
        values[start : stop if stop >= 0 else len(code)] = True
    return values
