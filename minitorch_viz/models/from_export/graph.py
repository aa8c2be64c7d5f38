"""An exported graph as a Net: each operator by from_torch's mapping, and each layer run once on blank numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, NetError, WeightsFileError
from minitorch_viz.graph import Node, needed
from minitorch_viz.models.from_export.archive import KINDS, Exported, sizes_of
from minitorch_viz.models.from_export.signatures import mapped
from minitorch_viz.models.from_onnx.limits import MOST_NODES, MOST_NUMBERS, Budget
from minitorch_viz.models.from_torch.values import Call, Entry, Lost, UnmappedError, Value
from minitorch_viz.net import Net

BORDERS = ("padding", "pad", "output_padding", "stride")  # the arguments that widen maps (stride: of transposed ones)
LEAVES = "torch.nn."  # where the modules are that are one operator, and whose path alone names its node


class Graph(NamedTuple):
    """Hold the net, and what is to be known about it."""

    net: Net
    shapes: Mapping[str, tuple[int, ...]]  # of one image of each input
    whole: frozenset[str]  # the inputs that are whole numbers
    operators: int
    others: int  # how many results there are beside the first


def net_of(exported: Exported) -> Graph:
    """Return the net of an exported graph.

    Raises NetError with the operator and its place where one has no layer here, or where the net is too large.
    """
    return _Builder(exported).graph()


class _Builder:
    """Go through the graph's nodes in order; `values` holds what stands for each of its tensors."""

    def __init__(self, exported: Exported) -> None:
        self.exported = exported
        self.metas = exported.graph["tensor_values"]
        self.values: dict[str, Any] = {}  # by the tensor's name: Value, Lost or an array
        self.blanks: dict[int, Array] = {}  # by the entry's id: its output for one blank image
        self.entries: list[Entry] = []
        self.names: set[str] = set()
        self.inputs: dict[str, Value] = {}
        self.whole: set[str] = set()
        self.operators = 0
        self.budget = Budget()
        floats = [array.dtype for array in exported.arrays.values() if array.dtype.kind == "f"]
        self.dtype = "float64" if np.dtype(np.float64) in floats else "float32"
        for spec in exported.signature["input_specs"]:
            self._input(spec)
        if not self.inputs:
            raise NetError("The exported module has no input that is a tensor.")
        self.images = next(iter(self.inputs.values())).shape[0]

    def graph(self) -> Graph:
        nodes = self.exported.graph["nodes"]
        if len(nodes) > MOST_NODES:
            raise NetError(f"The graph has {len(nodes)} operators; at most {MOST_NODES} are read.")
        for node in nodes:
            outputs = list(_tensors_in(node["outputs"]))
            if outputs:
                self._map(node, outputs)
        results = [
            spec["user_output"]["arg"] for spec in self.exported.signature["output_specs"] if "user_output" in spec
        ]
        value = self.values.get(results[0]["as_tensor"]["name"]) if results else None
        if isinstance(value, Lost):
            raise NetError(
                f"The operator {value.operator} at {value.node!r} cannot be mapped: {value.reason}. Write that part "
                "with operators that are known (models.from_torch.registry.OPERATORS), or export the part before it."
            )
        if not isinstance(value, Value) or value.entry.layer is None or value.batch:
            raise NetError("The module's answer does not depend on its input, or its images lie along no first axis.")
        listed = [Node(e.name, e.layer, tuple(i.name for i in e.inputs)) for e in self.entries if e.layer]
        kept = needed(listed, [value.entry.name])
        read = {name for node in kept for name in node.inputs}
        net = Net(kept, [name for name in self.inputs if name in read])
        shapes = {name: self.inputs[name].image for name in net.inputs}
        return Graph(net, shapes, frozenset(self.whole), self.operators, len(results) - 1)

    def _input(self, spec: Mapping[str, Any]) -> None:
        """Enter one of the graph's inputs: a parameter, a buffer, a constant, or an input of the module."""
        ((kind, content),) = spec.items()
        names = {"parameter": "parameter_name", "buffer": "buffer_name", "tensor_constant": "tensor_constant_name"}
        if kind in names:
            name = content["arg"]["name"]
            if content[names[kind]] not in self.exported.arrays:
                raise WeightsFileError(f"The array {content[names[kind]]!r:.80} is missing, or stored as a pickle.")
            self.values[name] = self.exported.arrays[content[names[kind]]]
            if self.values[name].shape != sizes_of(self.metas[name]):
                raise WeightsFileError(f"The array {content[names[kind]]!r:.80} has another shape than the graph says.")
        elif kind == "user_input" and "as_tensor" in content["arg"]:
            name = content["arg"]["as_tensor"]["name"]
            shape = self.budget.spend(sizes_of(self.metas[name]), f"the input {name!r:.60}")
            if len(shape) < 2 or (self.inputs and shape[0] != next(iter(self.inputs.values())).shape[0]):
                raise NetError(f"The input {name!r:.60} has the shape {shape}, without an axis of images.")
            value = Value(Entry(None, name=name), shape)
            is_whole = "i" in KINDS.get(self.metas[name]["dtype"], "")
            self.whole |= {name} if is_whole else set()
            self.inputs[name] = self.values[name] = value
            self.names.add(name)
            self.blanks[id(value.entry)] = np.zeros((1, *shape[1:]), np.int64 if is_whole else self.dtype)

    def _map(self, node: Mapping[str, Any], outputs: list[str]) -> None:
        """Write an operator's nodes down; where there is no mapping, its results are lost."""
        name = node["target"].removeprefix("torch.ops.aten.").split(".")[0]
        pairs = [(part["kind"], part["name"], self._lifted(part["arg"])) for part in node["inputs"]]
        args = [value for kind, _, value in pairs if kind != 2]
        settings = {key: value for kind, key, value in pairs if kind == 2}
        flat = [item for value in (*args, *settings.values()) for item in (value if type(value) is list else [value])]
        place = _place(node["metadata"].get("nn_module_stack", ""), name.removesuffix("_"))
        lost = next((value for value in flat if isinstance(value, Lost)), None)
        shapes = tuple(sizes_of(self.metas[output]) for output in outputs)
        call = Call(shapes, self.images, self.dtype)
        try:
            if lost is None and any(isinstance(value, Value) for value in flat):
                self._check_growth({key: value for _, key, value in pairs}, place)
                for shape in shapes:
                    self.budget.spend(shape[1:] or (1,), place, _work(flat))
                results = mapped(name, call, args, settings)
                self._run(call, place)
                results = results if isinstance(results, tuple) else (results,)
                for output, shape, value in zip(outputs, shapes, results, strict=False):
                    if isinstance(value, Value) and self.blanks[id(value.entry)].shape[1:] != value.image:
                        raise UnmappedError(f"it gives {value.image} in the file and another shape here")
                    if value is None or value.shape != shape:
                        value = Lost(
                            name,
                            place,
                            "only its first result is known here"
                            if value is None
                            else f"it gives {shape} in the file and {value.shape} here",
                        )
                    self.values[output] = value
                self.operators += 1
            else:
                reason = "it computes with constants alone, which are not followed"
                constant = _constant(name, flat, shapes[0]) if lost is None else None
                self.values |= dict.fromkeys(
                    outputs, constant if constant is not None else lost or Lost(name, place, reason)
                )
        except (
            UnmappedError,
            MinitorchVizError,
            TypeError,
            ValueError,
            StopIteration,
            KeyError,
            AttributeError,
        ) as error:
            self.values |= dict.fromkeys(outputs, Lost(name, place, str(error).rstrip(".") or repr(error)))

    def _check_growth(self, named: Mapping[str, Any], place: str) -> None:
        """Refuse borders and strides that would make large maps of small ones, before a layer is run."""
        value = next((value for value in named.values() if isinstance(value, Value)), None)
        border = max(_largest(named.get(name)) for name in BORDERS)
        if value is None or not border:
            return
        factor = max(1, _largest(named.get("stride"))) if "output_padding" in named else 1
        sides = [side * factor + 2 * border for side in value.shape[2:]]
        if math.prod(sides) * value.shape[1] > MOST_NUMBERS:
            raise NetError(f"{place} would widen {value.shape[1:]} by up to {border}, which is too large")

    def _run(self, call: Call, place: str) -> None:
        """Run a call's layers on blank numbers, and give them names."""
        main = call.main or (call.entries[-1] if call.entries else None)
        for entry in call.entries:
            assert entry.layer is not None
            self.blanks[id(entry)] = entry.layer.forward(*(self.blanks[id(read)] for read in entry.inputs))[0]
            unique = name = place + ("" if entry is main else f".{type(entry.layer).__name__.lower()}")
            count = 1
            while unique in self.names:
                count += 1
                unique = f"{name}_{count}"
            self.names.add(unique)
            entry.name = unique
            self.entries.append(entry)

    def _lifted(self, arg: Mapping[str, Any]) -> Any:
        """Return an argument in Python: values and arrays for tensors, numbers, texts, lists."""
        ((kind, content),) = arg.items()
        if kind == "as_tensor":
            return self.values.get(content["name"])
        if kind in ("as_tensors", "as_optional_tensors"):
            items = [item.get("as_tensor", item) for item in content]
            return [self.values.get(item["name"]) if "name" in item else None for item in items]
        if kind == "as_sym_int":
            return content.get("as_int")
        if kind == "as_sym_ints":
            return [item.get("as_int") for item in content]
        return None if kind == "as_none" else content


def _tensors_in(outputs: list[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the names of the tensors among an operator's results."""
    for output in outputs:
        if "as_tensor" in output:
            yield output["as_tensor"]["name"]
        for item in output.get("as_tensors", ()):
            yield item["name"]


def _place(stack: str, operator: str) -> str:
    """Return the node's name: the path of the module that runs, with the operator's name unless it is no more."""
    last = stack.split(";")[-1]
    _, _, rest = last.partition(",")
    path, _, kind = rest.rpartition(",")
    if not path:
        return operator
    return path if kind.startswith(LEAVES) else f"{path}.{operator}"


def _work(flat: list[Any]) -> int:
    """Return how many multiplications each number of the result takes, by the largest array that is given."""
    sizes: list[int] = [math.prod(value.shape[1:]) for value in flat if isinstance(value, np.ndarray)]
    return max([1, *sizes])


def _largest(value: Any) -> int:
    """Return the largest whole number in an argument, by its size."""
    numbers = value if isinstance(value, list) else [value]
    return max((abs(number) for number in numbers if type(number) is int), default=0)


def _constant(name: str, flat: list[Any], shape: tuple[int, ...]) -> Array | None:
    """Return what an operator that computes nothing makes of an array of the file; None for any other."""
    array = flat[0] if flat else None
    if not isinstance(array, np.ndarray):
        return None
    if name in ("expand", "expand_as") and math.prod(shape) <= MOST_NUMBERS:
        return np.broadcast_to(array, shape)
    if name in (
        "view",
        "reshape",
        "unsqueeze",
        "squeeze",
        "flatten",
        "clone",
        "contiguous",
        "detach",
        "lift_fresh_copy",
    ):
        return array.reshape(shape)
    return None
