"""Varied scenes: one thing changes, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_viz.data.scenes import COLOURS, DIMENSIONS, KINDS, TEXTURES, varied
from minitorch_viz.data.scenes.colours import TONE_TABLE
from minitorch_viz.data.scenes.generate import checked
from minitorch_viz.data.scenes.varied import recipe_of
from minitorch_viz.errors import SettingError


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_objects_are_the_same_in_every_call(dimension: str) -> None:
    whole = varied(dimension, 5, seed=3)
    np.testing.assert_array_equal(whole.images, varied(dimension, 5, seed=3).images)
    np.testing.assert_array_equal(whole.images[3:], varied(dimension, 2, seed=3, start=3).images)
    assert not np.array_equal(whole.images, varied(dimension, 5, seed=4).images)
    assert whole.images.shape == (5, len(whole.steps), 64, 64, 3)
    assert len(set(whole.steps)) == len(whole.steps)


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_all_but_the_object_stays_to_the_bit(dimension: str) -> None:
    """At every pixel most steps show the background, with the same noise; the object is where they differ."""
    images = varied(dimension, 4, size=96).images
    for steps in images:
        same = (steps[:, None] == steps[None]).all(axis=-1)  # (D, D, H, W)
        background = same.mean(axis=(0, 1)) == 1
        assert 0.1 < background.mean() < 0.98
        assert not np.array_equal(steps[0], steps[-1])
        corner = background[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert corner.any()


def test_colours_are_those_named_and_only_they_change() -> None:
    drawn = varied("colour", 6, kinds=["circle"], noise=0)
    assert drawn.steps == COLOURS[1:]
    for steps in drawn.images:
        changed = (steps != steps[:1]).any(axis=(0, 3))
        for number, image in enumerate(steps, 1):
            tones = np.unique(image[changed], axis=0)
            assert {tuple(tone) for tone in tones} <= {tuple(tone) for tone in TONE_TABLE[number]}
            np.testing.assert_array_equal(image[~changed], steps[0][~changed])


def masks(dimension: str, kind: str, count: int) -> list[np.ndarray]:
    """Where the object is in each picture, by the two tones of its colour: (D, H, W) for each of `count` objects."""
    settings = checked(128, 1, [kind], 0)
    images = varied(dimension, count, kinds=[kind], noise=0, size=128).images
    tones = [TONE_TABLE[recipe_of(number, 0, settings).colour] for number in range(count)]
    return [(steps[..., None, :] == tone).all(axis=-1).any(axis=-1) for steps, tone in zip(images, tones, strict=True)]


def test_sizes_are_shares_of_the_picture_about_one_centre() -> None:
    steps = [float(step) / 100 for step in varied("size", 1).steps]
    for mask in masks("size", "square", 5):
        np.testing.assert_allclose(mask.mean(axis=(1, 2)), steps, rtol=0.1, atol=0.01)
        centres = np.array([np.argwhere(each).mean(axis=0) for each in mask])
        assert np.abs(np.diff(centres, axis=0)).max() < 13  # moved by the border only


def test_places_go_from_the_left_border_to_the_right_one() -> None:
    for mask in masks("place", "square", 5):
        columns = [np.flatnonzero(each.any(axis=0)) for each in mask]
        assert columns[0][0] == 0
        assert columns[-1][-1] == 127
        np.testing.assert_allclose(np.diff([each.mean() for each in columns], 2), 0, atol=1.1)  # even steps
        rows = [np.flatnonzero(each.any(axis=1)).mean() for each in mask]
        assert len(set(rows)) == 1


def test_rotations_turn_clockwise() -> None:
    """A bottle, whose neck is above at 0, has it at the right at 90."""
    drawn = varied("rotation", 1)
    index = {step: number for number, step in enumerate(drawn.steps)}
    assert set(map(int, drawn.steps)) == set(range(-180, 180, 30))
    for mask in masks("rotation", "bottle", 6):
        upright, turned = (np.argwhere(mask[index[step]]) for step in ("0", "90"))
        assert np.ptp(upright[:, 0]) > np.ptp(upright[:, 1])  # high
        assert np.ptp(turned[:, 1]) > np.ptp(turned[:, 0])  # wide
        lean = turned[:, 1].mean() - (turned[:, 1].min() + turned[:, 1].max()) / 2  # the thick end is to the left of it
        assert lean < 0


def test_kinds_and_textures_are_all_there() -> None:
    assert varied("kind", 1).steps == KINDS[1:]
    assert varied("texture", 1).steps == TEXTURES[1:]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"dimension": "color"}, "near dimensions: colour"),
        ({"dimension": "kind", "count": 0}, "number of objects"),
        ({"dimension": "kind", "seed": -1}, "seed"),
        ({"dimension": "kind", "size": 8}, "size of a scene"),
        ({"dimension": "kind", "kinds": ["hous"]}, "no kind of object 'hous'"),
    ],
)
def test_bad_settings_get_a_sentence(settings, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        varied(**settings)
