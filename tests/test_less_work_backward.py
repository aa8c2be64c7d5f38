"""Backward passes of boxes against backward passes of whole maps: the same numbers, from less work."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import Net, relu_mode
from minitorch_viz.errors import SettingError
from minitorch_viz.layers import Conv2d, MaxPool2d, ReLU
from minitorch_viz.rules import local
from tests.map_nets import MAP_NETS


@pytest.fixture(params=MAP_NETS)
def case(request, rng):
    """A net and the tape of one image."""
    net = MAP_NETS[request.param].build(rng)
    return net, net.forward(rng.standard_normal((1, 2, *MAP_NETS[request.param].size)))


def units(tape, node: str, places) -> np.ndarray:
    """One seed for each place (row, column): two channels of a unit there."""
    seeds = np.zeros((len(places), *tape[node].shape[1:]))
    for seed, (row, column) in zip(seeds, places, strict=True):
        seed[0, row, column], seed[-1, row, column] = 1.5, -0.5
    return seeds


def places_in(tape, node: str) -> list[tuple[int, int]]:
    high, wide = tape[node].shape[2:]
    return [(0, 0), (high - 1, wide - 1), (high // 2, wide // 2), (0, wide // 3), (high - 1, 0)]


def maps_of(tape) -> list[str]:
    return [name for name in tape.saved if tape[name].ndim == 4]


def assert_same(net: Net, tape, seeds, rtol: float = 1e-10, **settings) -> None:
    part, whole = (net.backward(tape, seeds, crop=crop, **settings) for crop in (True, False))
    assert part.keys() == whole.keys()
    for name in whole:
        assert part[name].shape == whole[name].shape
        assert part[name].dtype == whole[name].dtype
        np.testing.assert_allclose(part[name], whole[name], rtol=rtol, atol=rtol * np.abs(whole[name]).max())


def test_one_unit_of_every_node(case) -> None:
    net, tape = case
    for node in maps_of(tape):
        for place in places_in(tape, node):
            assert_same(net, tape, {node: units(tape, node, [place])})


def test_units_at_several_places_are_one_pass(case) -> None:
    net, tape = case
    for node in maps_of(tape):
        assert_same(net, tape, {node: units(tape, node, places_in(tape, node))})


def test_inner_nodes_and_several_seeds(case) -> None:
    net, tape = case
    first, *_, last = maps_of(tape)
    middle = maps_of(tape)[len(maps_of(tape)) // 2]
    seeds = {node: units(tape, node, places_in(tape, node)) for node in (last, middle)}
    assert_same(net, tape, seeds, wrt=("input", first))


@pytest.mark.parametrize("mode", ["normal", "deconvnet", "guided"])
def test_relu_modes(case, mode: str) -> None:
    net, tape = case
    for node in maps_of(tape)[2:]:
        assert_same(net, tape, {node: units(tape, node, places_in(tape, node)[:3])}, rules=relu_mode(mode))


def test_a_rule_that_runs_the_layer_on_what_it_saved(case) -> None:
    """The epsilon rule of layer-wise relevance propagation: it knows nothing of crops."""
    net, tape = case

    @local
    def epsilon(layer: Conv2d, dy: np.ndarray, saved: Conv2d.Saved) -> np.ndarray:
        z = layer.forward(saved.x)[0]
        return saved.x * layer.backward(dy / (z + np.where(z >= 0, 0.1, -0.1)), saved)

    for node in maps_of(tape):
        assert_same(net, tape, {node: units(tape, node, places_in(tape, node))}, rules={Conv2d: epsilon})


def test_only_the_box_is_computed(rng: np.random.Generator) -> None:
    """A unit after two 3x3 convolutions and a pooling: what each layer is given grows as the windows do."""
    conv = lambda i, o: Conv2d(rng.standard_normal((o, i, 3, 3)), padding=1)
    net = Net([("conv1", conv(1, 2)), ("pool", MaxPool2d(2)), ("conv2", conv(2, 2)), ("conv3", conv(2, 2))])
    tape = net.forward(rng.standard_normal((1, 1, 64, 64)))
    given = {}

    @local
    def spy(layer, dy, saved):
        given[layer] = dy.shape[2:]
        return layer.backward(dy, saved)

    net.backward(tape, {"conv3": units(tape, "conv3", [(10, 12)])}, rules={Conv2d: spy, MaxPool2d: spy})
    assert [given[node.layer] for node in net.nodes] == [(12, 12), (5, 5), (5, 5), (3, 3)]


def test_a_training_tape(rng: np.random.Generator) -> None:
    """Batch statistics tie all pixels together, dropout does not: both come out right."""
    for name in ("residual", "fires"):
        net = MAP_NETS[name].build(rng)
        tape = net.forward(rng.standard_normal((1, 2, *MAP_NETS[name].size)), rng=np.random.default_rng(4))
        for node in maps_of(tape):
            assert_same(net, tape, {node: units(tape, node, places_in(tape, node))}, rtol=1e-9)


def test_a_tape_of_several_images(rng: np.random.Generator) -> None:
    net = MAP_NETS["fires"].build(rng)
    tape = net.forward(rng.standard_normal((5, 2, *MAP_NETS["fires"].size)))
    for node in maps_of(tape):
        assert_same(net, tape, {node: units(tape, node, places_in(tape, node))})


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 100])
def test_chunks_of_seeds(case, chunk: int) -> None:
    """K seeds a few at a time: as all at once, for boxes, whole maps and inner nodes."""
    net, tape = case
    for node in (maps_of(tape)[2], net.output):
        seeds = {node: np.random.default_rng(1).standard_normal((5, *tape[node].shape[1:]))}
        if node != net.output:
            seeds[node] *= units(tape, node, places_in(tape, node)) != 0
        whole = net.backward(tape, seeds, wrt=("conv1", "input"), chunk=5)
        parts = net.backward(tape, seeds, wrt=("conv1", "input"), chunk=chunk)
        assert list(parts) == ["conv1", "input"]
        for name, expected in whole.items():
            np.testing.assert_allclose(parts[name], expected, rtol=1e-10, atol=1e-12)


def test_chunks_are_made_where_maps_are_large(rng: np.random.Generator, monkeypatch) -> None:
    net = MAP_NETS["plain"].build(rng)
    tape = net.forward(rng.standard_normal((1, 2, *MAP_NETS["plain"].size)))
    seeds = {"fc": np.tile(np.eye(5), (2, 1))}
    batches = []
    rule = lambda layer, dy, saved: (batches.append(len(dy)), layer.backward(dy, saved))[1]
    expected = net.backward(tape, seeds, rules={"conv1": rule})["input"]
    monkeypatch.setattr(
        "minitorch_viz.less_work.backward.CHUNK_BYTES", 4 * max(value.nbytes for value in tape.values.values())
    )
    np.testing.assert_allclose(net.backward(tape, seeds, rules={"conv1": rule})["input"], expected, rtol=1e-12)
    images = net.forward(rng.standard_normal((10, 2, *MAP_NETS["plain"].size)))
    net.backward(images, seeds, rules={"conv1": rule}, chunk=2)  # a seed for each image: never apart from it
    assert batches == [10, 4, 4, 2, 10]


@pytest.mark.parametrize("chunk", [0, -1, 1.5, "all", True])
def test_a_bad_chunk_is_told_in_a_sentence(case, chunk) -> None:
    net, tape = case
    with pytest.raises(SettingError, match="chunk must be a whole number of at least 1"):
        net.backward(tape, {"conv1": tape["conv1"]}, chunk=chunk)


def test_float32(rng: np.random.Generator) -> None:
    net = MAP_NETS["plain"].build(rng).astype(np.float32)
    tape = net.forward(rng.standard_normal((1, 2, *MAP_NETS["plain"].size)).astype(np.float32))
    assert_same(net, tape, {"conv3": units(tape, "conv3", places_in(tape, "conv3"))}, rtol=1e-4)


def test_no_signal_is_no_signal(case) -> None:
    net, tape = case
    node = maps_of(tape)[-1]
    seed = np.zeros_like(tape[node])
    found = net.backward(tape, {node: seed})["input"]
    assert found.shape == tape["input"].shape
    assert not found.any()
    assert net.backward(tape, {node: seed[:0]})["input"].shape == (0, *tape["input"].shape[1:])


def test_nan_is_seen(case) -> None:
    net, tape = case
    seed = np.zeros_like(tape["conv1"])
    seed[0, 1, 3, 3] = np.nan
    assert np.isnan(net.backward(tape, {"conv1": seed})["input"]).any()


def test_seeds_and_tape_stay_as_they_are(case) -> None:
    net, tape = case
    node = maps_of(tape)[-1]
    seed = units(tape, node, places_in(tape, node)[:1])
    for array in (seed, *tape.values.values()):
        array.setflags(write=False)
    first = net.backward(tape, {node: seed}, wrt=("input", node))
    np.testing.assert_array_equal(first[node], seed)
    np.testing.assert_array_equal(net.backward(tape, {node: seed})["input"], first["input"])


def test_a_rule_for_whole_maps_says_crop_false(rng: np.random.Generator) -> None:
    net = MAP_NETS["plain"].build(rng)
    tape = net.forward(rng.standard_normal((1, 2, *MAP_NETS["plain"].size)))
    sizes = []

    def centred(layer, dy, saved):
        sizes.append(dy.shape)
        return layer.backward(dy - dy.mean(), saved)

    net.backward(tape, {"relu1": units(tape, "relu1", [(3, 3)])}, rules={ReLU: centred}, crop=False)
    assert sizes == [tape["relu1"].shape]


def test_squeezenet(shared_data) -> None:
    from minitorch_viz import load_model

    model = load_model("squeezenet1_1", weights=shared_data / "weights" / "squeezenet1_1.safetensors")
    tape = model.net.forward(model.preprocess(shared_data / "photos" / "cat_dog.jpg"))
    for node in ("features.1", "features.4", "features.6", "features.9"):
        seeds = {node: units(tape, node, [(3, 7), (0, 0), (5, 5)]).astype(np.float32)}
        for mode in ("normal", "guided"):
            assert_same(model.net, tape, seeds, rtol=1e-4, rules=relu_mode(mode))
