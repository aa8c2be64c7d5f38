"""Changes of a scene: the object is drawn otherwise, what it hid comes out, and all else stays to the bit."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.data.scenes import COLOURS, TEXTURES, Change, scene
from minitorch_viz.data.scenes.erase import compared, erased, shown_by
from minitorch_viz.data.scenes.scene import CONCEPTS, MAPS
from minitorch_viz.errors import SettingError

SCENES = [(number, objects) for number in range(12) for objects in (1, 3, 5)]


@pytest.mark.parametrize(("number", "objects"), SCENES)
def test_an_object_that_is_left_out_uncovers_what_it_hid(number, objects) -> None:
    whole = scene(number, 3, objects=objects)
    for index in range(len(whole.kinds)):
        without = scene(number, 3, objects=objects, changes=[Change(index, left_out=True)])
        others = [other for other in range(len(whole.kinds)) if other != index]
        owner = np.zeros(whole.object_map.shape, int)  # painted from the farthest to the nearest
        for other in sorted(others, key=lambda other: -int(whole.depth[other])):
            owner[whole.masks[other]] = 1 + others.index(other)
        np.testing.assert_array_equal(without.object_map, owner)
        np.testing.assert_array_equal(without.kinds, whole.kinds[others])
        np.testing.assert_array_equal(without.masks, whole.masks[others])
        rest = whole.object_map != index + 1
        np.testing.assert_array_equal(without.image[rest], whole.image[rest])
        for name in MAPS[1:]:
            np.testing.assert_array_equal(getattr(without, name)[rest], getattr(whole, name)[rest], name)
        shown = ~rest & (owner == 0)
        assert not without.kind_map[shown].any()


@pytest.mark.parametrize(("number", "objects"), SCENES[:12])
def test_another_colour_or_texture_changes_the_object_alone(number, objects) -> None:
    whole = scene(number, 3, objects=objects)
    index = len(whole.kinds) - 1
    free = next(c for c in range(1, len(COLOURS)) if c not in whole.colours and c not in whole.accents)
    for change, table, value in (
        (Change(index, colour=free), "colours", free),
        (Change(index, accent=free), "accents", free),
        (Change(index, texture=TEXTURES.index("plain")), "textures", TEXTURES.index("plain")),
    ):
        other = scene(number, 3, objects=objects, changes=[change])
        assert getattr(other, table)[index] == value
        rest = whole.object_map != index + 1
        np.testing.assert_array_equal(other.image[rest], whole.image[rest])
        for name in ("object_map", "kind_map", "part_map"):
            np.testing.assert_array_equal(getattr(other, name), getattr(whole, name))
    recoloured = scene(number, 3, objects=objects, changes=[Change(index, colour=free)])
    own = (whole.object_map == index + 1) & (whole.colour_map == whole.colours[index])
    assert (recoloured.colour_map[own] == free).all()


def test_two_objects_are_left_out_at_once() -> None:
    whole = scene(4, 3, objects=5)
    without = scene(4, 3, objects=5, changes=[Change(0, left_out=True), Change(3, left_out=True)])
    others = [index for index in range(len(whole.kinds)) if index not in (0, 3)]
    np.testing.assert_array_equal(without.kinds, whole.kinds[others])
    np.testing.assert_array_equal(without.masks, whole.masks[others])
    rest = ~np.isin(whole.object_map, (1, 4))
    np.testing.assert_array_equal(without.image[rest], whole.image[rest])


def test_an_empty_scene_and_what_is_impossible() -> None:
    alone = as_pictures("scenes:50")
    number = next(n for n in range(50) if len(alone.scene(n).kinds) == 1)
    empty = alone.changed(number, Change(0, left_out=True))
    assert not empty.object_map.any()
    assert len(empty.kinds) == 0
    for change, words in ((Change(1), "index"), (Change(0, colour=0), "colour"), (Change(0, texture=99), "texture")):
        with pytest.raises(SettingError, match=words):
            alone.changed(number, change)


ERASED = [(number, name) for number in range(8) for name in CONCEPTS if name != "background"]


def test_a_concept_is_erased_and_nothing_else_is_touched() -> None:
    pictures, count = as_pictures("scenes:40"), 0
    for number, name in ERASED:
        whole = pictures.scene(number)
        if not whole.where(name).any():
            continue
        count += 1
        without = erased(whole, functools.partial(pictures.changed, number), name)
        assert not without.where(name).any(), (number, name)
        objects = shown_by(whole, name)
        rest = ~np.isin(whole.object_map, [index + 1 for index in objects])
        np.testing.assert_array_equal(without.image[rest], whole.image[rest])
        if CONCEPTS[name][0] in ("colour_map", "texture_map"):  # the objects stay, and what is not of it, too
            np.testing.assert_array_equal(without.part_map, whole.part_map)
            others = ~whole.where(name)
            np.testing.assert_array_equal(without.image[others], whole.image[others])
    assert count > 80


def test_to_compare_the_concept_stays_and_its_objects_look_otherwise() -> None:
    pictures = as_pictures("scenes:40")
    for number, name in ERASED:
        whole = pictures.scene(number)
        if not whole.where(name).any():
            continue
        other = compared(whole, functools.partial(pictures.changed, number), name)
        np.testing.assert_array_equal(other.part_map, whole.part_map)
        assert (other.where(name) | ~whole.where(name)).all(), (number, name)
        assert (other.image != whole.image).any()


def test_the_background_cannot_be_erased() -> None:
    with pytest.raises(SettingError, match="background"):
        erased(scene(0), lambda *changes: scene(0, changes=changes), "background")
