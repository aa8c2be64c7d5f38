"""Masks from maps: seeds by quantiles, GrabCut where OpenCV is, a threshold and a sentence where it is not."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from minitorch_viz.techniques.gradients import _grabcut
from minitorch_viz.techniques.gradients.segmentation import segmentation


@pytest.fixture
def red_square() -> tuple[np.ndarray, np.ndarray]:
    """A red square on noisy green, 48 x 48, and where it is."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 60, (48, 48, 3)).astype(np.uint8)
    picture[..., 1] += 120
    inside = np.zeros((48, 48), bool)
    inside[10:30, 16:40] = True
    picture[inside] = rng.integers(0, 50, (inside.sum(), 3))
    picture[..., 0][inside] = rng.integers(180, 255, inside.sum())
    return picture, inside


@pytest.fixture
def red_model():
    from minitorch_viz import Model, Net
    from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU

    weight = np.zeros((1, 3, 1, 1), np.float32)
    weight[0, :, 0, 0] = (1, -1, -1)
    head = np.array([[0.0], [10.0]], np.float32)
    layers = [("conv", Conv2d(weight)), ("relu", ReLU()), ("gap", GlobalAvgPool2d()), ("flat", Flatten())]
    return Model.from_net(Net([*layers, ("fc", Linear(head))]), 48, class_names=["nothing", "red"])


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / (a | b).sum())


def without_opencv(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)


def test_without_opencv_a_sentence_and_the_thresholded_map(red_model, red_square, monkeypatch) -> None:
    without_opencv(monkeypatch)
    picture, inside = red_square
    result = segmentation(red_model, picture, target="red", high=70)
    assert result.by == "a threshold"
    (note,) = result.notes
    assert "pip install" in note
    assert "segment" in note
    assert not (result.mask & (result.seeds != 1)).any()
    assert overlap(result.mask, inside) > 0.5
    assert result._repr_png_().startswith(b"\x89PNG")


def test_with_opencv_the_colours_decide(red_model, red_square) -> None:
    """The seeds are a part of the square; GrabCut gives all of it."""
    pytest.importorskip("cv2")
    picture, inside = red_square
    result = segmentation(red_model, picture, target="red")
    assert result.by == "GrabCut"
    assert result.notes == ()
    assert overlap(result.mask, inside) > 0.95
    assert np.abs(np.subtract(result.box, (10, 16, 30, 40))).max() <= 1
    np.testing.assert_array_equal(result.mask, segmentation(red_model, picture, target="red").mask)


def test_the_seeds_are_the_papers_quantiles() -> None:
    heat = np.arange(200.0).reshape(10, 20)
    seeds = _grabcut.seeds_of(heat, 95, 30)
    assert (seeds == _grabcut.FOREGROUND).sum() == 10
    assert (seeds == _grabcut.BACKGROUND).sum() == 60
    assert (seeds.ravel()[-10:] == _grabcut.FOREGROUND).all()
    flat = _grabcut.seeds_of(np.zeros((10, 20)), 95, 30)
    assert not (flat == _grabcut.FOREGROUND).any()


def test_the_largest_piece_and_its_box() -> None:
    mask = np.zeros((8, 9), bool)
    mask[0, 0] = mask[1, 1] = True  # they touch at a corner only
    mask[3:6, 4:7] = True
    mask[7, 8] = True
    piece = _grabcut.largest_piece(mask)
    assert piece.sum() == 9
    assert _grabcut.box_of(piece) == (3, 4, 6, 7)
    assert not _grabcut.largest_piece(np.zeros((3, 3), bool)).any()
    assert _grabcut.box_of(np.zeros((3, 3), bool)) is None


def test_a_blank_map_is_said(red_model) -> None:
    result = segmentation(red_model, np.zeros((48, 48, 3), np.uint8), target="red")
    assert not result.mask.any()
    assert result.box is None
    assert "blank because" in result.notes[0]
    assert "empty" in result.caption
    assert result._repr_png_().startswith(b"\x89PNG")


def test_a_small_picture_gets_a_threshold(digits) -> None:
    from minitorch_viz.models.samples import sample_digit

    result = segmentation(digits, sample_digit())
    assert "fewer than 32 pixels" in result.notes[0]


@pytest.mark.parametrize(("photo", "box"), [("eagle.jpg", (0.27, 0.17, 0.87, 0.83)), ("dalmatian.jpg", None)])
def test_on_photos(squeezenet, shared_data, photo, box) -> None:
    """With OpenCV the eagle's box is drawn by hand; any mask is one piece of sensible size."""
    pytest.importorskip("cv2")
    result = segmentation(squeezenet, shared_data / "photos" / photo)
    assert 0.02 < result.mask.mean() < 0.8
    if box is not None:
        ours = np.array(result.box) / 227
        top, left, bottom, right = np.maximum(ours[:2], box[:2]).tolist() + np.minimum(ours[2:], box[2:]).tolist()
        shared = max(0, bottom - top) * max(0, right - left)
        area = lambda b: (b[2] - b[0]) * (b[3] - b[1])
        assert shared / (area(ours) + area(box) - shared) > 0.5, ours
