"""A small bundled net that a technique applies to."""

from __future__ import annotations

from minitorch_viz import Model, load_model
from minitorch_viz.techniques import Technique

# Of averaged maps, of one layer, of colours, of a text, of words.
OTHERS = ("mnist", "digits_linear", "scenes", "war_and_peace", "scenes_captions")


def net_of(technique: Technique, digits: Model) -> Model:
    """The net for small digits, or the first of the others that the technique does not refuse."""
    models = (load_model(name) for name in OTHERS)
    if technique.refuses(digits) is None:
        return digits
    return next((model for model in models if technique.refuses(model) is None), digits)
