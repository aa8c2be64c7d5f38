"""From the bytes of an ONNX file to its graph."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, NamedTuple

from minitorch_viz.errors import NetError, SettingError, WeightsFileError
from minitorch_viz.io.files import open_file, read_exactly
from minitorch_viz.models.from_onnx.limits import MOST_NODES

MOST_BYTES = 2**31 - 1  # protocol buffers end here; larger nets keep their arrays beside the file
OLDEST, DOMAINS = 7, ("", "ai.onnx")


class Graph(NamedTuple):
    """Hold what a file holds: its graph, and the version of the operators' definitions."""

    graph: Any  # onnx.GraphProto
    opset: int
    path: Path


def onnx_package() -> Any:
    """Return the module onnx; SettingError with how to install it where it is missing."""
    try:
        return importlib.import_module("onnx")
    except ImportError as error:
        raise SettingError(
            "Reading ONNX files needs the package onnx, which is not installed: pip install onnx."
        ) from error


def read_graph(path: str | Path) -> Graph:
    """Return the graph of an ONNX file.

    Raises WeightsFileError if it is missing, damaged or no ONNX file, NetError if its operators are too old or many.
    """
    onnx = onnx_package()
    decode_error = importlib.import_module("google.protobuf.message").DecodeError  # protobuf comes with onnx
    with open_file(path, "ONNX file", WeightsFileError) as (file, size, place):
        if size > MOST_BYTES:
            raise WeightsFileError(f"{place} has {size:,} bytes; an ONNX file has at most {MOST_BYTES:,}.")
        data = read_exactly(file, 0, size, str(place))
    try:
        model = onnx.load_model_from_string(data)
    except decode_error as error:
        raise WeightsFileError(f"{place} is damaged, or no ONNX file: {error}.") from error
    graph = model.graph
    if not graph.node or not graph.output:
        raise WeightsFileError(f"{place} is damaged, or no ONNX file: its graph has no operators or no output.")
    if len(graph.node) > MOST_NODES:
        raise NetError(f"{place} has {len(graph.node):,} operators; at most {MOST_NODES:,} are read.")
    if model.functions:
        raise NetError(
            f"{place} defines operators of its own ({len(model.functions)} functions); save it again after "
            "onnx.inliner.inline_local_functions(model)."
        )
    opset = max((entry.version for entry in model.opset_import if entry.domain in DOMAINS), default=0)
    if opset < OLDEST:
        raise NetError(
            f"{place} is written in opset {opset}; opsets from {OLDEST} are read. "
            "onnx.version_converter.convert_version(model, 17) brings it up to date."
        )
    return Graph(graph, opset, place)
