"""minitorch_viz: a deep-learning engine one can read, and the pictures of what a network sees.

    from minitorch_viz import load_model
    from minitorch_viz.techniques.gradients.saliency import saliency

    model = load_model("digits")
    saliency(model, image).save("saliency.png")

Importing this package loads NumPy and nothing heavier; every other library is imported where it is used.
"""

from __future__ import annotations

from minitorch_viz import ctrl_c  # noqa: F401  (first: it answers Ctrl-C while the rest is loaded)

# isort: split
from importlib import import_module
from typing import TYPE_CHECKING, Any

from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.graph import Node, Tape
from minitorch_viz.net import Net
from minitorch_viz.rules.relu import relu_mode

if TYPE_CHECKING:
    from minitorch_viz.io.images import load_image
    from minitorch_viz.models import Model, load_model

__version__ = "0.1.0"

__all__ = ["MinitorchVizError", "Model", "Net", "Node", "Tape", "load_image", "load_model", "relu_mode"]

_LAZY = {
    "Model": "minitorch_viz.models",
    "load_image": "minitorch_viz.io.images",
    "load_model": "minitorch_viz.models",
}


def __getattr__(name: str) -> Any:
    """Import the names that need more than NumPy when they are first used (PEP 562)."""
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
