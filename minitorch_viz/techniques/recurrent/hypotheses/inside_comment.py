"""Inside a comment of C."""

from __future__ import annotations

from minitorch_viz._types import Array
from minitorch_viz.techniques.recurrent.hypotheses._code import inside

INSERTIONS = ("/* ", (" */\n", "anywhere"))


def inside_comment(text: str) -> Array:
    """Return whether inside a comment of C, from /* until */, or from // until the line's end."""
    return inside(text, "comment")


def measure(text: str) -> float:
    """Return the share of comments that are closed: as many */ as /*."""
    opened = text.count("/*")
    return min(text.count("*/") / opened, 1.0) if opened else float("nan")
