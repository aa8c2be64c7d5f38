"""Which operator of torch is mapped by which function: one entry an operator, found by torch's name of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from minitorch_viz.models.from_torch.values import Value

Result = Value | tuple[Value | None, ...]
Mapping = Callable[..., Result]
Some = TypeVar("Some", bound=Mapping)


class Operator(NamedTuple):
    """Hold how an operator is mapped."""

    mapping: Mapping  # (call, *torch's arguments) -> the value of torch's result; tensors are Values or arrays
    turned: bool  # whether it takes values whose images are not along the first axis


OPERATORS: dict[str, Operator] = {}
MODULES: dict[str, Operator] = {}  # whole modules, by the name of their class in torch.nn


def operator(*names: str, turned: bool = False) -> Callable[[Some], Some]:
    """Enter a function as the mapping of torch's operators of these names, with torch's names of the arguments."""

    def enter(mapping: Some) -> Some:
        for name in names:
            OPERATORS[name] = Operator(mapping, turned)
        return mapping

    return enter


def whole_module(*names: str) -> Callable[[Some], Some]:
    """Enter a function as the mapping of modules that are one layer here: (call, module, *arguments)."""

    def enter(mapping: Some) -> Some:
        for name in names:
            MODULES[name] = Operator(mapping, turned=True)
        return mapping

    return enter


def plain_name(function: Any) -> str:
    """Return the operator's name: "add" of torch.add, Tensor.add_, and x += y; "rsub" of 1 - x."""
    name: str = getattr(function, "__name__", type(function).__name__)
    if name in ("__get__", "__set__"):
        return f"{getattr(function.__self__, '__name__', name)}{'=' if name == '__set__' else ''}"
    if name.startswith("__") and name.endswith("__"):
        name = name.strip("_")
        in_place = name.startswith("i") and name[1:] in ("add", "sub", "mul", "truediv", "matmul", "pow")
        return name[1:] if in_place else name
    return name.strip("_")
