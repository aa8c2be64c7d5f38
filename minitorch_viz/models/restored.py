"""The model that a file describes, made again: every entry is checked, and nothing in a file is executed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, WeightsFileError, near
from minitorch_viz.layers import Layer
from minitorch_viz.models.model import Model
from minitorch_viz.models.readers import KINDS, Preprocessing, Reader
from minitorch_viz.models.saved import FORMAT, KEY, layers_by_name
from minitorch_viz.models.scores import kind_of_scores
from minitorch_viz.net import Net

LARGEST_NUMBER = 2**31  # of a whole number among the settings
UNREADABLE = (TypeError, ValueError, KeyError, AttributeError, ArithmeticError, RecursionError)


def described(metadata: Mapping[str, Any], place: Path) -> dict[str, Any] | None:
    """Return what a file says of its own model; None if it says nothing. WeightsFileError if damaged or too new."""
    from minitorch_viz.io.files import parse_json

    text = metadata.get(KEY)
    if not isinstance(text, str):
        return None
    content = parse_json(text.encode(), f"{place}: its description of the net")
    number = content.get("format")
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise WeightsFileError(f"{place}: its description of the net has no format number; is the file damaged?")
    if number > FORMAT:
        raise WeightsFileError(
            f"{place} was written by a newer minitorch_viz: it has the format {number}, and this one reads up to "
            f"{FORMAT}. Install a newer one."
        )
    return content


def read_model(
    content: Mapping[str, Any], tensors: Mapping[str, Array], place: Path, dtype: npt.DTypeLike | None = None
) -> Model:
    """Build the model that a file describes. dtype: None keeps the file's own (float16 becomes float32).

    Raises WeightsFileError, and nothing else, if the description is damaged or does not fit the arrays.
    """
    try:
        return _read(_Part(content, "the description"), dict(tensors), place, dtype)
    except MinitorchVizError as error:
        raise WeightsFileError(f"{place}: {error}") from error
    except UNREADABLE as error:
        raise WeightsFileError(
            f"{place}: its description of the net makes no sense ({type(error).__name__}: {error}); is it damaged?"
        ) from error


def _read(part: _Part, tensors: dict[str, Array], place: Path, dtype: npt.DTypeLike | None) -> Model:
    inputs = part.texts("inputs")
    used_arrays: set[str] = set()
    nodes = [_node_of(spec, tensors, used_arrays, dtype) for spec in part.a("nodes", list)]
    if unused := sorted(set(tensors) - used_arrays):
        raise WeightsFileError(
            f"it holds {len(unused)} arrays that its net has no place for ({', '.join(unused[:4])}); is it damaged?"
        )
    classes = part.part("classes")
    squashed = classes.a("squashed", bool)
    return Model(
        name=part.a("name", str),
        net=Net(nodes, inputs),
        readers=_readers(part, inputs),
        class_names=classes.texts("names"),
        logits=classes.a("logits", str),
        maps=classes.a("maps", str) if "maps" in classes.content else "",
        class_synonyms=classes.texts("synonyms"),
        first_conv=part.a("first_conv", str),
        last_conv=part.a("last_conv", str),
        source=str(place),
        notes=part.texts("notes"),
        scores=kind_of_scores(classes.a("scores", str))(squashed),
    )


def _readers(part: _Part, inputs: Sequence[str]) -> dict[str, Reader]:
    """Return how each input is read; in a file of format 1 the first one is a picture."""
    if "readers" not in part.content:
        return {inputs[0]: _reader(part.part("preprocessing"), Preprocessing)}
    parts = part.part("readers")
    readers: dict[str, Reader] = {}
    for name in parts.content:
        described = parts.part(name)
        kind = described.a("reads", str)
        if kind not in KINDS:
            raise WeightsFileError(
                f"the input {name!r:.60} is read as {kind!r:.60}, which this minitorch_viz does not know; "
                f"{near(kind, KINDS, 'reader')}."
            )
        readers[name] = _reader(described, KINDS[kind])
    return readers


def _reader(described: _Part, kind: type[Reader]) -> Reader:
    """Build the reader of a description, each entry checked for its kind by an example's."""
    for key, example in kind.example().description().items():
        described.a(key, type(example))
    return kind.described(described.content)


def _node_of(
    spec: object, tensors: Mapping[str, Array], used_arrays: set[str], dtype: npt.DTypeLike | None
) -> tuple[str, Layer, tuple[str, ...]]:
    """Return one node as `Net` takes it."""
    if not isinstance(spec, list) or len(spec) != 5:
        raise WeightsFileError(f"a node must be [name, layer, inputs, settings, arrays], but one is {spec!r:.60}.")
    name, kind_name, reads, settings, array_names = spec
    kinds = layers_by_name()
    if not isinstance(name, str) or not isinstance(kind_name, str) or not isinstance(settings, dict):
        raise WeightsFileError(f"a node must be [name, layer, inputs, settings, arrays], but one is {spec!r:.60}.")
    if kind_name not in kinds:
        raise WeightsFileError(
            f"node {name!r:.60} is a {kind_name:.60}, a layer that this minitorch_viz does not have; "
            f"{near(kind_name, kinds, 'layer')}."
        )
    kind = kinds[kind_name]
    fields = {field.name: field for field in dataclasses.fields(kind)}
    allowed = (*kind.param_names, *kind.buffer_names)
    if not isinstance(array_names, list) or not all(isinstance(key, str) and key in allowed for key in array_names):
        raise WeightsFileError(f"node {name!r:.60}, a {kind_name}, cannot hold the arrays {array_names!r:.60}.")
    values = {key: _setting(fields.get(key), key, value, f"node {name!r:.60}") for key, value in settings.items()}
    for key in array_names:
        values[key] = _array(f"{name}.{key}", tensors, dtype)
        used_arrays.add(f"{name}.{key}")
    return name, kind(**values), tuple(_texts(reads, f"what node {name!r:.60} reads"))


def _array(key: str, tensors: Mapping[str, Array], dtype: npt.DTypeLike | None) -> Array:
    """Return an array of the file, in the precision that is wanted; WeightsFileError if it is missing or no numbers."""
    if key not in tensors:
        raise WeightsFileError(f"the array {key!r:.80} is missing; is it damaged?")
    array = tensors[key]
    if array.dtype.kind != "f":
        raise WeightsFileError(f"{key!r:.80} must hold floating-point numbers, but holds {array.dtype}.")
    if not np.isfinite(array).all():
        raise WeightsFileError(f"{key!r:.80} holds values that are not finite (NaN or infinity).")
    own_dtype = array.dtype if array.dtype in (np.float32, np.float64) else np.float32
    return np.ascontiguousarray(array, own_dtype if dtype is None else dtype)


def _setting(field: dataclasses.Field[Any] | None, key: str, value: object, label: str) -> Any:
    """Return a setting as the layer takes it: a number, a text, or a pair of whole numbers."""
    if field is None:
        raise WeightsFileError(f"{label} has a setting {key!r:.60}, which this minitorch_viz does not know.")
    if isinstance(value, list):
        if len(value) > 8 or not all(_is_small(number) for number in value):
            raise WeightsFileError(f"{label}: {key} must be a few whole numbers, but is {value!r:.60}.")
        return tuple(value)
    plain = value is None or isinstance(value, (bool, float, str)) or _is_small(value)
    if not plain or isinstance(field.default, bool) is not isinstance(value, bool):
        raise WeightsFileError(f"{label}: {key} cannot be {value!r:.60}.")
    return value


def _is_small(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST_NUMBER


def _texts(value: object, label: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise WeightsFileError(f"{label} must be a list of texts, but is {value!r:.60}.")
    return value


@dataclasses.dataclass(frozen=True)
class _Part:
    """Hold a JSON object whose entries are asked for by name and kind."""

    content: Mapping[str, Any]
    label: str

    def a(self, key: str, kind: type) -> Any:
        value = self.content.get(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise WeightsFileError(f"{self.label} needs {key!r} as {kind.__name__}, but has {value!r:.60}.")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(_texts(self.content.get(key), f"{key!r} of {self.label}"))

    def part(self, key: str) -> _Part:
        return _Part(self.a(key, dict), f"{key!r} of {self.label}")
