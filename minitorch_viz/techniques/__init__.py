"""The techniques, one file each, in the lecture's families: weights, activations, gradients; they share `explain`.

Each technique's function can be imported from here, by the name of its file:

    from minitorch_viz.techniques import grad_cam, occlusion

Its file is loaded then, and not before; `dir()` lists the names. The submodules (`minitorch_viz.techniques.gradients`,
and in it the module `grad_cam`) keep their names.
"""

from __future__ import annotations

import functools
import pkgutil
from importlib import import_module
from typing import Any

from minitorch_viz.errors import near
from minitorch_viz.techniques.base import Result, Technique, get_technique, techniques

VOCABULARY = "explain"  # the folder that holds no techniques, but what their authors share

__all__ = ["Result", "Technique", "get_technique", "techniques"]


@functools.cache
def _files() -> dict[str, str]:
    """Return the public files of the families' folders: function name -> module. Nothing is loaded for it."""
    families = [module.name for module in pkgutil.iter_modules(__path__) if module.ispkg and module.name != VOCABULARY]
    return {
        module.name: f"{__name__}.{family}.{module.name}"
        for family in families
        for module in pkgutil.iter_modules([f"{folder}/{family}" for folder in __path__])
        if not module.name.startswith("_")
    }


def __getattr__(name: str) -> Any:
    """Load a technique's file when its function is asked for."""
    if name in _files():
        return getattr(import_module(_files()[name]), name)
    hint = "" if name.startswith("_") else f"; {near(name, _files(), 'technique')}"
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_files()})
