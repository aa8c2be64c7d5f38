"""Plain loops through the compiler, unchanged: what compiling alone gains, before any idea about the machine."""

from __future__ import annotations

import types
from typing import Any

from .compiling import compiled, inner


def compile_loops(loops: types.ModuleType, plain: tuple[str, ...] = ()) -> types.SimpleNamespace:
    """Compile every function of a module of loops as it stands; they call each other's compiled form.

    plain: what stays Python, because it does with shapes what the compiler cannot; what it calls is compiled.
    """
    scope = dict(vars(loops))
    functions = {name: value for name, value in scope.items() if isinstance(value, types.FunctionType)}
    for name, function in functions.items():
        copy: Any = types.FunctionType(function.__code__, scope, name, function.__defaults__)
        if name not in plain:
            copy = inner(copy) if name.startswith("_") or function.__module__ != loops.__name__ else compiled(copy)
        scope[name] = copy
    return types.SimpleNamespace(**{name: scope[name] for name in functions})
