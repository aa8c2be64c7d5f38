"""Inside parentheses, however deep."""

from __future__ import annotations

from minitorch_viz._types import Array
from minitorch_viz.techniques.recurrent.hypotheses.parenthesis_depth import measure, parenthesis_depth

__all__ = ["C_INSERTIONS", "INSERTIONS", "inside_parentheses", "measure"]
INSERTIONS = ("(", (")", "word end"))
C_INSERTIONS = ("f(", (");\n", "anywhere"))


def inside_parentheses(text: str) -> Array:
    """Return whether inside round parentheses."""
    depth: Array = parenthesis_depth(text) > 0
    return depth
