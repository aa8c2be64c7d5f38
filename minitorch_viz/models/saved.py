"""A model in one file: its graph, settings, readers and names as JSON in a safetensors file, beside its arrays.

    {"format": 1, "name": "mine", "inputs": ["input"],
     "nodes": [["conv", "Conv2d", ["input"], {"stride": [1, 1], "bias": null, ...}, ["weight"]], ...],
     "preprocessing": {...}, "classes": {"names": [...], ...}, ...}

Format 1 is that of a net that looks at one picture. Any other net has the format 2: "readers": {input: {"reads":
"text", ...}} stands in place of "preprocessing".

A node is [name, layer, what it reads, settings, which of its fields are arrays]; the arrays are called "node.field".
Layers are looked up by name among those of this package and made from checked settings: nothing in a file is executed.

A version takes its own format number and all before it. What a file of today does not say (a setting that a layer gets
tomorrow) has its default; what a file of tomorrow says and today does not know is refused in a sentence.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.graph import Node
from minitorch_viz.layers import Layer, all_layers
from minitorch_viz.models.model import Model
from minitorch_viz.models.readers import Preprocessing

FORMAT = 2  # the newest; a net that looks at one picture is still written so that the first version reads it
KEY = "minitorch_viz"  # of the file's metadata, beside which other programs may keep their own

Settings = dict[str, Any]


def save_model(model: Model, path: str | Path) -> Path:
    """Write a model to `path`, a .safetensors file, completely or not at all; `load_model(path)` reads it.

    Raises SettingError for layers of one's own, WeightsFileError if the file cannot be written.
    """
    from minitorch_viz.io.out import check_out
    from minitorch_viz.io.safetensors_ import save_safetensors

    place = check_out(path, [".safetensors"], noun="model", error=WeightsFileError)
    text, arrays = written(model)
    save_safetensors(place, arrays, {KEY: text})
    return place


def written(model: Model) -> tuple[str, dict[str, Array]]:
    """Return what a file says of a model, as JSON text, and its arrays by name."""
    arrays: dict[str, Array] = {}
    nodes = [_node_as_list(node, arrays) for node in model.net.nodes]
    free = (*model.net.inputs, *model.net.beside)
    inputs = [*model.readers, *(name for name in free if name not in model.readers)]
    readings: dict[str, Any] = {"format": FORMAT}
    readers = list(model.readers.values())
    if len(inputs) == len(readers) == 1 and type(readers[0]) is Preprocessing:  # Bands are read by no format 1
        readings = {"format": 1, "preprocessing": readers[0].description()}
    else:
        readings["readers"] = {
            name: {"reads": reader.name, **reader.description()} for name, reader in model.readers.items()
        }
    description = {
        **readings,
        "name": model.name,
        "inputs": inputs,
        "nodes": nodes,
        "classes": {
            "names": list(model.class_names),
            "synonyms": list(model.class_synonyms),
            "logits": model.logits,
            **({"maps": model.maps} if model.maps else {}),  # the first version reads files without
            "scores": model.scores.name,
            "squashed": model.scores.squashed,
        },
        "first_conv": model.first_conv,
        "last_conv": model.last_conv,
        "notes": list(model.notes),
    }
    return json.dumps(description, allow_nan=False), arrays


def _node_as_list(node: Node, arrays: dict[str, Array]) -> list[Any]:
    layer, kind = node.layer, type(node.layer)
    if layers_by_name().get(kind.__name__) is not kind:
        raise SettingError(
            f"A model file keeps the layers of this package, but node {node.name!r} is a {kind.__name__} of your own; "
            "keep its net in a program, and its arrays with save_safetensors(path, net.state)."
        )
    settings: Settings = {}
    array_names = []
    for field in dataclasses.fields(layer):
        value = getattr(layer, field.name)
        if not hasattr(value, "dtype"):
            settings[field.name] = list(value) if isinstance(value, tuple) else value
        elif field.name in (*kind.param_names, *kind.buffer_names):
            array_names.append(field.name)
            arrays[f"{node.name}.{field.name}"] = kernels.to_cpu(value)
        else:
            raise SettingError(
                f"Node {node.name!r}, a {kind.__name__}, holds the {field.name} of one picture, which no file keeps."
            )
    return [node.name, kind.__name__, list(node.inputs), settings, array_names]


@functools.cache
def layers_by_name() -> dict[str, type[Layer]]:
    """Return the layers that a file may name."""
    return {kind.__name__: kind for kind in all_layers()}
