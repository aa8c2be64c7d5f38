"""Presets: published ways of making a picture by optimization, one file each. The folder is the registry."""

from __future__ import annotations

import functools
import pkgutil
from dataclasses import replace
from importlib import import_module

from minitorch_viz.errors import SettingError, near
from minitorch_viz.optimize.presets.base import Preset, Request

__all__ = ["Preset", "Request", "get_preset", "presets"]


@functools.cache
def presets() -> dict[str, Preset]:
    """Return every preset by the name of its file, in the order of their years."""
    named = {}
    for module in pkgutil.iter_modules(__path__):
        preset = getattr(import_module(f"{__name__}.{module.name}"), "PRESET", None)
        if isinstance(preset, Preset):
            name = module.name.replace("_", "-")
            named[name] = replace(preset, name=name)
    return dict(sorted(named.items(), key=lambda item: (item[1].year, item[0])))


def get_preset(name: str) -> Preset:
    """Return the preset called `name`; SettingError with near names if there is none."""
    if name not in presets():
        raise SettingError(f"There is no preset {name!r}; {near(name, presets(), 'preset')}.")
    return presets()[name]
