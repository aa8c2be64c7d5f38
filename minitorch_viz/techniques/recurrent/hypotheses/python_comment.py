"""Inside a comment of Python."""

from __future__ import annotations

from minitorch_viz._types import Array
from minitorch_viz.techniques.recurrent.hypotheses._python import inside

INSERTIONS = ("# ", ("\n", "anywhere"))


def python_comment(text: str) -> Array:
    """Return whether inside a comment of Python, from # until the line's end."""
    return inside(text, "comment")
