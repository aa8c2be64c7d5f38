"""Patches: the pixels that a unit sees, where they lie, and what came back to them."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz import load_model
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import ImageFileError
from minitorch_viz.techniques.explain.patches import (
    GREY,
    Answer,
    beside_pixels,
    core_of,
    cut,
    framed,
    patch_of,
    patches_of,
)
from minitorch_viz.techniques.explain.receptive import Field
from minitorch_viz.techniques.gradients.guided_backprop import guided_backprop

SCENES = as_pictures("scenes:4")


@pytest.fixture(scope="module")
def model():
    return load_model("scenes")


def node_with_small_fields(model) -> str:
    return next(node.name for node in model.net.nodes if node.layer.type_name == "ReLU")


def test_only_pixels_inside_the_frame_change_the_unit(model) -> None:
    node = node_with_small_fields(model)
    picture = SCENES[1]
    patch = patch_of(model, SCENES, node, 1, (10, 0))
    top, left, bottom, right = patch.field
    before = model.net.predict(model.preprocess(picture), upto=node)[0, :, 10, 0]
    outside = 255 - picture
    outside[top:bottom, left:right] = picture[top:bottom, left:right]
    np.testing.assert_array_equal(model.net.predict(model.preprocess(outside), upto=node)[0, :, 10, 0], before)
    assert left == 0
    assert patch.part.left < 0  # beyond the border it is grey, so that the unit is in the middle of every crop
    assert (patch.crop[:, : -patch.part.left] == GREY).all()
    inside = patch.crop[patch.frame[0] : patch.frame[2], patch.frame[1] : patch.frame[3]]
    np.testing.assert_array_equal(inside, picture[top:bottom, left:right])


def test_a_class_sees_the_whole_picture(model) -> None:
    patch = patch_of(model, SCENES, model.logits, 2, None)
    np.testing.assert_array_equal(patch.crop, SCENES[2])
    assert patch.is_whole
    assert (patch.title, patch.label) == (SCENES.title(2), SCENES.class_names[SCENES.label(2) or 0])


def test_beside_it_is_the_guided_picture_of_that_unit(model) -> None:
    node = node_with_small_fields(model)
    maps = model.net.predict(model.preprocess(SCENES[0]), upto=node)[0]
    channel, row, column = (int(i) for i in np.unravel_index(maps.argmax(), maps.shape))
    silent = Answer(channel, tuple(int(i) for i in np.unravel_index(maps[channel].argmin(), maps.shape[1:])), 0.0)
    patch, blank = patches_of(model, SCENES, node, 0, [Answer(channel, (row, column), 1.0), silent], "guided")
    alone = guided_backprop(model, SCENES[0], node=node, channel=channel, position=(row, column))
    top, left, bottom, right = patch.frame
    back = (patch.beside[top:bottom, left:right].astype(float) / 255 - 0.5) * 2 * patch.scale
    part = (slice(patch.field.top, patch.field.bottom), slice(patch.field.left, patch.field.right))
    expected = alone.signal[(slice(None), *part)].transpose(1, 2, 0).clip(-patch.scale, patch.scale)
    np.testing.assert_allclose(back, expected, atol=1.01 * patch.scale / 255)
    assert not patch.blank
    assert blank.blank
    assert patch.field.top <= patch.core.top < patch.core.bottom <= patch.field.bottom


def test_the_core_holds_the_share_and_no_smaller_box_of_its_shape_does() -> None:
    rng = np.random.default_rng(0)
    signal = np.zeros((3, 40, 50))
    signal[:, 10:20, 30:34] = rng.normal(size=(3, 10, 4))
    energy = (signal**2).sum(axis=0) / (signal**2).sum()
    core = core_of(signal, 0.9)
    assert energy[core.top : core.bottom, core.left : core.right].sum() >= 0.9
    assert 10 <= core.top < core.bottom <= 20
    assert 30 <= core.left < core.right <= 34
    one = np.zeros((1, 9, 9))
    one[0, 3, 7] = 2
    assert core_of(one) == Field(3, 7, 4, 8)


def test_parts_beyond_the_border_are_grey() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4, 1)
    result = cut(picture, Field(-1, 2, 2, 6), 99)[..., 0]
    np.testing.assert_array_equal(result, [[99, 99, 99, 99], [2, 3, 99, 99], [6, 7, 99, 99]])


def test_pixels_for_a_page_have_one_width_and_a_white_frame(model) -> None:
    patch = patch_of(model, SCENES, node_with_small_fields(model), 0, (8, 8))
    picture = framed(patch, 60)
    assert picture.shape == beside_pixels(patch, 60).shape == (60, 60, 3)
    assert (picture == 255).all(axis=2).sum() > 60


def test_a_picture_that_is_gone_is_told(model, tmp_path) -> None:
    (tmp_path / "a.png").write_bytes(b"broken")
    with pytest.raises(ImageFileError, match=r"a\.png"):
        patch_of(model, as_pictures(tmp_path), model.logits, 0, None)
