"""Model.from_onnx: a net, how its inputs are read, what its outputs are called, and what was mapped."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from minitorch_viz._types import Pair
from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.io.files import as_path, as_size, read_json_beside
from minitorch_viz.models.classes import class_names_in, imagenet_names
from minitorch_viz.models.from_onnx.file import read_graph
from minitorch_viz.models.from_onnx.net import WHOLE, Input, NetRead, build_net
from minitorch_viz.models.own_readers import PICTURES, PIXELS, maps_reader
from minitorch_viz.models.readers import Numbers, Preprocessing, Reader
from minitorch_viz.models.readers.preprocessing import Resize
from minitorch_viz.models.spec import TORCHVISION

if TYPE_CHECKING:
    from minitorch_viz.models.model import Model

Made = TypeVar("Made", bound="Model")
IMAGENET_CLASSES = 1000


class Preparation(NamedTuple):
    """Hold what the caller said of the pictures; None where that is left to the file beside, or to a guess."""

    size: int | Pair | None
    mean: float | Sequence[float] | None
    std: float | Sequence[float] | None
    resize: Resize | None


def read_onnx(
    make: type[Made],
    path: str | Path,
    preparation: Preparation,
    readers: Reader | Mapping[str, Reader] | None,
    class_names: Sequence[str],
    logits: str | None,
    scores: str | None,
    name: str | None,
    dtype: np.dtype[Any] | None,
) -> Made:
    """Return the model of an ONNX file; see Model.from_onnx."""
    path = as_path(path, "ONNX file", WeightsFileError)
    beside = read_json_beside(path) or {}
    if preparation.size is not None:
        sides: tuple[int, int] | None = as_size(preparation.size, "size")
    else:
        sides = _sides_beside(beside)
    findings = build_net(read_graph(path), sides, dtype)
    notes = [_report(path, findings)]
    own_names = class_names or class_names_in(beside if "names" in beside else {}) or ()
    is_imagenet = _ends_in_imagenet(findings, own_names)
    if readers is None:
        readers = {
            key: _reader(entry, sides, preparation, beside, path, is_imagenet, notes)
            for key, entry in findings.inputs.items()
        }
    if scores is None and isinstance(beside.get("scores"), str):
        scores = beside["scores"]
    if len(findings.outputs) > 1:
        notes.append(f"The file has the outputs {', '.join(findings.outputs)}.")
    model = make.from_net(
        findings.net,
        readers=readers,
        class_names=own_names or (imagenet_names() if is_imagenet else ()),
        logits=logits,
        scores=scores,
        name=path.stem if name is None else name,
    )
    return dataclasses.replace(model, source=str(path), notes=(*notes, *model.notes))


def _reader(
    entry: Input,
    sides: tuple[int, int] | None,
    preparation: Preparation,
    beside: Mapping[str, Any],
    path: Path,
    is_imagenet: bool,
    notes: list[str],
) -> Reader:
    """Return how an input is read: pictures as is said, or as is usual; all else as numbers."""
    shape = entry.shape
    if len(shape) != 4 or entry.kind in WHOLE or _has_channels_last(shape):
        open_sides = [None if axis in entry.open_sides else side for axis, side in enumerate(shape)][1:]
        return Numbers(tuple(open_sides), whole=entry.kind in WHOLE)
    if shape[1] not in PICTURES:
        mean, std = (PIXELS[i] if value is None else value for i, value in enumerate(preparation[1:3]))
        return maps_reader((shape[2], shape[3]), shape[1], mean, std, preparation.resize or "stretch")
    if sides is not None and tuple(shape[2:]) != tuple(sides):
        raise SettingError(f"The net in {path} takes pictures of {shape[2]} x {shape[3]}, but size is {sides}.")
    usual = TORCHVISION if is_imagenet and shape[1] == 3 else None
    mean = usual.mean if usual else 0.0
    std = usual.std if usual else 255.0
    reader = Preprocessing((shape[2], shape[3]), shape[1], mean, std)  # type: ignore[arg-type]  # one number stands for every channel
    if "input" in beside:
        reader = Preprocessing.from_json(beside, reader)
    given = {key: value for key, value in preparation._asdict().items() if value is not None and key != "size"}
    if not given and "input" not in beside:
        how = "as torchvision's ImageNet nets want it" if usual else "as numbers from 0 to 1"
        notes.append(
            f"{path.name} does not say how a picture is prepared: it is given {how} (mean=, std=, or "
            f'{path.with_suffix(".json").name} beside it: {{"input": {{"mean": ..., "std": ...}}}}).'
        )
    return dataclasses.replace(reader, **given)


def _has_channels_last(shape: Sequence[int]) -> bool:
    """Return whether an input is (N, H, W, C): pictures of a net that was exported so are given as arrays."""
    return shape[3] in PICTURES and shape[1] not in PICTURES and shape[1] > shape[3]


def _sides_beside(beside: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return (H, W) from the JSON file beside the net; None if it does not say."""
    entry = beside.get("input")
    size = entry.get("size") if isinstance(entry, Mapping) else None
    if isinstance(size, list) and len(size) == 3 and size[1:] != ["any", "any"]:
        return as_size(tuple(size[1:]), '"size"')
    return None


def _ends_in_imagenet(findings: NetRead, names: Sequence[str]) -> bool:
    """Return whether a net that takes colour pictures has the thousand classes of ImageNet, as far as can be told."""
    last = findings.net[findings.outputs[0]]
    while not last.layer.params and last.inputs[0] in findings.net:
        last = findings.net[last.inputs[0]]
    weight = last.layer.params.get("weight")
    shapes = [entry.shape for entry in findings.inputs.values()]
    takes_colour = len(shapes) == 1 and len(shapes[0]) == 4 and shapes[0][1] == 3
    return not names and takes_colour and weight is not None and len(weight) == IMAGENET_CLASSES


def _report(path: Path, findings: NetRead) -> str:
    layers = Counter(node.layer.type_name for node in findings.net.nodes)
    return (
        f"Of {path.name} {findings.read.total()} operators were read ({_listed(findings.read.items())}); they are "
        f"{layers.total()} layers here ({_listed(layers.items())})."
    )


def _listed(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts)
