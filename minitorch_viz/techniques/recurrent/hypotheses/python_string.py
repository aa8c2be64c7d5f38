"""Inside a string of Python."""

from __future__ import annotations

from minitorch_viz._types import Array
from minitorch_viz.techniques.recurrent.hypotheses._python import inside

INSERTIONS = ('"', "'", '"""', ('")\n', "anywhere"), ("')\n", "anywhere"))


def python_string(text: str) -> Array:
    """Return whether inside a string of Python, its docstrings among them."""
    return inside(text, "string")
