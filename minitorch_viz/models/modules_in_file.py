"""Layers told by the arrays that a file holds of them: which they are, in which order, and what stands between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from minitorch_viz.errors import WeightsFileError
from minitorch_viz.layers import BatchNorm1d, BatchNorm2d, Conv2d, Layer, LayerNorm, Linear, PReLU, ReLU
from minitorch_viz.models.params import NodeSpec

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]  # parameter -> its shape
COUNTER = "num_batches_tracked"
STATISTICS = {"running_mean", "running_var"}
ADVICE = "Build the net in PyTorch and bring it in: Model.from_torch(module, example)."


class Flow(NamedTuple):
    """Hold what goes from one layer to the next."""

    width: int  # channels of maps, or numbers of a vector
    is_maps: bool
    is_gated: bool  # whether an activation came after the last layer of weights


def modules_under(shapes: Shapes, root: str) -> dict[str, dict[str, Shape]]:
    """Return the modules of a file whose names are `root` or begin with it, in order: path -> {parameter: shape}.

    Numbers in names say the order ("fc.2" before "fc.10"); where there are none, that of the file does.
    """
    modules: dict[str, dict[str, Shape]] = {}
    for name, shape in shapes.items():
        path, _, parameter = name.rpartition(".")
        if (path == root or path.startswith(f"{root}.")) and parameter != COUNTER:
            modules.setdefault(path, {})[parameter] = shape
    paths = list(modules)
    if _numbered(paths, root):
        paths.sort(key=lambda path: [int(part) for part in path.removeprefix(root).split(".")[1:]])
    return {path: modules[path] for path in paths}


def layers_of(modules: Mapping[str, Shapes], flow: Flow, after: str) -> tuple[list[NodeSpec], Flow]:
    """Return the nodes that modules of a file make, one after another, and what comes out of the last.

    A file shows no activations: a ReLU is assumed between two layers of weights where there is room for a module.
    flow: what comes in. after: the name of the node before them. Modules whose names have no numbers are put in the
    first order in which each takes what the one before gives.
    Raises WeightsFileError if a module is of no kind known here, or takes something else.
    """
    nodes: list[NodeSpec] = []
    remaining = dict(modules)
    is_ordered = _numbered(list(modules), next(iter(modules)).split(".")[0])
    while remaining:
        choices = list(remaining)[: 1 if is_ordered else None]
        path = next((path for path in choices if _takes(remaining[path], flow)), choices[0])
        shapes = remaining.pop(path)
        layer = _layer(path, shapes, flow)
        if not _takes(shapes, flow):
            raise WeightsFileError(
                f"{path!r} ({_shown(shapes)}) does not take the {flow.width:,} {'maps' if flow.is_maps else 'numbers'} "
                f"that come before it, so what stands between cannot be told from the file, or "
                f"it is another net's. {ADVICE}"
            )
        weighs = isinstance(layer, (Linear, Conv2d))
        room = _room(after, path)
        if not flow.is_gated and (weighs if room is None else room > 0):
            nodes.append((_place_before(after, path), ReLU()))
            flow = flow._replace(is_gated=True)
        nodes.append((path, layer))
        if isinstance(layer, (Linear, Conv2d)):
            flow = flow._replace(width=len(layer.weight), is_gated=False)
        elif isinstance(layer, PReLU):
            flow = flow._replace(is_gated=True)
        after = path
    return nodes, flow


def _layer(path: str, shapes: Shapes, flow: Flow) -> Layer:
    """Return the layer that has parameters of these names and shapes, all zeros."""
    arrays = {name: np.broadcast_to(np.float32(0), shape) for name, shape in shapes.items()}
    weight, bias, names = arrays.get("weight"), arrays.get("bias"), set(arrays)
    if STATISTICS <= names <= {*STATISTICS, "weight", "bias"}:
        norm = BatchNorm2d if flow.is_maps else BatchNorm1d
        return norm(weight, bias, arrays["running_mean"], arrays["running_var"])
    if weight is not None and names <= {"weight", "bias"}:
        if weight.ndim == 2:
            return Linear(weight, bias)
        if weight.ndim == 4 and weight.shape[2] % 2 and weight.shape[3] % 2:
            return Conv2d(weight, bias, padding=(weight.shape[2] // 2, weight.shape[3] // 2))
        if weight.ndim == 1 and bias is not None and not flow.is_maps:
            return LayerNorm(len(weight), weight, bias)
        if weight.ndim == 1 and bias is None:
            return PReLU(weight)
    raise WeightsFileError(f"{path!r} ({_shown(shapes)}) is no layer that can be told from a file. {ADVICE}")


def _takes(shapes: Shapes, flow: Flow) -> bool:
    """Return whether a module of these shapes takes what comes before it."""
    shape = shapes.get("weight", shapes.get("running_mean", ()))
    if len(shape) == 1:
        return shape[0] == flow.width or (set(shapes) == {"weight"} and shape[0] == 1)
    return len(shape) == (4 if flow.is_maps else 2) and shape[1] == flow.width


def _numbered(paths: list[str], root: str) -> bool:
    """Return whether all that follows the root in the names is numbers."""
    return all(part.isdigit() for path in paths for part in path.removeprefix(root).split(".")[1:])


def _room(before: str, path: str) -> int | None:
    """Return how many modules without parameters may stand between two, by their numbers; None where there are none."""
    ours, theirs = path.split("."), before.split(".")
    common = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), len(theirs))
    rest, other = ours[common:], theirs[common:]
    if not rest or not all(part.isdigit() for part in (*rest, *other)):
        return None
    return int(rest[0]) - (int(other[0]) + 1 if other else 0) + sum(int(part) for part in rest[1:])


def _place_before(before: str, path: str) -> str:
    """Return a name for an activation between two modules: the free number after the first, or a word."""
    stem, _, number = before.rpartition(".")
    return f"{stem}.{int(number) + 1}" if number.isdigit() and path.startswith(f"{stem}.") else f"{path}.relu"


def _shown(shapes: Shapes) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items())
