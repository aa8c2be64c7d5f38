"""A small bundled net that a technique applies to."""

from __future__ import annotations

from minitorch_viz import Model, load_model
from minitorch_viz.techniques import Technique


def net_of(technique: Technique, digits: Model) -> Model:
    """The net for small digits, or where it has no averaged maps the one for larger ones."""
    return digits if technique.refuses(digits) is None else load_model("mnist")
