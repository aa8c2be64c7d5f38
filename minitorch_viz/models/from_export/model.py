"""A .pt2 file as a Model: how its inputs are read, and what was mapped."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz.errors import MinitorchVizError, WeightsFileError
from minitorch_viz.models.from_export.archive import read_archive
from minitorch_viz.models.from_export.graph import Graph, net_of
from minitorch_viz.models.model import Model
from minitorch_viz.models.readers import Numbers
from minitorch_viz.models.told import Told

UNREADABLE = (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError, RecursionError)


def read_exported(path: Path, told: Told, dtype: np.dtype[Any] | None = None) -> Model:
    """Return the model of a file that torch.export.save wrote.

    Raises WeightsFileError if the file is damaged, NetError for an operator that has no layer here.
    """
    try:
        graph = net_of(read_archive(path))
    except MinitorchVizError as error:
        raise type(error)(str(error) if str(path) in str(error) else f"{path}: {error}") from error
    except UNREADABLE as error:
        raise WeightsFileError(
            f"{path}: its graph makes no sense ({type(error).__name__}: {error!s:.80}); is it damaged?"
        ) from error
    net = graph.net if dtype is None else graph.net.astype(dtype)
    shapes = list(graph.shapes.items())
    size: Any = None
    readers: Any = None
    if len(shapes) == 1 and len(shapes[0][1]) == 3 and shapes[0][1][0] in (1, 3):
        size = shapes[0][1][1:]
    else:
        readers = {name: Numbers(shape, whole=name in graph.whole) for name, shape in shapes}
    settings = told.preparation if size is not None else {}
    names = told.class_names
    model = Model.from_net(
        net, size, readers=readers, class_names=names, scores=told.scores, name=path.stem, **settings
    )
    notes = _notes(graph, path, prepared=bool(settings) or size is None)
    return dataclasses.replace(model, source=str(path), notes=(*notes, *model.notes))


def _notes(graph: Graph, path: Path, prepared: bool) -> list[str]:
    counts = Counter(node.layer.type_name for node in graph.net.nodes)
    layers = ", ".join(f"{count} {name}" for name, count in counts.items())
    notes = [f"Of {path.name} {graph.operators} operators were read; they are {counts.total()} layers here ({layers})."]
    if not prepared:
        notes.append(
            f"{path.name} does not say how a picture is prepared: it is given as numbers from 0 to 1 (mean=, std=)."
        )
    if graph.others:
        notes.append(f"The module gives {graph.others + 1} results; this is the first.")
    return notes
