"""A net's answer to K changed versions of an image: from the changed parts, against running them whole."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.boxes import Boxes, Patch
from minitorch_viz.errors import MinitorchVizError, NetError, ShapeError
from minitorch_viz.less_work.forward import predict_changed
from tests.map_nets import MAP_NETS


@pytest.fixture(params=MAP_NETS)
def case(request, rng):
    """A net and the tape of one image."""
    net = MAP_NETS[request.param].build(rng)
    return net, net.forward(rng.standard_normal((1, 2, *MAP_NETS[request.param].size)))


def patch_at(rng, maps: np.ndarray, size: tuple[int, int], corners) -> Patch:
    values = 3 * rng.standard_normal((len(corners), maps.shape[1], *size))
    return Patch(values.astype(maps.dtype), Boxes.at(*zip(*corners, strict=True), size))


def changed(maps: np.ndarray, patch: Patch) -> np.ndarray:
    """The maps with each patch in its place, by plain indexing."""
    out = np.repeat(maps, len(patch.values), axis=0)
    (tops, high), (lefts, wide) = patch.boxes
    for k, values in enumerate(patch.values):
        top, left = tops[k % len(tops)], lefts[k % len(lefts)]
        out[k, :, top : top + high, left : left + wide] = values
    return out


def corners_in(maps: np.ndarray, size: tuple[int, int]) -> list[tuple[int, int]]:
    high, wide = maps.shape[2] - size[0], maps.shape[3] - size[1]
    return [(0, 0), (high, wide), (high // 2, wide // 2), (0, wide), (high // 3, wide // 2 + 1), (high, 0)]


@pytest.mark.parametrize("size", [(1, 1), (3, 4), (9, 2), (8, 8)])
def test_a_changed_input(case, rng, size) -> None:
    net, tape = case
    patch = patch_at(rng, tape["input"], size, corners_in(tape["input"], size))
    whole = changed(tape["input"], patch)
    for goal in tape.saved:
        found = predict_changed(net, tape, {"input": patch}, upto=goal)
        np.testing.assert_allclose(found, net.predict(whole, upto=goal), rtol=1e-10, atol=1e-11, err_msg=goal)


def test_several_nodes_in_one_pass(case, rng) -> None:
    """Each is what a pass up to it alone gives, to the bit."""
    net, tape = case
    patch = patch_at(rng, tape["input"], (3, 4), corners_in(tape["input"], (3, 4)))
    goals = tuple(tape.saved)[::2]
    answers = predict_changed(net, tape, {"input": patch}, upto=goals)
    assert tuple(answers) == goals
    for goal, answer in answers.items():
        np.testing.assert_array_equal(answer, predict_changed(net, tape, {"input": patch}, upto=goal))


def test_every_place_of_a_grid(case, rng) -> None:
    """Each alone and all at once: the boxes of a batch have one size, whatever their neighbours need."""
    net, tape = case
    high, wide = tape["input"].shape[2:]
    corners = [(i, j) for i in range(0, high - 4, 3) for j in range(0, wide - 4, 3)]
    together = patch_at(rng, tape["input"], (5, 5), corners)
    expected = net.predict(changed(tape["input"], together))
    np.testing.assert_allclose(predict_changed(net, tape, {"input": together}), expected, rtol=1e-10, atol=1e-11)
    for k in range(0, len(corners), 7):
        alone = Patch(together.values[k : k + 1], Boxes.at(*zip(corners[k], strict=True), (5, 5)))
        found = predict_changed(net, tape, {"input": alone})
        np.testing.assert_allclose(found, expected[k : k + 1], rtol=1e-10, atol=1e-11)


def test_k_versions_at_one_place(case, rng) -> None:
    net, tape = case
    patch = patch_at(rng, tape["input"], (4, 3), [(2, 5)] * 4)
    assert patch.boxes.rows.starts == (2,)
    expected = net.predict(changed(tape["input"], patch))
    np.testing.assert_allclose(predict_changed(net, tape, {"input": patch}), expected, rtol=1e-10, atol=1e-11)


def test_a_changed_inner_node(case, rng) -> None:
    """Ablation inside the net: as `given` with the whole maps."""
    net, tape = case
    for name in [name for name in tape.saved if tape[name].ndim == 4 and min(tape[name].shape[2:]) > 1]:
        patch = patch_at(rng, tape[name], (2, 2), corners_in(tape[name], (2, 2)))
        whole = {"input": np.repeat(tape["input"], 6, axis=0)}
        expected = net.predict(whole, given={name: changed(tape[name], patch)})
        found = predict_changed(net, tape, {name: patch})
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11, err_msg=name)


def test_two_changed_nodes(rng) -> None:
    net = MAP_NETS["residual"].build(rng)
    tape = net.forward(rng.standard_normal((1, 2, *MAP_NETS["residual"].size)))
    a = patch_at(rng, tape["input"], (3, 3), [(0, 0), (9, 9)])
    b = patch_at(rng, tape["conv2"], (2, 4), [(8, 1), (3, 3)])
    expected = net.predict(changed(tape["input"], a), given={"conv2": changed(tape["conv2"], b)})
    np.testing.assert_allclose(predict_changed(net, tape, {"input": a, "conv2": b}), expected, rtol=1e-10, atol=1e-11)


def test_a_goal_that_the_change_does_not_reach(case, rng) -> None:
    net, tape = case
    late = [name for name in tape.saved if tape[name].ndim == 4][3]
    patch = patch_at(rng, tape[late], (2, 2), [(0, 0), (1, 1)])
    found = predict_changed(net, tape, {late: patch}, upto="conv1")
    np.testing.assert_array_equal(found, np.repeat(tape["conv1"], 2, axis=0))


def test_only_the_box_is_computed(rng, monkeypatch) -> None:
    net = MAP_NETS["residual"].build(rng)
    tape = net.forward(rng.standard_normal((1, 2, *MAP_NETS["residual"].size)))
    patch = patch_at(rng, tape["input"], (1, 1), [(9, 8), (8, 8)])
    seen = []
    layer = type(net["conv1"].layer)
    forward = layer.forward
    monkeypatch.setattr(layer, "forward", lambda self, x: (seen.append(x.shape), forward(self, x))[1])
    predict_changed(net, tape, {"input": patch}, upto="conv2")
    assert seen == [(2, 2, 5, 5), (2, 4, 7, 7)]  # 3x3 and 5x5 of 20x17, each with what the windows see around it


def test_float32_and_the_tape_stays_as_it_is(rng) -> None:
    net = MAP_NETS["fires"].build(rng).astype(np.float32)
    tape = net.forward(rng.standard_normal((1, 2, *MAP_NETS["fires"].size)).astype(np.float32))
    for value in tape.values.values():
        value.setflags(write=False)
    patch = patch_at(rng, tape["input"], (4, 4), corners_in(tape["input"], (4, 4)))
    patch.values.setflags(write=False)
    found = predict_changed(net, tape, {"input": patch})
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, net.predict(changed(tape["input"], patch)), rtol=1e-4, atol=1e-4)


BAD = {
    "no change": (lambda net, tape, patch: ({},), NetError, "at least one entry"),
    "no dict": (lambda net, tape, patch: (patch,), NetError, "must be a dict"),
    "unknown node": (lambda net, tape, patch: ({"conv9": patch},), NetError, "changes names 'conv9'"),
    "unknown goal": (lambda net, tape, patch: ({"input": patch}, "fcc"), NetError, "upto names 'fcc'"),
    "other channels": (lambda net, tape, patch: ({"conv1": patch},), ShapeError, "patch for 'conv1'"),
    "no maps": (lambda net, tape, patch: ({"fc": patch},), ShapeError, "patch for 'fc'"),
    "outside": (
        lambda net, tape, patch: ({"input": Patch(patch.values, Boxes.at([25], [0], (2, 2)))},),
        ShapeError,
        "do not fit",
    ),
    "before the start": (
        lambda net, tape, patch: ({"input": Patch(patch.values, Boxes.at([-1], [0], (2, 2)))},),
        ShapeError,
        "do not fit",
    ),
    "another size": (
        lambda net, tape, patch: ({"input": Patch(patch.values, Boxes.at([1], [0], (2, 3)))},),
        ShapeError,
        "do not fit",
    ),
    "three places, two values": (
        lambda net, tape, patch: ({"input": Patch(patch.values, Boxes.at([0, 1, 2], [0], (2, 2)))},),
        ShapeError,
        "one batch",
    ),
}


@pytest.mark.parametrize(("arguments", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_changes_are_told_in_a_sentence(rng, arguments, kind, message) -> None:
    net = MAP_NETS["plain"].build(rng)
    tape = net.forward(rng.standard_normal((1, 2, *MAP_NETS["plain"].size)))
    patch = Patch(np.zeros((2, 2, 2, 2)), Boxes.at([0, 1], [0, 1], (2, 2)))
    with pytest.raises(MinitorchVizError, match=message) as caught:
        predict_changed(net, tape, *arguments(net, tape, patch))
    assert isinstance(caught.value, kind)


def test_the_tape_must_be_of_one_image_and_reach_the_goal(rng) -> None:
    net = MAP_NETS["plain"].build(rng)
    images = rng.standard_normal((2, 2, *MAP_NETS["plain"].size))
    patch = Patch(np.zeros((2, 2, 2, 2)), Boxes.at([0, 1], [0, 1], (2, 2)))
    with pytest.raises(ShapeError, match="one image"):
        predict_changed(net, net.forward(images), {"input": patch})
    with pytest.raises(NetError, match="no value for 'prob'"):
        predict_changed(net, net.forward(images[:1], upto="conv2"), {"input": patch})
