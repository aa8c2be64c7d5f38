"""Follow a torch module while it runs on an example, and write down every operator as nodes.

The module runs as it is: branches, loops and arithmetic on shapes are Python's, on the example's numbers. Torch tells
of each operator (a TorchFunctionMode) and of each module (its __call__), so names are the modules' paths, functions
and operators of a forward pass are found as well as modules, and a module that is used twice becomes two nodes.
Tensors that do not depend on the input are constants.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import minitorch_viz.models.from_torch.operators  # noqa: F401 (fills the registry)
from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.models.from_torch.registry import MODULES, OPERATORS, Operator, plain_name
from minitorch_viz.models.from_torch.values import Call, Entry, Lost, UnmappedError, Value

# New tensors that take nothing but the shape of their argument.
SHAPE_ONLY = {
    *("zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like"),
    *("new_zeros", "new_ones", "new_empty", "new_full", "new_tensor"),
}
# What a tensor's numbers are read by: what follows may depend on them.
READS_NUMBERS = {"item", "bool", "float", "int", "index", "tolist", "numpy", "array", "equal", "allclose", "is_nonzero"}

# What a module does around its own operator, as a normalization over channels turns its maps and turns them back.
AROUND = {"pad", "permute", "transpose"}


class Follower:
    """Write down the nodes of a torch module as it runs; `entries` holds them in order."""

    def __init__(self, torch: Any, module: Any, inputs: dict[str, Any]) -> None:
        self.torch = torch
        self.paths = {id(part): path for path, part in module.named_modules()}
        self.simple = {id(part) for part in module.modules() if not any(True for _ in part.children())}
        self.images = next(iter(inputs.values())).shape[0]
        self.dtype = next((str(p.dtype).split(".")[1] for p in module.parameters() if p.is_floating_point()), "float32")
        self.entries: list[Entry] = []
        self.operators = 0
        self.path: list[Any] = []  # the modules that run
        self.quiet = 0  # above 0 inside a module that is mapped as a whole
        self.values: dict[int, Value | Lost] = {}  # by the tensor's id
        self.alive: list[Any] = []  # the tensors, so that no id is used twice
        self.names = set(inputs)
        self.called: set[str] = set()
        for name, tensor in inputs.items():
            self._know(tensor, Value(Entry(None, name=name), tuple(tensor.shape)))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Be told of all operators and modules that run inside the block."""
        torch, follower = self.torch, self

        def on_operator(_mode: Any, function: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return follower.operator(function, args, kwargs or {})

        mode = type("Watch", (torch.overrides.TorchFunctionMode,), {"__torch_function__": on_operator})
        call = torch.nn.Module.__call__

        def on_module(module: Any, *args: Any, **kwargs: Any) -> Any:
            return follower.module(call, module, args, kwargs)

        torch.nn.Module.__call__ = on_module
        try:
            with mode():
                yield
        finally:
            torch.nn.Module.__call__ = call

    def module(self, call: Any, module: Any, args: Any, kwargs: Any) -> Any:
        """Run a module; write it down as a whole if it is one layer here."""
        whole = MODULES.get(type(module).__name__) if type(module).__module__.startswith("torch.nn.") else None
        self.path.append(module)
        self.quiet += whole is not None
        try:
            result = call(module, *args, **kwargs)
        finally:
            self.quiet -= whole is not None
            if whole is None:
                self.path.pop()
        if whole is not None:
            if not self.quiet:
                self._map(type(module).__name__, whole, (module, *args), kwargs, result)
            self.path.pop()
        return result

    def operator(self, function: Any, args: Any, kwargs: Any) -> Any:
        """Run an operator of torch and write it down, if it depends on the net's input."""
        result = function(*args, **kwargs)
        if self.quiet or not any(id(tensor) in self.values for tensor in self._tensors((args, kwargs))):
            return result
        name = plain_name(function)
        if name in READS_NUMBERS:
            self._lose_all(name)
        elif name == "setitem" or name.endswith("="):
            self._lose(name, (args[0],), "a part of an array is written over; build the array anew, with torch.cat")
        elif name not in SHAPE_ONLY and next(self._tensors(result), None) is not None:
            self._map(name, OPERATORS.get(name), args, kwargs, result)
        return result

    def value(self, tensor: Any) -> Value | Lost | None:
        """Return what stands for a tensor; None if it does not depend on the input."""
        return self.values.get(id(tensor))

    def _map(self, name: str, entry: Operator | None, args: Any, kwargs: Any, result: Any) -> None:
        """Write an operator's nodes down; where there is no mapping, its results are lost."""
        results = list(self._tensors(result))
        lost = self._lost((args, kwargs))
        if lost is not None:
            return self._forget(results, lost)
        if entry is None:
            return self._lose(name, results, "no layer here computes it")
        call = Call(tuple(tuple(tensor.shape) for tensor in results), self.images, self.dtype)
        try:
            lifted = self._lift(args)
            if not entry.turned and any(isinstance(a, Value) and a.batch for a in lifted):
                raise UnmappedError("the images of its input lie along another axis than the first")
            mapped = entry.mapping(call, *lifted, **self._lift(kwargs))
        except UnmappedError as error:
            return self._lose(name, results, str(error))
        except (MinitorchVizError, TypeError, StopIteration, KeyError, AttributeError) as error:
            return self._lose(name, results, f"with these arguments ({error})")
        self.operators += 1
        self._name(name, call)
        values = mapped if isinstance(mapped, tuple) else (mapped,)
        for tensor, value in zip(results, values, strict=False):
            if value is None:
                self._lose(name, (tensor,), "only its first result is known here")
            elif value.shape != tuple(tensor.shape):
                self._lose(name, (tensor,), f"it gives {tuple(tensor.shape)} in torch and {value.shape} here")
            else:
                self._know(tensor, value)
        return None

    def _name(self, operator: str, call: Call) -> None:
        """Give the nodes of a call names: the module's path, and what they are where that alone does not tell."""
        main = call.main or (call.entries[-1] if call.entries else None)
        base = self._place(operator)
        for entry in call.entries:
            end = "" if entry is main else f".{type(entry.layer).__name__.lower()}"
            entry.name = self._new(base + end)
            self.entries.append(entry)
        if call.entries and self.path:
            self.called.add(base)

    def _place(self, operator: str) -> str:
        """Return the path of the module that runs, with the operator's name unless the module is no more than that."""
        path = self.paths.get(id(self.path[-1]), "") if self.path else ""
        around = AROUND - {type(self.path[-1]).__name__.lower()} if path else AROUND
        if (path and id(self.path[-1]) in self.simple and operator not in around) or (path and operator[:1].isupper()):
            return path
        return f"{path}.{operator}" if path else operator

    def _new(self, name: str) -> str:
        """Return a name that no node has."""
        unique, count = name, 1
        while unique in self.names:
            count += 1
            unique = f"{name}_{count}"
        self.names.add(unique)
        return unique

    def _lose(self, operator: str, results: Any, reason: str) -> None:
        self._forget(results, Lost(operator, self._place(operator), reason))

    def _lose_all(self, operator: str) -> None:
        """Give everything up where numbers are read out: what follows may be another net for another input."""
        reason = "the module reads numbers out of the net, and may go on another way for another input"
        for key in self.values:
            self.values[key] = Lost(operator, self._place(operator), reason)

    def _lost(self, value: Any) -> Lost | None:
        """Return the first lost tensor in nested arguments."""
        return next((entry for t in self._tensors(value) if isinstance(entry := self.value(t), Lost)), None)

    def _forget(self, results: Any, lost: Lost) -> None:
        for tensor in self._tensors(results):
            self._know(tensor, lost)

    def _know(self, tensor: Any, value: Value | Lost) -> None:
        self.values[id(tensor)] = value
        self.alive.append(tensor)

    def _is_tensor(self, value: Any) -> bool:
        return isinstance(value, self.torch.Tensor)

    def _tensors(self, value: Any) -> Iterator[Any]:
        """Yield the tensors in nested arguments."""
        if self._is_tensor(value):
            yield value
        elif isinstance(value, (tuple, list)):
            for item in value:
                yield from self._tensors(item)
        elif isinstance(value, dict):
            for item in value.values():
                yield from self._tensors(item)

    def _lift(self, value: Any) -> Any:
        """Put values and arrays where tensors stand in nested arguments."""
        if self._is_tensor(value):
            entry = self.values.get(id(value))
            return value.detach().cpu().numpy().copy() if entry is None else entry
        if isinstance(value, self.torch.Size):
            return tuple(value)
        if type(value) in (tuple, list):
            return type(value)(self._lift(item) for item in value)
        if isinstance(value, dict):
            return {key: self._lift(item) for key, item in value.items()}
        return value
