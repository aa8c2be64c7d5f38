"""Inside a comment of C."""

from __future__ import annotations

from minitorch_viz._types import Array
from minitorch_viz.techniques.recurrent.hypotheses._code import inside, share_closed

INSERTIONS = ("/* ", (" */\n", "anywhere"))


def inside_comment(text: str) -> Array:
    """Return whether inside a comment of C, from /* until */, or from // until the line's end."""
    return inside(text, "comment")


def measure(text: str) -> float:
    """Return the share of comments that are closed: as many */ as /*."""
    return share_closed(text, "/*", "*/")
