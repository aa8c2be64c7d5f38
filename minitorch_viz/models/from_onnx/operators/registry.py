"""The table of operators, and the decorator that fills it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from minitorch_viz.models.from_onnx.builder import Value
from minitorch_viz.models.from_onnx.call import Call

Operator: TypeAlias = Callable[[Call], "Value | Sequence[Value]"]
OPERATORS: dict[str, Operator] = {}


def operator(*names: str) -> Callable[[Operator], Operator]:
    """Mark a function as the one that reads these ONNX operators."""

    def entered(function: Operator) -> Operator:
        OPERATORS.update(dict.fromkeys(names, function))
        return function

    return entered
