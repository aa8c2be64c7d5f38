"""The table of operators, and the decorator that fills it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from minitorch_viz.models.from_onnx.builder import Value
from minitorch_viz.models.from_onnx.call import Call

Operator: TypeAlias = Callable[[Call], "Value | Sequence[Value]"]
OPERATORS: dict[str, Operator] = {}
TURNED: set[str] = set()  # operators that read turned signals, too


def operator(*names: str, turned: bool = False) -> Callable[[Operator], Operator]:
    """Mark a function as the one that reads these ONNX operators; turned: of turned signals (`Signal`), too."""

    def entered(function: Operator) -> Operator:
        OPERATORS.update(dict.fromkeys(names, function))
        TURNED.update(names if turned else ())
        return function

    return entered
