"""Rules see whole maps, unless they are marked `@local`; then a part of the map gives the same numbers."""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minitorch_viz.rules as rules_package
from minitorch_viz import Net
from minitorch_viz.graph import Rules, Tape
from minitorch_viz.layers import Conv2d, Layer, Linear, MaxPool2d, ReLU
from minitorch_viz.rules import (
    alpha_beta,
    composite,
    deconvnet,
    epsilon,
    excitation_rules,
    gamma,
    guided,
    inhibit,
    is_local,
    local,
    lrp_rules,
    normal,
    path_magnitudes,
    positive_paths,
    z_box,
)
from minitorch_viz.rules.relu import guided_smooth
from minitorch_viz.rules.shares import as_gradient, in_place_of, pass_on
from tests.map_nets import MAP_NETS
from tests.rules.share_nets import matrix, share_net

# Each rule of ours that is marked, by the name of its function in the source, in a preset for a net and its tape.
MARKED: dict[str, Callable[[Net, Tape], Rules]] = {
    "relu.normal": lambda net, tape: {ReLU: normal},
    "relu.deconvnet": lambda net, tape: {ReLU: deconvnet},
    "relu.guided": lambda net, tape: {ReLU: guided},
    "relu.guided_smooth": lambda net, tape: {ReLU: guided_smooth},
    "paths.positive_paths": lambda net, tape: {Layer: positive_paths},
    "paths.path_magnitudes": lambda net, tape: {Layer: path_magnitudes},
    "lrp.epsilon": lambda net, tape: lrp_rules(net, tape, epsilon(0.1)),
    "lrp.gamma": lambda net, tape: lrp_rules(net, tape, gamma()),
    "lrp.alpha_beta": lambda net, tape: lrp_rules(net, tape, alpha_beta(2)),
    "lrp.z_box": lambda net, tape: composite(net, tape, -0.5, np.full((2, 1, 1), 3.0)),
    "excitation.excite": lambda net, tape: excitation_rules(net, tape),
    "excitation.inhibit": lambda net, tape: {**excitation_rules(net, tape), "conv1": inhibit},
    "shares.pass_on": lambda net, tape: {ReLU: pass_on},
    "shares.as_gradient": lambda net, tape: {MaxPool2d: as_gradient, Conv2d: as_gradient},
    "shares.in_place_of": lambda net, tape: {
        node.name: in_place_of(epsilon(0.1), node.layer) for node in net.nodes if isinstance(node.layer, Conv2d)
    },
}
TOPS = {"plain": ("conv2", "conv3"), "fires": ("relu2", "last"), "residual": ("relu1", "conv2"), "decoder": ("conv2",)}


def units(maps: np.ndarray) -> np.ndarray:
    """Seeds in two corners, at two borders and in the middle."""
    high, wide = maps.shape[2:]
    places = [(0, 0), (high - 1, wide - 1), (0, wide // 2), (high // 2, wide - 1), (high // 2, wide // 2)]
    seeds = np.zeros((len(places), *maps.shape[1:]))
    for seed, (row, column) in zip(seeds, places, strict=True):
        seed[0, row, column], seed[-1, row, column] = 1.5, 0.5
    return seeds


@pytest.mark.parametrize("name", MAP_NETS)
@pytest.mark.parametrize("rule", MARKED)
def test_a_marked_rule_gives_on_parts_what_it_gives_on_whole_maps(rule: str, name: str, rng) -> None:
    net, x, _ = share_net(name, rng)
    tape = net.forward(x)
    rules = MARKED[rule](net, tape)
    for top in TOPS[name]:
        for seeds in (units(tape[top]), *units(tape[top])[:, None]):  # five places in one pass, and each alone
            part, whole = (net.backward(tape, {top: seeds}, rules=rules, crop=crop)["input"] for crop in (True, False))
            np.testing.assert_allclose(part, whole, rtol=1e-10, atol=1e-11 * max(np.abs(whole).max(), 1e-12))


def test_the_list_holds_every_rule_that_is_marked_in_the_source() -> None:
    marked = set()
    for path in Path(rules_package.__file__).parent.glob("*.py"):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(function, ast.FunctionDef) and any(
                isinstance(part, ast.Name) and part.id == "local" for part in ast.walk(function)
            ):
                marked.add(f"{path.stem}.{function.name}")
    assert marked == set(MARKED)


def stack(rng: np.random.Generator) -> tuple[Net, Tape]:
    conv = lambda i, o: Conv2d(rng.standard_normal((o, i, 3, 3)), rng.standard_normal(o), padding=1)
    net = Net([("conv1", conv(2, 3)), ("relu1", ReLU()), ("conv2", conv(3, 2)), ("relu2", ReLU())])
    return net, net.forward(rng.standard_normal((1, 2, 11, 13)))


def through_matrices(net: Net, tape: Tape, seed: np.ndarray, at: Mapping[str, Callable[[np.ndarray], Any]]) -> Any:
    """The pass with explicit Jacobians of whole maps, and a function of the whole gradient at some nodes."""
    dy = seed
    for node in reversed(net.nodes):
        dy = at[node.name](dy) if node.name in at else dy
        jacobian = matrix(node.layer, (tape[node.name].shape[1:], tape.saved[node.name]))
        dy = (dy.reshape(len(dy), -1) @ jacobian).reshape(-1, *tape[node.inputs[0]].shape[1:])
    return dy


def mean_taken_out(dy: np.ndarray) -> np.ndarray:
    return dy - dy.mean(axis=(2, 3), keepdims=True)


# What a map's other pixels have a say in, or what makes something of nothing: right on whole maps only.
WHOLE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": mean_taken_out,
    "mean of all channels": lambda dy: dy - dy.mean(axis=(1, 2, 3), keepdims=True),
    "a constant": lambda dy: dy + 0.25,
    "standard deviation": lambda dy: dy / (1e-3 + dy.std(axis=(2, 3), keepdims=True)),
    "the middle of the map": lambda dy: dy * np.hypot(*np.meshgrid(*(np.linspace(-1, 1, n) for n in dy.shape[2:]))).T,
    "turned around": lambda dy: dy[:, :, ::-1, ::-1].copy(),
    "median": lambda dy: dy - 2 * np.quantile(np.abs(dy), 0.9, axis=(2, 3), keepdims=True),
}


@pytest.mark.parametrize("key", ["relu1", "relu2", "conv2"])
@pytest.mark.parametrize("kind", WHOLE)
def test_an_unmarked_rule_sees_whole_maps_though_the_seed_is_one_unit(kind: str, key: str, rng) -> None:
    """The same pass without a word about crops: before there was a mark, the first of these was off by 100 %."""
    net, tape = stack(rng)
    change = WHOLE[kind]
    rule = lambda layer, dy, saved: layer.backward(change(dy), saved)
    for seed in units(tape["relu2"])[:, None]:
        ours = net.backward(tape, {"relu2": seed}, rules={key: rule})["input"]
        expected = through_matrices(net, tape, seed, {key: change})
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-11 * np.abs(expected).max())


def test_only_the_part_below_an_unmarked_rule_is_whole(rng) -> None:
    net, tape = stack(rng)
    sizes = {}

    def spy(name: str, layer, dy, saved):
        sizes[name] = dy.shape[2:]
        return layer.backward(dy, saved)

    marked = {name: partial(local(partial(spy, name))) for name in ("relu2", "conv2", "conv1")}
    net.backward(tape, {"relu2": units(tape["relu2"])[4:]}, rules=marked | {"relu1": partial(spy, "relu1")})
    assert sizes == {"relu2": (1, 1), "conv2": (3, 3), "relu1": (11, 13), "conv1": (11, 13)}


def test_wrappers_keep_the_mark() -> None:
    def plain(layer, dy, saved):
        return layer.backward(dy, saved)

    assert is_local(partial(partial(guided, ReLU()), saved=None))
    assert is_local(in_place_of(guided, ReLU()))
    assert is_local(local(partial(plain)))
    for rule in (
        plain,
        partial(plain, ReLU()),
        in_place_of(plain, ReLU()),
        epsilon().of_sum([np.ones((1, 2))]),
        Linear.backward,
    ):
        assert not is_local(rule)


def test_what_only_looks_like_a_marked_rule_sees_whole_maps(rng) -> None:
    """Wrapped, copied or inherited from one: each may do more than it, so each needs a mark of its own."""

    @functools.wraps(normal)
    def centred(layer, dy, saved):
        return normal(layer, mean_taken_out(dy), saved)

    class Rule:
        def __call__(self, layer, dy, saved):
            return layer.backward(dy, saved)

    class Centred(Rule):
        def __call__(self, layer, dy, saved):
            return layer.backward(mean_taken_out(dy), saved)

    copied = local(Rule())
    assert is_local(copied)
    changed = copy.copy(copied)
    changed.__class__ = Centred
    as_method = functools.update_wrapper(partial(lambda rule, *call: rule(*call), Centred()), copied)
    net, tape = stack(rng)
    seed = units(tape["relu2"])[4:]
    expected = through_matrices(net, tape, seed, {"relu1": mean_taken_out})
    for rule in (centred, partial(centred), changed, as_method, in_place_of(centred, net["relu1"].layer)):
        assert not is_local(rule)
        ours = net.backward(tape, {"relu2": seed}, rules={"relu1": rule})["input"]
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-11 * np.abs(expected).max())


def test_a_box_that_differs_from_pixel_to_pixel_is_not_local() -> None:
    assert is_local(z_box(-1, np.ones((3, 1, 1))))
    assert not is_local(z_box(np.zeros((3, 8, 8)), 1.0))
