"""Reading the `.caffemodel` files of Caffe: layers with blobs, as a protocol-buffer message.

All three generations of the format can be read: `layer` (field 100), V1's `layers` (field 2), and the first one, in
which V1's message wraps an older one. Caffe keeps blobs in (out, in, y, x) order, as nets here do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array
from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.files import open_file
from minitorch_viz.io.protobuf import VARINT, Field, Wire
from minitorch_viz.io.tensors import checked_shape, float_dtype, in_dtype

V1_TYPES = {4: "Convolution", 14: "InnerProduct", 39: "Deconvolution", 5: "Data", 18: "ReLU", 17: "Pooling", 15: "LRN"}
V1_TYPES |= {3: "Concat", 6: "Dropout", 20: "Softmax", 21: "SoftmaxWithLoss", 1: "Accuracy", 22: "Split", 25: "Eltwise"}
V0_TYPES = {"conv": "Convolution", "innerproduct": "InnerProduct", "relu": "ReLU", "pool": "Pooling", "lrn": "LRN"}
BLOB_NAMES = {"Bias": ["bias"], "BatchNorm": ["running_mean", "running_var", "factor"]}
USUAL_TYPES = ("Convolution", "InnerProduct", "Deconvolution", "Scale", "Embed", "PReLU", "Parameter", "Normalize")
FLAT_BLOBS = ("bias", "running_mean", "running_var")


@dataclass(frozen=True)
class _Numbers:
    """Say which field of a layer's message is what, in one generation of the format."""

    name: int
    type: int
    blobs: int
    bottom: int
    top: int


LAYER = _Numbers(name=1, type=2, blobs=7, bottom=3, top=4)
V1_LAYER = _Numbers(name=4, type=5, blobs=6, bottom=2, top=3)
V0_LAYER = _Numbers(name=1, type=2, blobs=50, bottom=-1, top=-1)


@dataclass
class _Layer:
    name: str = ""
    type: str = ""
    bottom: list[str] = field(default_factory=list)
    top: list[str] = field(default_factory=list)
    blobs: list[Array] = field(default_factory=list)


def read_caffemodel(
    path: str | Path, dtype: npt.DTypeLike | None = None
) -> tuple[dict[str, Array], list[dict[str, Any]]]:
    """Return the arrays of a `.caffemodel` by name, and its list of layers.

    Arrays: "conv1.weight" (out, in, y, x), "conv1.bias" (out,), "fc8.weight" (out, in). BatchNorm gives
    "bn.running_mean" and "bn.running_var", already divided by Caffe's moving-average factor; Scale gives "weight" and
    "bias"; other layers "blob0", "blob1" ... Layers: dicts with "name", "type", "bottom", "top".
    dtype: float32 (say) brings all arrays to it; None leaves them.

    Caffe's networks take BGR images from 0 to 255 with the mean taken off. Raises WeightsFileError if the file is
    missing, damaged or of another kind.
    """
    if dtype is not None:
        float_dtype(dtype)
    with open_file(path, "weights file", WeightsFileError) as (file, size, place):
        wire = Wire(file, str(place))
        layers = []
        for part in wire.fields(0, size):
            if part.number == 100:
                layers.append(_layer(wire, part, LAYER))
            elif part.number == 2:
                layers.append(_v1_layer(wire, part))
    tensors: dict[str, Array] = {}
    for layer in layers:
        for name, array in _named_blobs(layer, str(place)):
            if name in tensors:
                raise WeightsFileError(f"{place} holds {name[:100]!r} twice; is it damaged?")
            tensors[name] = array
    if not tensors:
        raise WeightsFileError(f"{place} holds no layer with weights; is it a .caffemodel?")
    described = [{"name": layer.name, "type": layer.type, "bottom": layer.bottom, "top": layer.top} for layer in layers]
    return in_dtype(tensors, dtype), described


def _v1_layer(wire: Wire, part: Field) -> _Layer:
    """Return a layer of V1, with name, type and blobs of the message that it wraps where it has those."""
    layer = _layer(wire, part, V1_LAYER)
    for inner in wire.fields(part.begin, part.end):
        if inner.number == 1 and inner.wire == 2:
            old = _layer(wire, inner, V0_LAYER)
            return _Layer(old.name, V0_TYPES.get(old.type, old.type), layer.bottom, layer.top, old.blobs)
    return layer


def _layer(wire: Wire, part: Field, numbers: _Numbers) -> _Layer:
    if part.wire != 2:
        raise wire.error(f"has a layer at byte {part.begin} that is no message")
    layer = _Layer()
    for inner in wire.fields(part.begin, part.end):
        if inner.number == numbers.name:
            layer.name = wire.text(inner)
        elif inner.number == numbers.type and inner.wire == VARINT:
            layer.type = V1_TYPES.get(inner.value, f"V1 type {inner.value}")
        elif inner.number == numbers.type:
            layer.type = wire.text(inner)
        elif inner.number == numbers.bottom:
            layer.bottom.append(wire.text(inner))
        elif inner.number == numbers.top:
            layer.top.append(wire.text(inner))
        elif inner.number == numbers.blobs:
            layer.blobs.append(_blob(wire, inner))
    return layer


def _blob(wire: Wire, part: Field) -> Array:
    """Return a BlobProto's numbers, in the shape that it declares."""
    if part.wire != 2:
        raise wire.error(f"has a blob at byte {part.begin} that is no message")
    shape: list[int] | None = None
    legacy: dict[int, int] = {}
    runs: dict[int, list[Field]] = {4: [], 8: []}
    for inner in wire.fields(part.begin, part.end):
        if inner.number <= 4 and inner.wire == VARINT:  # num, channels, height, width
            legacy[inner.number] = inner.value
        elif inner.number == 7 and inner.wire == 2:
            dims = (wire.integers(dim) for dim in wire.fields(inner.begin, inner.end) if dim.number == 1)
            shape = [size for sizes in dims for size in sizes][:40]
        elif inner.number == 5:
            runs[4].append(inner)
        elif inner.number == 8:
            runs[8].append(inner)
    itemsize = 4 if runs[4] else 8 if runs[8] else 4
    counts = [wire.count(run, itemsize) for run in runs[itemsize]]
    if shape is None:
        shape = [legacy.get(axis, 1) for axis in range(1, 5)] if legacy else [sum(counts)]
    sizes = checked_shape(shape, wire.label)
    if math.prod(sizes) != sum(counts):
        raise wire.error(f"has a blob of shape {sizes} at byte {part.begin} that holds {sum(counts)} numbers")
    array = np.empty(sum(counts), f"f{itemsize}")
    at = 0
    for run, count in zip(runs[itemsize], counts, strict=True):
        wire.floats(run, array[at : at + count])
        at += count
    return array.reshape(sizes)


def _named_blobs(layer: _Layer, label: str) -> list[tuple[str, Array]]:
    """Return a layer's blobs as ("conv1.weight", array), in the shapes that nets here use."""
    if not layer.blobs:
        return []
    names = BLOB_NAMES.get(layer.type, ["weight", "bias"] if layer.type in USUAL_TYPES else [])
    names = names if len(layer.blobs) <= len(names) else [f"blob{number}" for number in range(len(layer.blobs))]
    blobs = dict(zip(names, layer.blobs, strict=False))
    if layer.type == "BatchNorm" and "factor" in blobs:
        factor = blobs.pop("factor").reshape(-1)
        if len(factor) != 1:
            raise WeightsFileError(f"{label}: the BatchNorm {layer.name[:100]!r} has {len(factor)} factors, not one.")
        scale = 1 / factor[0] if factor[0] else 0  # as Caffe does: a layer that saw no image has the factor 0
        blobs = {name: array * array.dtype.type(scale) for name, array in blobs.items()}
    for name, array in blobs.items():
        if name in FLAT_BLOBS or (name == "weight" and layer.type in ("Scale", "PReLU", "Normalize")):
            blobs[name] = array.reshape(-1)
        elif layer.type in ("InnerProduct", "Embed") and array.ndim == 4 and array.shape[:2] == (1, 1):
            blobs[name] = array.reshape(array.shape[2:])
    return [(f"{layer.name}.{name}", array) for name, array in blobs.items()]
