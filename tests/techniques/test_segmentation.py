"""Masks from maps: seeds by quantiles, GrabCut where OpenCV is, a watershed and a sentence where it is not."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from minitorch_viz.techniques.gradients import _segmentation_grabcut as _grabcut
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


def test_without_opencv_the_seeds_are_grown_and_the_advice_is_true(red_model, red_square, monkeypatch) -> None:
    """PyPI has no minitorch_viz: the package to install is OpenCV itself."""
    without_opencv(monkeypatch)
    picture, inside = red_square
    result = segmentation(red_model, picture, target="red")
    assert result.by == "a watershed"
    (note,) = result.notes
    assert "pip install opencv-python-headless" in note
    assert "minitorch_viz[" not in note
    assert overlap(result.seeds == 1, inside) < 0.5
    assert overlap(result.mask, inside) > 0.9
    assert result._repr_png_().startswith(b"\x89PNG")


def shapes() -> dict[str, np.ndarray]:
    """Masks (60, 70) of objects of several kinds."""
    y, x = np.mgrid[:60, :70]
    return {
        "disc": (y - 30) ** 2 + (x - 40) ** 2 < 300,
        "bar": (np.abs(y - 30) < 6) & (np.abs(x - 35) < 28),
        "diagonal": np.abs(y - x + 5) < 9,
        "corner": (y < 25) & (x < 30),
        "cross": (np.abs(y - 30) < 5) | (np.abs(x - 35) < 6),
        "ring": np.abs(np.hypot(y - 30, x - 35) - 18) < 5,
    }


@pytest.mark.parametrize("shape", shapes())
@pytest.mark.parametrize("colours", [((200, 40, 40), (40, 120, 40)), ((90, 90, 90), (140, 140, 140))])
def test_seeds_grow_up_to_the_edges(shape: str, colours) -> None:
    """A few seeds on each side of an edge give the object, whatever its form; the seeds keep their side."""
    inside = shapes()[shape]
    rng = np.random.default_rng(1)
    picture = np.where(inside[..., None], *(np.array(colour) for colour in colours)) + rng.integers(-8, 9, (60, 70, 3))
    seeds = np.full(inside.shape, _grabcut.UNSURE, np.uint8)
    for where, kind, share in ((inside, _grabcut.FOREGROUND, 12), (~inside, _grabcut.BACKGROUND, 12)):
        places = np.flatnonzero(where)
        seeds.ravel()[rng.choice(places, len(places) // share, replace=False)] = kind
    mask = _grabcut.flooded(picture.astype(np.uint8), seeds)
    assert overlap(mask, inside) > 0.85
    assert mask[seeds == _grabcut.FOREGROUND].all()
    assert not mask[seeds == _grabcut.BACKGROUND].any()


def test_on_generated_scenes_the_watershed_is_worth_showing(monkeypatch) -> None:
    """The truth is known: the thresholded map covers an eighth of the object, the grown seeds most of it."""
    from minitorch_viz import load_model
    from minitorch_viz.data.scenes import scene

    without_opencv(monkeypatch)
    model, scores = load_model("scenes"), []
    for number in range(4):
        made = scene(number, 7, objects=1)
        result = segmentation(model, made.image, target=int(made.label))
        scores.append([overlap(mask, made.object_map == 1) for mask in (result.seeds == 1, result.mask)])
    seeds, grown = np.mean(scores, axis=0)
    assert seeds < 0.3
    assert grown > 0.65


@pytest.mark.parametrize("size", [(60, 1), (1, 60), (40, 2), (1, 1), (33, 1)])
def test_a_line_of_pixels_is_segmented_and_drawn(size, tmp_path) -> None:
    """Matplotlib draws no contour of it."""
    from minitorch_viz import Model, Net
    from minitorch_viz.layers import Conv2d, Flatten, GlobalAvgPool2d, Linear, ReLU

    weight = np.array([1.0, -1.0, -1.0], np.float32).reshape(1, 3, 1, 1)
    layers = [("conv", Conv2d(weight)), ("relu", ReLU()), ("gap", GlobalAvgPool2d()), ("flat", Flatten())]
    net = Net([*layers, ("fc", Linear(np.array([[0.0], [9.0]], np.float32)))])
    picture = np.zeros((*size, 3), np.uint8)
    picture.reshape(-1, 3)[: -(-picture.size // 9), 0] = 220  # red at the beginning
    picture.reshape(-1, 3)[-(-picture.size // 9) :, 1] = 180
    model = Model.from_net(net, size, class_names=["nothing", "red"])
    result = segmentation(model, picture, target="red", smooth=0)
    assert result.save(tmp_path / "a.png").stat().st_size > 1000
    if max(size) > 32:
        assert overlap(result.mask, picture[..., 0] > 0) > 0.8


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


def test_a_small_picture_is_flooded(digits) -> None:
    from minitorch_viz.models.samples import sample_digit

    result = segmentation(digits, sample_digit())
    assert "fewer than 32 pixels" in result.notes[0]
    assert result.by == "a watershed"


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
