"""A layer that declares a window computes any part of its output, and of its gradient, from a crop."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from minitorch_viz.boxes import Boxes, Patch, whole_map
from minitorch_viz.layers import BatchNorm2d, Concat, Conv2d, GlobalAvgPool2d, Kind, Linear, Softmax
from minitorch_viz.layers.window import Field
from tests.layers.layer_cases import CASES, Case

LOCAL = {
    name: case
    for name, case in CASES.items()
    if case.layer.window and case.inputs[0].ndim == 4 and not (case.training and isinstance(case.layer, BatchNorm2d))
}


def boxes_in(size: tuple[int, int]) -> list[Boxes]:
    """Every box inside a small map."""
    stretches = [[(i, j - i) for i in range(side) for j in range(i + 1, side + 1)] for side in size]
    return [Boxes.at([top], [left], (h, w)) for (top, h), (left, w) in itertools.product(*stretches)]


def some(boxes: list[Boxes], count: int = 25) -> list[Boxes]:
    """The first, the last and a few between."""
    chosen = np.random.default_rng(3).permutation(len(boxes))[:count]
    return [boxes[i] for i in sorted({0, len(boxes) - 1, *chosen.tolist()})]


def as_tuple(dx):
    return dx if isinstance(dx, tuple) else (dx,)


@pytest.mark.parametrize("name", LOCAL)
def test_a_crop_gives_the_same_output(name: str) -> None:
    layer, inputs = LOCAL[name].layer, LOCAL[name].inputs
    y = layer.forward(*inputs)[0]
    in_size, out_size = inputs[0].shape[2:], y.shape[2:]
    for want in some(boxes_in(out_size)):
        x_boxes = layer.window.reads(want, in_size)
        given = layer.window.gives(x_boxes, in_size, out_size)
        part = layer.forward(*(x_boxes.take(x) for x in inputs))[0]
        assert part.shape[2:] == given.size, "a crop's output has the size that the window says"
        np.testing.assert_allclose(want.within(given).take(part), want.take(y), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", LOCAL)
def test_a_crop_gives_the_same_gradient(name: str) -> None:
    """Seeds that are zero outside a box: the gradient from crops of what forward saved, and zero around it."""
    case: Case = LOCAL[name]
    layer, in_size = case.layer, case.inputs[0].shape[2:]
    y, saved = case.forward()
    rng = np.random.default_rng(5)
    for box in some(boxes_in(y.shape[2:])):
        patch = Patch(rng.standard_normal((*y.shape[:2], *box.size)), box)
        x_boxes = layer.window.reads(box, in_size)
        y_boxes = layer.window.gives(x_boxes, in_size, y.shape[2:])
        parts = as_tuple(layer.backward(patch.spread(y_boxes), layer.crop(saved, x_boxes, y_boxes)))
        for part, whole in zip(
            parts, as_tuple(layer.backward(patch.spread(whole_map(y.shape[2:])), saved)), strict=True
        ):
            found = Patch(part, x_boxes).spread(whole_map(in_size))
            np.testing.assert_allclose(found, whole, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", LOCAL)
def test_a_change_stays_inside_what_is_reached(name: str) -> None:
    layer, inputs = LOCAL[name].layer, LOCAL[name].inputs
    y = layer.forward(*inputs)[0]
    for box in some(boxes_in(inputs[0].shape[2:])):
        other = tuple(x.copy() for x in inputs)
        for x in other:
            (cut,) = box.cuts()
            x[cut] += 10
        moved = layer.forward(*other)[0] != y
        (cut,) = layer.window.reached(box, y.shape[2:]).cuts()
        moved[cut] = False
        assert not moved.any()


@pytest.mark.parametrize("name", LOCAL)
def test_boxes_at_several_places_are_one_batch(name: str) -> None:
    """K boxes of one size on a tape of one image: as each alone."""
    layer, inputs = LOCAL[name].layer, tuple(x[:1] for x in LOCAL[name].inputs)
    y, saved = layer.forward(*inputs)
    in_size, (high, wide) = inputs[0].shape[2:], y.shape[2:]
    size = (high + 1) // 2, (wide + 1) // 2
    corners = list(itertools.product(range(high - size[0] + 1), range(wide - size[1] + 1)))
    together = Boxes.at(*zip(*corners, strict=True), size)
    x_boxes = layer.window.reads(together, in_size)
    given = layer.window.gives(x_boxes, in_size, (high, wide))
    part = layer.forward(*(x_boxes.take(x) for x in inputs))[0]
    np.testing.assert_allclose(
        np.broadcast_to(together.within(given).take(part), (len(corners), *part.shape[1:2], *size)),
        np.concatenate([Boxes.at([top], [left], size).take(y) for top, left in corners]),
        rtol=1e-12,
        atol=1e-12,
    )
    patch = Patch(np.random.default_rng(0).standard_normal((len(corners), y.shape[1], *size)), together)
    whole = layer.backward(patch.spread(whole_map((high, wide))), saved)
    parts = layer.backward(patch.spread(given), layer.crop(saved, x_boxes, given))
    for one, plain in zip(as_tuple(parts), as_tuple(whole), strict=True):
        np.testing.assert_allclose(Patch(one, x_boxes).spread(whole_map(in_size)), plain, rtol=1e-10, atol=1e-12)


def test_layers_that_mix_pixels_say_so(rng: np.random.Generator) -> None:
    mirrored = Conv2d(rng.standard_normal((1, 1, 3, 3)), padding=1, padding_mode="reflect")
    for layer in (GlobalAvgPool2d(), Linear(np.eye(2)), Concat(2), Softmax(3), mirrored):
        assert layer.window is None
    norm = BatchNorm2d.fresh(2).astype(np.float64)
    x = rng.standard_normal((2, 2, 3, 3))
    map_ = whole_map((3, 3))
    assert norm.crop(norm.forward(x, rng=rng)[1], map_, map_) is None
    assert norm.crop(norm.forward(x)[1], map_, map_) is not None


def test_the_window_of_a_convolution() -> None:
    """3x3, stride 2, padding 1 on 9 pixels: output 2 reads the pixels 3 to 5, pixel 4 is read by output 2 alone."""
    window = Conv2d(np.ones((1, 1, 3, 3)), stride=2, padding=1).window
    reads = window.reads(Boxes.at([2], [2], (1, 1)), (9, 9))
    assert (reads.rows.starts[0], reads.size) == (2, (5, 5))  # from 2 to 6: it begins and ends on the stride's grid
    reached = window.reached(Boxes.at([4], [3], (1, 1)), (5, 5))
    assert (reached.rows.starts[0], reached.rows.size) == (2, 1)
    assert (reached.columns.starts[0], reached.columns.size) == (1, 2)  # pixel 3 by the outputs 1 and 2


AXES = ((2, 3), (1, 2))  # of maps, and of maps with the channels last
SIGHTS = {
    f"{name} along {axes}": (case, axes)
    for name, case in CASES.items()
    for axes in AXES
    if {x.ndim for x in case.inputs} == {4} and case.layer.sees(axes)
    and not (case.training and isinstance(case.layer, BatchNorm2d))
}  # fmt: skip
# A window with holes may find its outermost pixel beyond the border, and padding wider than the filter is all it finds.
LOOSE = ("Conv2d-4", "Conv2d-5")


@pytest.mark.parametrize("name", SIGHTS)
def test_an_output_pixel_depends_on_what_it_sees_alone(name: str) -> None:
    """And on all sides of it, where the layer is a sum of all it reads."""
    case, axes = SIGHTS[name]
    sight = case.layer.sees(axes)
    y, saved = case.forward()
    rng = np.random.default_rng(5)
    others = tuple({0, 1, 2, 3} - set(axes))
    sums = case.layer.kind in (Kind.WEIGHS, Kind.SUMS) and name.split(" ")[0] not in LOOSE
    for place in np.ndindex(y.shape[sight.axes[0]], y.shape[sight.axes[1]]):
        at = [slice(None)] * 4
        at[sight.axes[0]], at[sight.axes[1]] = place
        dy = np.zeros(y.shape)
        dy[tuple(at)] = rng.standard_normal(dy[tuple(at)].shape)
        for dx in as_tuple(case.layer.backward(dy, saved)):
            reached = dx.any(axis=others)
            box = sight.window.sees(Field(*place, place[0] + 1, place[1] + 1), reached.shape)
            rows, columns = np.flatnonzero(reached.any(axis=1)), np.flatnonzero(reached.any(axis=0))
            assert not len(rows) or box.top <= rows[0] <= rows[-1] < box.bottom, place
            assert not len(rows) or box.left <= columns[0] <= columns[-1] < box.right, place
            if sums:
                assert box == (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1), place
