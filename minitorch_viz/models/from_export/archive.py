"""A .pt2 file as a graph, still JSON, and its arrays; no pickle in it is opened."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.files import LONGEST_JSON, parse_json
from minitorch_viz.io.tensors import from_bfloat16, read_array
from minitorch_viz.io.zip_ import STORED, Archive, open_zip

GRAPH = "models/model.json"
CONFIGS = {"data/weights/": "model_weights_config.json", "data/constants/": "model_constants_config.json"}
# The numbers that torch gives kinds of numbers, and NumPy's; "bf" is half a float32.
KINDS = {1: "u1", 2: "i1", 3: "<i2", 4: "<i4", 5: "<i8", 6: "<f2", 7: "<f4", 8: "<f8", 12: "?", 13: "bf"}
LONGEST_ARRAY = 2**33  # bytes


class Exported(NamedTuple):
    """Hold what is in the file."""

    graph: Mapping[str, Any]  # inputs, outputs, nodes, tensor_values: see torch._export.serde.schema
    signature: Mapping[str, Any]  # which of the graph's inputs are parameters
    arrays: Mapping[str, Array]  # parameters, buffers and constants by their names in the module


def is_exported(path: Path) -> bool:
    """Return whether a file is called .pt2, or is a zip archive with an exported graph in it."""
    if path.suffix.lower() == ".pt2":
        return True
    try:
        with path.open("rb") as file:
            is_zip = file.read(4) == b"PK\x03\x04"
    except OSError:  # what reads it next says so
        return False
    if not is_zip:
        return False
    with open_zip(path) as archive:
        return any(name.endswith(GRAPH) for name in archive.members)


def read_archive(path: Path) -> Exported:
    """Return the graph and the arrays of a file of torch.export.save; WeightsFileError if it is another or damaged."""
    with open_zip(path) as archive:
        root = next((name.removesuffix(GRAPH) for name in archive.members if name.endswith(GRAPH)), None)
        if root is None:
            raise WeightsFileError(
                f"{path} holds no {GRAPH}, as a file of torch.export.save does since PyTorch 2.8; save it again with a "
                "newer one, or as ONNX."
            )
        if archive.members.get(f"{root}byteorder") and _text(archive, f"{root}byteorder") != b"little":
            raise WeightsFileError(f"{path} was written on a machine with another order of bytes; save it as ONNX.")
        content = _json(archive, root + GRAPH)
        arrays: dict[str, Array] = {}
        for folder, name in CONFIGS.items():
            if root + folder + name in archive.members:
                entries = _json(archive, root + folder + name)["config"]
                for key, entry in entries.items():
                    if not entry["use_pickle"]:
                        arrays[key] = _array(archive, root + folder + entry["path_name"], entry["tensor_meta"])
    module = content["graph_module"]
    return Exported(module["graph"], module["signature"], arrays)


def sizes_of(meta: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape that a description of a tensor declares; of an open axis the size that was exported with."""
    sizes = [size["as_int"] if "as_int" in size else size["as_expr"]["hint"]["as_int"] for size in meta["sizes"]]
    if len(sizes) > 8 or not all(type(size) is int and 0 <= size < 2**31 for size in sizes):
        raise WeightsFileError(f"A tensor declares the shape {sizes!r:.80}; is the file damaged?")
    return tuple(sizes)


def _text(archive: Archive, name: str) -> bytes:
    member = archive.members[name]
    if member.size > LONGEST_JSON:
        raise WeightsFileError(f"{archive.path}: {name!r} has {member.size} bytes; {LONGEST_JSON} are read.")
    return archive.read(member)


def _json(archive: Archive, name: str) -> dict[str, Any]:
    return parse_json(_text(archive, name), f"{archive.path}: {name}")


def _array(archive: Archive, name: str, meta: Mapping[str, Any]) -> Array:
    """Return one array: a window on the numbers that a member of the archive holds."""
    label = f"{archive.path}: {name!r}"
    member = archive.members.get(name)
    kind = KINDS.get(meta["dtype"])
    if member is None or kind is None or member.method != STORED or member.size > LONGEST_ARRAY:
        raise WeightsFileError(f"{label} is missing, or its numbers are of a kind that is not read.")
    shape = sizes_of(meta)
    strides = [stride["as_int"] for stride in meta["strides"]]
    offset = meta["storage_offset"]["as_int"]
    dtype = np.dtype("<u2" if kind == "bf" else kind)
    count = member.size // dtype.itemsize
    if math.prod(shape) == 0:
        return np.empty(shape, np.float32 if kind == "bf" else dtype)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if min([offset, *strides]) < 0 or last >= count or math.prod(shape) > count:
        raise WeightsFileError(f"{label} has {count} numbers, too few for the shape {shape}; is it damaged?")
    numbers = read_array(archive.file, archive.start(member), (count,), dtype, label)
    steps = [stride * dtype.itemsize for stride in strides]
    window = np.lib.stride_tricks.as_strided(numbers[offset:], shape, steps).copy()
    return from_bfloat16(window) if kind == "bf" else window
