"""Reading the JSON in which ConvNetJS keeps a trained network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array
from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.files import is_whole, read_json, shown
from minitorch_viz.io.tensors import float_dtype, in_dtype

LEARNING = ("conv", "fc")


def read_convnetjs(
    path: str | Path, dtype: npt.DTypeLike = np.float32
) -> tuple[dict[str, Array], list[dict[str, Any]]]:
    """Return the arrays of a ConvNetJS network and its list of layers.

    Arrays: "conv1.weight" (out, in, y, x), "conv1.bias" (out,), ..., "fc.weight" (out, in), "fc.bias"; with several
    fully connected layers "fc1", "fc2". A volume of ConvNetJS runs over (y, x, depth); the columns of the first
    fully connected layer are brought to the (channel, y, x) order in which nets here flatten.
    Layers: dicts with "name", "type" and the settings as in the file ("stride", "pad", "out_depth" ...).

    Raises WeightsFileError if the file is missing, damaged or something else.
    """
    float_dtype(dtype)
    return parse_convnetjs(read_json(path), str(path), dtype)


def parse_convnetjs(
    value: Mapping[str, Any], label: str, dtype: npt.DTypeLike | None = np.float32
) -> tuple[dict[str, Array], list[dict[str, Any]]]:
    """Return the same from the JSON object; `label` names it in messages."""
    layers = value.get("layers")
    if not isinstance(layers, list) or not layers or not all(_is_layer(layer) for layer in layers):
        if isinstance(value.get("weights"), str):
            raise WeightsFileError(
                f"{label} describes weights but holds none; give the file {value['weights']!a:.100}."
            )
        raise WeightsFileError(
            f'{label} is no ConvNetJS network: it needs a list "layers" of objects with a "layer_type"; its keys are '
            f"{', '.join(sorted(map(ascii, value))[:8])}."
        )
    kinds = [layer["layer_type"] for layer in layers]
    tensors: dict[str, Array] = {}
    described: list[dict[str, Any]] = []
    volume: tuple[int, int, int] | None = None  # depth, y, x of what the layer gets
    for index, (layer, kind) in enumerate(zip(layers, kinds, strict=True)):
        number = kinds[: index + 1].count(kind)
        name = kind if kind not in ("conv", "relu", "pool") and kinds.count(kind) == 1 else f"{kind}{number}"
        if kind in LEARNING:
            layer_label = f"{label}: layer {index} ({name})"
            tensors[f"{name}.weight"] = _weight(layer, volume, layer_label)
            tensors[f"{name}.bias"] = _biases(layer, len(tensors[f"{name}.weight"]), layer_label)
        settings = {key: item for key, item in layer.items() if key not in ("filters", "biases", "layer_type")}
        described.append({"name": name, "type": kind, **settings})
        volume = _out(layer)
    if not tensors:
        raise WeightsFileError(f"{label} is a ConvNetJS network without conv or fc layers, so it holds no weights.")
    return in_dtype(tensors, dtype), described


def _is_layer(layer: object) -> bool:
    return isinstance(layer, dict) and isinstance(layer.get("layer_type"), str) and len(layer["layer_type"]) < 40


def _out(layer: Mapping[str, Any]) -> tuple[int, int, int] | None:
    sizes = [layer.get(key) for key in ("out_depth", "out_sy", "out_sx")]
    depth, height, width = (size if is_whole(size) and 1 <= size <= 2**20 else None for size in sizes)
    return None if depth is None or height is None or width is None else (depth, height, width)


def _weight(layer: Mapping[str, Any], volume: tuple[int, int, int] | None, label: str) -> Array:
    """Return the weight (out, in, y, x) of a conv layer, or (out, in) of a fully connected one."""
    filters = layer.get("filters")
    if not isinstance(filters, list) or not filters:
        raise WeightsFileError(f'{label} needs a list "filters" of volumes, but has {shown(filters)}.')
    if len(filters) != layer.get("out_depth"):
        raise WeightsFileError(f"{label} has {len(filters)} filters, but out_depth is {shown(layer.get('out_depth'))}.")
    stacked = np.stack(_same_size([_volume(item, f"{label}, filter {n}") for n, item in enumerate(filters)], label))
    if layer["layer_type"] == "conv":
        return np.ascontiguousarray(stacked.transpose(0, 3, 1, 2))
    flat = stacked.reshape(len(filters), -1)
    if volume is None or math.prod(volume) != flat.shape[1]:
        raise WeightsFileError(
            f"{label} has filters of {flat.shape[1]} weights, but the layer before it gives "
            f"{'nothing' if volume is None else f'(depth, y, x) {volume}'}."
        )
    depth, height, width = volume
    return np.ascontiguousarray(flat.reshape(-1, height, width, depth).transpose(0, 3, 1, 2)).reshape(flat.shape)


def _same_size(filters: Sequence[Array], label: str) -> Sequence[Array]:
    if len({array.shape for array in filters}) > 1:
        raise WeightsFileError(
            f"{label} has filters of different sizes: {sorted({array.shape for array in filters})[:4]}."
        )
    return filters


def _biases(layer: Mapping[str, Any], count: int, label: str) -> Array:
    biases = _volume(layer.get("biases"), f"{label}, biases").reshape(-1)
    if len(biases) != count:
        raise WeightsFileError(f"{label} has {len(biases)} biases for {count} filters.")
    return biases


def _volume(value: object, label: str) -> Array:
    """Return a volume {"sx", "sy", "depth", "w"} as (y, x, depth); w is a list, or a dict with keys "0", "1", ..."""
    if not isinstance(value, dict):
        raise WeightsFileError(f"{label} must be a volume with sx, sy, depth and w, but is {shown(value)}.")
    sizes = [value.get(key) for key in ("sy", "sx", "depth")]
    shape = [size for size in sizes if is_whole(size) and 1 <= size <= 2**20]
    if len(shape) != 3:
        raise WeightsFileError(f"{label} needs whole numbers from 1 as sy, sx and depth; is the file damaged?")
    weights = value.get("w")
    count = math.prod(shape)
    if not isinstance(weights, (list, dict)) or len(weights) != count:
        given = len(weights) if isinstance(weights, (list, dict)) else shown(weights)
        raise WeightsFileError(f"{label} should hold {count} weights, but holds {given}.")
    if isinstance(weights, dict):
        weights = [weights.get(str(index)) for index in range(count)]
    if not all(isinstance(weight, (int, float)) and not isinstance(weight, bool) for weight in weights):
        raise WeightsFileError(f"{label} holds weights that are missing or not numbers; is the file damaged?")
    try:
        array = np.array(weights, np.float64).reshape(shape)
    except OverflowError as problem:
        raise WeightsFileError(f"{label} holds a whole number too large for a float; is the file damaged?") from problem
    if not np.isfinite(array).all():
        raise WeightsFileError(f"{label} holds a number too large for a float; is the file damaged?")
    return array
