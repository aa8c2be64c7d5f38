"""A folder as a registry: its classes by the names of their files."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def classes_of(package: ModuleType, base: type[T]) -> dict[str, type[T]]:
    """Return the subclasses of `base` that a package's modules define, by the name of the file: one a file."""
    by_name: dict[str, type[T]] = {}
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
        name = f"{package.__name__}.{module.name}"
        for value in vars(importlib.import_module(name)).values():
            if inspect.isclass(value) and value.__module__ == name and issubclass(value, base) and value is not base:
                by_name[module.name] = value
    return by_name
