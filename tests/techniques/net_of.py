"""A small net that a technique applies to."""

from __future__ import annotations

import functools
from collections.abc import Callable

from minitorch_viz import Model, load_model
from minitorch_viz.techniques import Technique
from tests.techniques.letters_net import letters_net

OTHERS: tuple[Callable[[], Model], ...] = (
    *(
        functools.partial(load_model, name) for name in ("mnist", "digits_linear", "scenes")
    ),  # averaged maps, one layer, colours
    letters_net,
    functools.partial(load_model, "scenes_captions"),
)


def net_of(technique: Technique, digits: Model) -> Model:
    """The net for small digits, or the first of the others that the technique does not refuse."""
    if technique.refuses(digits) is None:
        return digits
    models = (make() for make in OTHERS)
    return next((model for model in models if technique.refuses(model) is None), digits)
