"""One operator of the file, as the function that reads it sees it: inputs, attributes, and a way to refuse."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import NetError
from minitorch_viz.layers import Layer
from minitorch_viz.models.from_onnx.builder import Builder, Scores, Signal, Value
from minitorch_viz.models.from_onnx.tensors import array_of

ELSEWHERE = "Write the net without it, or bring it in by Model.from_torch."


class Call:
    """Hold one node of an ONNX graph with the values of its inputs."""

    def __init__(self, node: Any, builder: Builder, folder: Any) -> None:
        self.builder, self.opset, self.type = builder, builder.opset, str(node.op_type)
        self.name = str(node.name) or next((str(name) for name in node.output if name), "")
        self.label = f"{self.type} ({self.name!r:.100})"
        self.names = [str(name) for name in node.input]
        self.outputs = [str(name) for name in node.output]
        self.attributes = {str(entry.name): self._attribute(entry, folder) for entry in node.attribute}
        if not self.outputs:
            self.refuse("gives nothing", "The file is damaged.")
        for name in self.names:
            if name and name not in builder.values:
                self.refuse(f"reads {name!r:.80}, which nothing before it gives", "The file is damaged.")
        self.inputs: list[Value | None] = [builder.values[name] if name else None for name in self.names]
        # Turned signals are seen with one more axis before the file's; then the images' axis is the first again.
        self.is_turned = any(isinstance(value, Signal) and value.turned for value in self.inputs)

    def refuse(self, reason: str, advice: str = ELSEWHERE) -> NoReturn:
        """Raise NetError: which operator, at which node, why, and what to do."""
        raise NetError(f"The ONNX operator {self.label} {reason}. {advice}")

    # ------------------------------------------------------------------ inputs

    def value(self, at: int) -> Value | None:
        """Return an input, or None if it is left out."""
        return self.inputs[at] if at < len(self.inputs) else None

    def signal(self, at: int = 0) -> Signal:
        """Return an input that depends on the net's input, with the images along its first axis."""
        value = self.any_signal(at)
        if self.is_turned != value.turned:
            self.refuse("reads arrays of which one has the images along its first axis and another has not")
        return Signal(value.node, (1, *value.shape)) if value.turned else value

    def any_signal(self, at: int = 0) -> Signal:
        """Return an input that depends on the net's input, turned or not."""
        value = self.value(at)
        if not isinstance(value, Signal):
            self.refuse(f"needs input {at} to depend on the net's input, but it is {_in_words(value)}")
        if value.is_whole:
            self.refuse("reads whole numbers of the net's input, through which no gradient comes")
        return value

    def constant(self, at: int) -> Array | None:
        """Return an input that is a constant, or None if it is left out."""
        value = self.value(at)
        if isinstance(value, (Signal, Scores)):
            self.refuse(f"needs input {at} to be constant, but it depends on the net's input")
        return value

    def floats(self, at: int, *shape: int | None) -> Array:
        """Return a constant input as finite floats in the net's precision; of this shape, where one is given."""
        array = self.optional_floats(at, *shape)
        if array is None:
            self.refuse(f"lacks its input {at}", "The file is damaged.")
        return array

    def optional_floats(self, at: int, *shape: int | None) -> Array | None:
        """Return what `floats` does, or None if the input is left out."""
        array = self.constant(at)
        if array is None:
            return None
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            self.refuse(f"needs finite floating-point numbers as input {at}, but it holds {array.dtype} or NaN")
        fits = len(shape) == array.ndim and all(n in (None, side) for n, side in zip(shape, array.shape, strict=True))
        if (shape and not fits) or 0 in array.shape:
            self.refuse(f"has an input {at} of shape {array.shape}, where {shape} is needed", "The file is damaged.")
        with np.errstate(over="ignore"):
            cast = np.ascontiguousarray(array, self.builder.dtype)
        return cast if np.isfinite(cast).all() else self.refuse(f"has numbers too large for {cast.dtype}")

    def scalar(self, at: int, default: float | None = None) -> float | None:
        """Return a constant input that is one number."""
        array = self.constant(at)
        if array is None:
            return default
        if array.size != 1 or array.dtype.kind not in "fiu":
            self.refuse(f"needs one number as input {at}, but it has {array.size}", "The file is damaged.")
        return float(array.reshape(())[()])

    def wholes(self, attribute: str, at: int) -> list[int] | None:
        """Return whole numbers that older files keep in an attribute and newer ones in a constant input."""
        if attribute in self.attributes:
            return self.whole_list(attribute)
        array = self.constant(at)
        if array is None:
            return None
        if array.dtype.kind not in "iu" or array.ndim > 1 or array.size > 64:
            self.refuse(f"needs whole numbers as {attribute}, but got {_in_words(array)}", "The file is damaged.")
        return [int(number) for number in array.reshape(-1)]

    # ------------------------------------------------------------------ attributes

    def _attribute(self, entry: Any, folder: Any) -> Any:
        match entry.type:
            case 1:
                return float(entry.f)
            case 2:
                return int(entry.i)
            case 3:
                return bytes(entry.s).decode("utf-8", "replace")
            case 4:
                return array_of(entry.t, folder)
            case 6:
                return [float(number) for number in entry.floats]
            case 7:
                return [int(number) for number in entry.ints]
            case 8:
                return [bytes(text).decode("utf-8", "replace") for text in entry.strings]
        return entry.type  # graphs and others, which no operator that is read has

    def _typed(self, name: str, kind: type, default: Any) -> Any:
        value = self.attributes.get(name, default)
        if value is not default and not isinstance(value, kind):
            self.refuse(f"has the attribute {name} = {value!r:.60}, which is of the wrong type", "The file is damaged.")
        return value

    def whole(self, name: str, default: int = 0) -> int:
        """Return a whole number."""
        return int(self._typed(name, int, default))

    def number(self, name: str, default: float = 0.0) -> float:
        """Return a finite number."""
        value = float(self._typed(name, float, default))
        return value if np.isfinite(value) else self.refuse(f"has the attribute {name} = {value}")

    def text(self, name: str, default: str = "") -> str:
        """Return a text."""
        return str(self._typed(name, str, default))

    def whole_list(self, name: str, default: list[int] | None = None, count: int | None = None) -> list[int]:
        """Return whole numbers: so many, if `count` says so."""
        values = self._typed(name, list, default if default is not None else [])
        if (count is not None and len(values) != count) or not all(isinstance(value, int) for value in values):
            self.refuse(f"has {name} = {values!r:.80}, where {count or 'some'} whole numbers are needed")
        return list(values)

    def axis(self, value: int, rank: int) -> int:
        """Return an axis counted from the front, of an array with `rank` axes as `signal` gives it."""
        own = rank - self.is_turned
        if not -own <= value < own:
            self.refuse(f"names axis {value} of an array with {own} axes", "The file is damaged.")
        return value % own + self.is_turned

    def inner_axis(self, value: int, signal: Signal) -> int:
        """Return an axis counted from the front that is not the images'."""
        axis = self.axis(value, len(signal.shape))
        if axis == 0:
            self.refuse("works along axis 0, the images of a batch, which are kept apart here")
        return axis

    # ------------------------------------------------------------------ output

    def add(self, layer: Layer, *signals: Signal, shape: tuple[int, ...] | None = None, work_each: int = 1) -> Signal:
        """Add the layer to the net, reading the signals; its output has the first one's shape unless one is given."""
        if not all(np.isfinite(array).all() for array in layer.params.values()):
            self.refuse(f"makes numbers too large for {self.builder.dtype}")
        out = self.builder.budget.spend(signals[0].shape if shape is None else shape, self.label, work_each)
        return self.builder.add(self.name, layer, tuple(signal.node for signal in signals), out)

    def only_output(self) -> None:
        """Refuse if a further output is read, such as a pooling's switches."""
        for name in self.outputs[1:]:
            if name and self.builder.uses[name]:
                self.refuse(f"gives a second output, {name!r:.80}, that is read; only its first is known here")

    def is_only_use(self, at: int) -> bool:
        """Return whether nothing else reads an input of this operator."""
        return self.builder.uses[self.names[at]] == 1


def _in_words(value: object) -> str:
    return "missing" if value is None else f"a constant array {getattr(value, 'shape', ())!s:.60}"
