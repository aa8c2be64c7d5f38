"""A net as a teacher draws it: boxes one below the other, branches side by side, and what repeats drawn once.

A box is a layer that computes something and the gates, scales and reshapings behind it. Between two nodes that every
path runs through, paths that lie side by side are a fork; it ends in the node that joins them. Series of steps that
follow each other unchanged are one series and a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from minitorch_viz.graph import Node, on_every_path
from minitorch_viz.layers import Kind
from minitorch_viz.models.describe import Row, describe

if TYPE_CHECKING:
    from minitorch_viz.layers import Layer
    from minitorch_viz.models.model import Model

JOINS = {"Add": "+", "Mul": "×", "Concat": "concatenate"}
SHORT = {"MaxPool2d": "max pool", "AvgPool2d": "mean pool", "GlobalAvgPool2d": "mean of each map"}
SHORT |= {"BatchNorm2d": "batch norm", "BatchNorm1d": "batch norm", "LayerNorm": "layer norm"}
SHORT |= {
    "AdaptiveAvgPool2d": "mean pool",
    "AdaptiveMaxPool2d": "max pool",
    "LocalResponseNorm": "local norm",
    "MultiheadAttention": "attention",
}
ARROW = " → "  # between layers that are one box
LONGEST = 8  # steps of a series that is looked for again behind itself


@dataclass(frozen=True)
class Box:
    """Stand for a layer and the gates behind it, or for several layers in a row that are drawn as one."""

    words: str  # "3 x 3, 64"
    rows: tuple[Row, ...]
    behind: tuple[str, ...] = ()  # "batch norm", "ReLU"
    pools: bool = False  # it makes maps smaller without weights


@dataclass(frozen=True)
class Fork:
    """Stand for paths side by side; an empty one is a shortcut."""

    branches: tuple[tuple[Step, ...], ...]
    join: str  # "+"
    rows: tuple[Row, ...]  # of the node that joins them, and of the gates behind it
    behind: tuple[str, ...] = ()


@dataclass(frozen=True)
class Repeat:
    """Stand for a series of steps that comes several times in a row."""

    steps: tuple[Step, ...]  # of its last time, with the parameters of all
    times: int
    names: tuple[str, str]  # its last node, the first time and the last


Step: TypeAlias = Box | Fork | Repeat


def steps_of(model: Model) -> list[Step]:
    """Return the steps from the first input to the output, one after another; nodes off all paths are left out."""
    rows = {row.node: row for row in describe(model).rows}
    net = model.net
    goal = net.output
    start = on_every_path(net.nodes, net.inputs, goal)
    begin = start[0] if start else ""
    if begin in net.inputs:
        return list(_series(net.nodes, begin, goal, rows))
    # several inputs: what each goes through before they meet is a branch
    inputs = [Node(name, _Start(), (_ALL,)) for name in net.inputs]  # type: ignore[arg-type]  # no layer is run
    return list(_series([*inputs, *net.nodes], _ALL, goal, rows))


_ALL = "*"


class _Start:
    """Stand in the place of an input's layer."""

    kind = Kind.OPAQUE
    type_name = "input"


def _series(nodes: Sequence[Node], begin: str, goal: str, rows: dict[str, Row]) -> Iterator[Step]:
    """Yield the steps after `begin` as far as `goal`."""
    by_name = {node.name: node for node in nodes}
    stations = on_every_path(nodes, [begin], goal)
    newest: Step | None = None
    for before, name in pairwise(stations):
        node = by_name[name]
        reached = _after(nodes, before)
        sources = [source for source in node.inputs if source == before or source in reached]
        if len(set(sources)) == 1 and sources[0] == before:
            if newest is not None and not isinstance(newest, Repeat) and _is_behind(node, newest):
                newest = replace(newest, rows=(*newest.rows, rows[name]), behind=(*newest.behind, _short(node)))
                continue
            step: Step = Box(_short(node, rows[name]), (rows[name],), pools="pool" in node.layer.type_name.lower())
        else:
            branches = tuple(
                tuple(_series(nodes, before, source, rows)) if source != before else () for source in sources
            )
            step = Fork(branches, JOINS.get(node.layer.type_name, node.layer.type_name), (rows[name],))
        if newest is not None:
            yield newest
        newest = step
    if newest is not None:
        yield newest


def _after(nodes: Sequence[Node], begin: str) -> set[str]:
    """Return the nodes that depend on `begin`."""
    reached = {begin}
    for node in nodes:
        if reached.intersection(node.inputs):
            reached.add(node.name)
    return reached - {begin}


def _is_behind(node: Node, step: Step) -> bool:
    """Return whether a node is drawn with the step before it: it changes each value by itself, or only their order."""
    layer = node.layer
    if "pool" in layer.type_name.lower() or "Upsample" in layer.type_name:
        return False
    return layer.kind is Kind.GATES or (layer.kind in (Kind.SCALES, Kind.SELECTS) and isinstance(step, Box))


def _short(node: Node, row: Row | None = None) -> str:
    """Say a layer in very few words: "3 x 3, 64, stride 2"."""
    layer: Layer = node.layer
    name = layer.type_name
    if isinstance(layer, _Start):
        return node.name
    sides = getattr(getattr(layer, "weight", None), "shape", ())[2:]
    words = " x ".join(map(str, sides)) if sides and name.startswith("Conv") else SHORT.get(name, name)
    kernel = getattr(layer, "kernel", None)
    if "Pool" in name and kernel:
        words += " " + (" x ".join(map(str, kernel)) if isinstance(kernel, tuple) else f"{kernel} x {kernel}")
    if row is not None and row.shape and (name.startswith("Conv") or name in ("Linear", "Embedding")):
        words += f", {row.shape[0] if name.startswith('Conv') else row.shape[-1]}"
    stride = getattr(layer, "stride", 1) or 1
    strides = stride if isinstance(stride, tuple) else (stride,)
    if max(strides) > 1:
        words += f", stride {' x '.join(map(str, dict.fromkeys(strides)))}"
    groups = getattr(layer, "groups", 1)
    if groups > 1:
        is_alone = row is not None and row.shape is not None and groups == row.shape[0]
        words += ", each map alone" if is_alone else f", {groups} groups"
    heads = getattr(layer, "num_heads", 0)
    return words + (f", {heads} heads" if heads else "")


def folded(steps: Sequence[Step]) -> list[Step]:
    """Return the steps with what repeats drawn once, a series of at most 8."""
    result: list[Step] = []
    place = 0
    while place < len(steps):
        best, times = 1, 1
        for size in range(1, min(LONGEST, (len(steps) - place) // 2) + 1):
            count = 1
            while [*map(_kind, steps[place : place + size])] == [
                *map(_kind, steps[place + count * size : place + (count + 1) * size])
            ]:
                count += 1
            if count > 1 and count * size > best * times:
                best, times = size, count
        if times == 1:
            result.append(steps[place])
        else:
            groups = [steps[place + number * best : place + (number + 1) * best] for number in range(times)]
            summed = tuple(_summed(alike) for alike in zip(*groups, strict=True))
            result.append(Repeat(summed, times, (_name(groups[0]), _name(groups[-1]))))
        place += best * times
    return result


def _name(steps: Sequence[Step]) -> str:
    last = steps[-1]
    return _name(last.steps) if isinstance(last, Repeat) else last.rows[0].node


def _kind(step: Step) -> object:
    """Return what must be the same for steps to be drawn as one."""
    if isinstance(step, Repeat):
        return (step.times, *map(_kind, step.steps))
    if isinstance(step, Fork):
        return (step.join, step.behind, *(tuple(map(_kind, branch)) for branch in step.branches))
    return (step.words, step.behind)


def _summed(alike: Sequence[Step]) -> Step:
    """Return the last of several steps of one kind, with the parameters of all."""
    last = alike[-1]
    if isinstance(last, Repeat):
        groups = zip(*(step.steps for step in alike), strict=True)  # type: ignore[union-attr]  # all are of one kind
        return replace(last, steps=tuple(map(_summed, groups)))
    rows = zip(*(step.rows for step in alike), strict=True)  # type: ignore[union-attr]  # as above
    summed = tuple(replace(each[-1], parameters=sum(row.parameters for row in each)) for each in rows)
    if isinstance(last, Box):
        return replace(last, rows=summed)
    paths = zip(*(step.branches for step in alike), strict=True)  # type: ignore[union-attr]  # as above
    branches = tuple(tuple(map(_summed, zip(*path, strict=True))) for path in paths)
    return replace(last, rows=summed, branches=branches)


def compact(steps: Sequence[Step]) -> list[Step]:
    """Return the steps with each branch as one box, and layers of one module in a row as one."""
    result: list[Step] = []
    for step in steps:
        if isinstance(step, Fork):
            branches = tuple((merged(branch),) if branch else () for branch in step.branches)
            result.append(replace(step, branches=branches))
        elif (
            isinstance(step, Box)
            and result
            and isinstance(result[-1], Box)
            and module_of(step) == module_of(result[-1]) != ""
        ):
            result[-1] = merged([result[-1], step])
        else:
            result.append(step)
    return result


def module_of(box: Box) -> str:
    """Return the module that a box's layers lie in, two names up: "features.2" of "features.2.conv.0"."""
    return ".".join(box.rows[0].node.split(".")[:2]) if box.rows[0].node.count(".") > 1 else ""


def merged(steps: Sequence[Step]) -> Box:
    """Return a series as one box, with the layers' words and all rows."""
    if len(steps) == 1 and isinstance(steps[0], Box):
        return steps[0]
    return Box(ARROW.join(_words(steps)), tuple(rows_of(steps)))


def _words(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        if isinstance(step, Repeat):
            yield f"{step.times} times ({ARROW.join(_words(step.steps))})"
        elif isinstance(step, Fork):
            inner = [ARROW.join(_words(branch)) for branch in step.branches if branch]
            yield " | ".join(inner) if step.join == JOINS["Concat"] else f"{step.join} ({' | '.join(inner)})"
        else:
            yield step.words.split(",")[0].removesuffix(" of each map")


def rows_of(steps: Sequence[Step]) -> Iterator[Row]:
    """Yield the rows of all layers in a series."""
    for step in steps:
        if isinstance(step, Repeat):
            yield from rows_of(step.steps)
            continue
        if isinstance(step, Fork):
            for branch in step.branches:
                yield from rows_of(branch)
        yield from step.rows
