"""The layer whose maps stand for the whole net: by brute force over the paths, and by Zhou et al.'s class map."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from minitorch_viz import Model, Net
from minitorch_viz.graph import Node, ancestors, last_common_maps, on_every_path
from minitorch_viz.layers import (
    Add,
    AvgPool2d,
    BatchNorm2d,
    Concat,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    LeakyReLU,
    Linear,
    MaxPool2d,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from minitorch_viz.models.googlenet import Sizes, inception
from minitorch_viz.models.params import Params
from minitorch_viz.models.resnet18 import resnet18
from minitorch_viz.techniques.gradients.grad_cam import grad_cam

Specs = list[tuple]
POOLED = (1, 8, 1, 1)


def paths(nodes: tuple[Node, ...], inputs: tuple[str, ...], name: str) -> Iterator[tuple[str, ...]]:
    """Every path from an input to `name`, one after the other."""
    if name in inputs:
        yield (name,)
        return
    for source in next(node for node in nodes if node.name == name).inputs:
        for path in paths(nodes, inputs, source):
            yield (*path, name)


def by_brute_force(nodes: tuple[Node, ...], inputs: tuple[str, ...], name: str) -> tuple[str, ...]:
    every = [set(path) for path in paths(nodes, inputs, name)]
    common = set.intersection(*every) if every else set()
    return tuple(one for one in (*inputs, *(node.name for node in nodes)) if one in common)


def graph(text: str) -> tuple[Node, ...]:
    """ "a<x b<a c<a+b": nodes and what each reads."""
    pairs = (part.split("<") for part in text.split())
    return tuple(Node(name, Add(), tuple(sources.split("+"))) for name, sources in pairs)


GRAPHS = {  # a graph from x to the node "end", and the last node before it on every path
    "a chain": ("a<x b<a c<b end<c", "c"),
    "a residual block": ("a<x b<a c<b d<a+c e<d end<e", "e"),
    "a residual block, the end reads the sum": ("a<x b<a c<b end<a+c", "a"),
    "two residual blocks": ("a<x b<a c<a+b d<c e<c+d f<e end<f", "f"),
    "a dense block": ("a<x b<a c<a+b d<a+b+c e<a+b+c+d end<e", "e"),
    "a dense block without a join": ("a<x b<a c<a+b end<a+b+c", "a"),
    "an inception module": ("s<x a<s b<s c<b d<s e<d f<e j<a+c+f end<j", "j"),
    "two branches pooled apart": ("s<x a<s p<a b<s q<b end<p+q", "s"),
    "three branches pooled apart, two with a module": ("s<x a<s p<a b<s c<b d<b j<c+d q<j r<s end<p+q+r", "s"),
    "two towers from the input": ("a<x b<a c<x d<c end<b+d", "x"),
    "a skip over everything": ("a<x b<a c<b end<c+x", "x"),
    "a head beside, which does not count": ("a<x b<a h<a k<h c<b end<c", "c"),
    "blocks inside a branch": ("s<x a<s b<a c<a+b d<s j<c+d end<j", "j"),
    "crossing branches": ("s<x a<s b<s c<a+b d<a+b end<c+d", "s"),
    "the same node twice": ("a<x b<a+a end<b", "b"),
    "a pyramid": ("a<x b<a c<b u<c l<b m<u+l n<a v<m o<v+n end<o", "o"),
    "two inputs": ("a<x b<y c<a+b d<c end<d", "d"),
    "two inputs, joined at the end": ("a<x b<y end<a+b", None),
}


@pytest.mark.parametrize(("text", "expected"), GRAPHS.values(), ids=list(GRAPHS))
def test_what_is_on_every_path(text: str, expected: str | None) -> None:
    nodes, inputs = graph(text), ("x", "y") if "y" in text else ("x",)
    assert on_every_path(nodes, inputs, "end") == by_brute_force(nodes, inputs, "end")
    shapes = dict.fromkeys((*inputs, *(node.name for node in nodes)), (1, 3, 4, 4))
    assert last_common_maps(nodes, inputs, "end", shapes) == expected


def test_what_is_on_every_path_of_300_random_graphs(rng) -> None:
    for _ in range(300):
        inputs = ("x", "y")[: rng.integers(1, 3)]
        names, nodes = list(inputs), []
        for number in range(rng.integers(2, 11)):
            recent = names[-4:]
            sources = tuple(str(rng.choice(recent)) for _ in range(rng.integers(1, 4)))
            nodes.append(Node(f"n{number}", Add(), sources))
            names.append(nodes[-1].name)
        shapes = {name: [(1, 3, 4, 4), (1, 3, 1, 4), POOLED, (1, 8)][rng.integers(4)] for name in names}
        for name in names:
            expected = by_brute_force(tuple(nodes), inputs, name)
            assert on_every_path(nodes, inputs, name) == expected
            assert ancestors(nodes, name) == {one for path in paths(tuple(nodes), inputs, name) for one in path}
            maps = [one for one in expected[:-1] if len(shapes[one]) == 4 and shapes[one] != POOLED]
            assert last_common_maps(nodes, inputs, name, shapes) == (maps[-1] if maps else None)


# ------------------------------------------------------------------ nets with a mean and a linear layer


class Builder:
    """Small nets in float64, with trained-looking batch normalizations."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng, self.nodes = rng, []

    def add(self, layer, *reads: str) -> str:
        name = f"{type(layer).__name__.lower()}{len(self.nodes)}"
        self.nodes.append((name, layer, reads))
        return name

    def conv(
        self, reads: str, channels: int, out: int, kernel: int = 3, act=ReLU, norm: bool = True, **settings
    ) -> str:
        weight = self.rng.standard_normal((out, channels, kernel, kernel)) / np.sqrt(channels * kernel**2)
        name = self.add(Conv2d(weight, self.rng.standard_normal(out) / 4, padding=kernel // 2, **settings), reads)
        if norm:
            stats = [self.rng.uniform(0.5, 1.5, out) for _ in range(2)]
            shift = [self.rng.standard_normal(out) / 2 for _ in range(2)]
            name = self.add(BatchNorm2d(stats[0], shift[0], shift[1], stats[1]), name)
        return self.add(act(), name) if act else name

    def ended(self, name: str, channels: int, *middle) -> tuple[Net, str]:
        """The net with a mean and a linear layer after `name`, and `name`: what is left is the class activation map."""
        pooled = self.add(GlobalAvgPool2d(), name)
        for layer in middle:
            pooled = self.add(layer, pooled)
        self.add(
            Linear(self.rng.standard_normal((4, channels)), self.rng.standard_normal(4)), self.add(Flatten(), pooled)
        )
        return Net(self.nodes), name


def residual(b: Builder, act=ReLU, last: bool = True) -> tuple[Net, str]:
    name = b.conv("input", 3, 6, act=act)
    for _ in range(2):
        inner = b.conv(b.conv(name, 6, 6, act=act), 6, 6, act=None)
        name = b.add(Add(), name, inner)
        name = b.add(act(), name) if last else name
    return b.ended(name, 6)


def dense(b: Builder) -> tuple[Net, str]:
    parts, width = [b.conv("input", 3, 6)], 6
    for _ in range(3):
        parts.append(b.conv(b.add(Concat(), *parts), width, 4))
        width += 4
    return b.ended(b.add(ReLU(), b.add(Concat(), *parts)), width, Dropout(0.2))


def module(b: Builder) -> tuple[Net, str]:
    stem = b.add(MaxPool2d(2), b.conv("input", 3, 6))
    wide = b.conv(b.conv(stem, 6, 3, 1), 3, 5, 3)
    pooled = b.conv(b.add(MaxPool2d(3, 1, padding=1), stem), 6, 2, 1)
    return b.ended(b.add(Concat(), b.conv(stem, 6, 4, 1), wide, pooled), 11)


def pooled_apart(b: Builder) -> tuple[Net, str]:
    stem = b.conv("input", 3, 6)
    b.nodes += [("one", AvgPool2d(12), (stem,)), ("other", GlobalAvgPool2d(), (stem,))]
    head = Linear(b.rng.standard_normal((4, 12)), b.rng.standard_normal(4))
    b.nodes += [("both", Concat(), ("one", "other")), ("flat", Flatten(), ("both",)), ("fc", head, ("flat",))]
    return Net(b.nodes), stem


NETS = {
    "residual": residual,
    "residual, the last ReLU before the join": lambda b: residual(b, last=False),
    "residual, leaky": lambda b: residual(b, LeakyReLU),
    "residual, tanh": lambda b: residual(b, Tanh),
    "residual, sigmoid": lambda b: residual(b, Sigmoid),
    "dense": dense,
    "inception": module,
    "no activation at the end": lambda b: b.ended(b.conv(b.conv("input", 3, 6), 6, 6, act=None), 6),
    "one convolution": lambda b: b.ended(b.conv("input", 3, 6, act=None, norm=False), 6),
    "a pooling at the end": lambda b: b.ended(b.add(MaxPool2d(2), b.conv("input", 3, 6)), 6),
    "grouped": lambda b: b.ended(b.conv(b.conv("input", 3, 6), 3, 6, groups=2), 6),
    "pooled apart": pooled_apart,
}


@pytest.mark.parametrize("name", NETS)
def test_grad_cam_by_default_is_the_class_activation_map(name: str, rng) -> None:
    """Zhou et al. 2016: the linear layer's weights, applied to the maps at every place."""
    net, last = NETS[name](Builder(rng))
    model = Model.from_net(net, 12, scores="classes")
    assert model.last_conv == last
    photo = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
    maps = net.predict(model.preprocess(photo), upto=last)[0]
    weights = net[model.logits].layer.weight
    if name == "pooled apart":  # the same maps have two sets of weights, which add up
        weights = weights[:, :6] + weights[:, 6:]
    for target in range(4):
        result = grad_cam(model, photo, target=target)
        assert result.layer == last
        cam = np.tensordot(weights[target], maps, 1)
        assert np.corrcoef(result.signed[0].ravel(), cam.ravel())[0, 1] > 1 - 1e-9
        np.testing.assert_allclose(result.signed[0], cam / maps[0].size, atol=1e-12)


def trained_looking(net: Net, rng: np.random.Generator) -> Net:
    """Random scales, shifts and statistics in every batch normalization."""
    state = {name: value for name, value in net.state.items() if value.ndim == 1}
    return net.with_params(
        {name: rng.uniform(0.5, 1.5, len(value)).astype(value.dtype) for name, value in state.items()}
    )


def googlenet_like(p: Params) -> Net:
    sizes = Sizes(8, 4, 8, 4, 8, 8)
    nodes = [p.conv("stem", 3, 16, 7, stride=2, padding=3), ("relu", ReLU()), ("pool", MaxPool2d(3, 2, ceil_mode=True))]
    nodes += inception(p, "first", "pool", 16, sizes) + inception(p, "second", "first/output", 32, sizes)
    head = [("gap", GlobalAvgPool2d()), ("drop", Dropout(0.4)), ("flat", Flatten()), p.linear("fc", 32, 5)]
    # an auxiliary head, as in training, beside the way to the scores
    beside = [("aux/pool", AvgPool2d(4), ("first/output",)), ("aux/flat", Flatten()), p.linear("aux/fc", 32 * 49, 5)]
    return Net([*nodes, *beside, ("gap", GlobalAvgPool2d(), ("second/output",)), *head[1:], ("prob", Softmax())])


@pytest.mark.parametrize("folded", [False, True])
def test_resnet_18(rng, folded: bool) -> None:
    net = trained_looking(resnet18(classes=5, seed=1, fold=folded), rng)
    check_whole(net, "layer4.1", 128, rng)


def test_googlenet_with_an_auxiliary_head(rng) -> None:
    check_whole(googlenet_like(Params(seed=2)), "second/output", 112, rng)


def check_whole(net: Net, last: str, size: int, rng: np.random.Generator) -> None:
    model = Model.from_net(net, size)
    assert (model.last_conv, model.logits) == (last, "fc")
    photo = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
    maps = net.predict(model.preprocess(photo), upto=last)[0].astype(np.float64)
    for target in (0, 3):
        cam = np.tensordot(net["fc"].layer.weight[target].astype(np.float64), maps, 1)
        assert np.corrcoef(grad_cam(model, photo, target=target).signed[0].ravel(), cam.ravel())[0, 1] > 0.9999


def test_two_towers_have_only_the_picture_in_common(rng) -> None:
    b = Builder(rng)
    joined = b.add(Concat(), *(b.add(GlobalAvgPool2d(), b.conv("input", 3, 4)) for _ in range(2)))
    b.add(Linear(rng.standard_normal((3, 8))), b.add(Flatten(), joined))
    model = Model.from_net(Net(b.nodes), 12, scores="classes")
    assert model.last_conv == ""
    assert any("every path" in note for note in model.notes)
    photo = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
    assert grad_cam(model, photo).layer == "input"


def test_of_a_unit_behind_gates_the_maps_before_its_sum(rng) -> None:
    b = Builder(rng)
    first = b.conv("input", 3, 6)
    second = b.conv(first, 6, 6)
    conv = b.add(Conv2d(rng.standard_normal((6, 6, 1, 1))), b.add(Conv2d(rng.standard_normal((6, 6, 1, 1))), second))
    before = b.nodes[-2][0]
    net, _ = b.ended(conv, 6)
    model = Model.from_net(net, 12, scores="classes")
    photo = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
    assert grad_cam(model, photo, node=second).layer == first
    assert grad_cam(model, photo, node=conv).layer == before  # a convolution that reads a bare one reads its maps
    assert grad_cam(model, photo, node=first).layer == "input"
