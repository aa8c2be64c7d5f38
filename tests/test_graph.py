"""The questions about a graph, against brute force over all paths of random graphs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from minitorch_viz import Net
from minitorch_viz.graph import ancestors, between, channel_axis, dependents, needed, only_reader, readers
from minitorch_viz.layers import LSTM, Add, Conv1d, Conv2d, Flatten, LayerNorm, Linear, Permute, ReLU


def random_net(rng: np.random.Generator) -> Net:
    """Up to twelve nodes, each a sum of one to three of those before it, some twice; two inputs."""
    names = ["a", "b"]
    nodes = []
    for k in range(int(rng.integers(1, 13))):
        sources = rng.choice(names, int(rng.integers(1, 4))).tolist()
        nodes.append((f"n{k}", Add(), sources))
        names.append(f"n{k}")
    return Net(nodes, inputs=("a", "b"))


def reaches(net: Net) -> dict[str, set[str]]:
    """{name: the names that it depends on, itself among them}, by the definition."""
    below: dict[str, set[str]] = {name: {name} for name in net.inputs}
    for node in net.nodes:
        below[node.name] = {node.name}.union(*(below[name] for name in node.inputs))
    return below


@pytest.mark.parametrize("seed", range(25))
def test_against_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    net = random_net(rng)
    below, order = reaches(net), [node.name for node in net.nodes]
    names = [*net.inputs, *order]
    picked = [set(rng.choice(names, int(rng.integers(1, 4))).tolist()) for _ in range(6)]
    for starts, goals in itertools.product(picked, picked):
        depend = {name for name in names if starts & below[name]}
        need = set().union(*(below[name] for name in goals))
        assert [node.name for node in needed(net.nodes, goals)] == [name for name in order if name in need]
        strictly = {node.name for node in net.nodes if any(name in depend for name in node.inputs)}
        assert [node.name for node in dependents(net.nodes, starts)] == [name for name in order if name in strictly]
        way = {
            node.name
            for node in net.nodes
            if node.name not in starts and node.name in depend and on_a_way(net, node.name, starts, goals)
        }
        assert [node.name for node in between(net.nodes, starts, goals)] == [name for name in order if name in way]
    for name in names:
        assert ancestors(net.nodes, name) == below[name]
        reading = [node.name for node in net.nodes for source in node.inputs if source == name]
        assert [node.name for node in readers(net.nodes).get(name, [])] == reading
        reader = only_reader(net.nodes, name)
        assert (reader.name if reader else None) == (reading[0] if len(reading) == 1 else None)


def on_a_way(net: Net, name: str, starts: set[str], goals: set[str]) -> bool:
    """Whether a path leads from `name` up to a goal without passing a start."""
    if name in goals:
        return True
    return any(
        on_a_way(net, node.name, starts, goals) for node in net.nodes if name in node.inputs and node.name not in starts
    )


def test_what_is_known_already_is_not_needed_again() -> None:
    net = Net([("a", ReLU()), ("b", ReLU()), ("sum", Add(), ("a", "b")), ("top", ReLU())])
    assert [node.name for node in needed(net.nodes, ["top"], computed={"a"})] == ["b", "sum", "top"]
    assert [node.name for node in needed(net.nodes, ["top"], computed={"sum"})] == ["top"]
    assert needed(net.nodes, ["top"], computed={"top"}) == []
    assert needed(net.nodes, ["input"]) == []


def test_a_node_that_reads_twice_is_no_only_reader() -> None:
    net = Net([("a", ReLU()), ("twice", Add(), ("a", "a"))])
    assert only_reader(net.nodes, "a") is None
    assert only_reader(net.nodes, "input") == net["a"]


RNG = np.random.default_rng(0)
CONV, FILTERS, LINEAR = Conv2d.random(RNG, 3, 4, 3), Conv1d.random(RNG, 3, 4, 3), Linear.random(RNG, 4, 4)
OF_STEPS, OF_MAPS = LayerNorm((4,)), LayerNorm((4, 8, 8))
LAST, FIRST = Permute((0, 2, 3, 1)), Permute((0, 3, 1, 2))


@pytest.mark.parametrize(
    ("layers", "axes"),  # of the input, then of each layer's output
    [
        ([CONV, ReLU()], [1, 1, 1]),
        ([FILTERS, ReLU()], [1, 1, 1]),
        ([LSTM.random(RNG, 3, 4), ReLU()], [-1, -1, -1]),
        ([Flatten(), LINEAR], [1, 1, -1]),  # of (N, D) axis 1 is the last
        ([CONV, LAST, OF_STEPS, LINEAR, FIRST], [1, 1, 3, -1, -1, 1]),  # as in ConvNeXt
        ([CONV, OF_MAPS, ReLU()], [1, 1, 1, 1]),
        ([OF_STEPS, ReLU()], [-1, -1, -1]),
        ([FILTERS, Permute((0, 2, 1)), ReLU()], [1, 1, 2, 2]),
    ],
    ids=lambda value: ", ".join(layer.type_name for layer in value) if hasattr(value[0], "type_name") else "",
)
def test_where_the_channels_are(layers, axes) -> None:
    net = Net([(f"layer{i}", layer) for i, layer in enumerate(layers)])
    assert [channel_axis(net.nodes, name) for name in net.names] == axes


def test_channels_where_paths_meet_are_those_of_the_first() -> None:
    net = Net([("steps", LSTM.random(RNG, 3, 3)), ("sum", Add(), ("steps", "input"))])
    assert channel_axis(net.nodes, "sum") == -1
