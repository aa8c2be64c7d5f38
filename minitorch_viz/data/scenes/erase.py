"""Erasing a concept from a scene: the same scene without what shows it, and, to compare, without something else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from minitorch_viz.data.scenes.change import Change
from minitorch_viz.data.scenes.colours import COLOURS
from minitorch_viz.data.scenes.scene import Scene, find_concept
from minitorch_viz.data.scenes.textures import TEXTURES
from minitorch_viz.errors import SettingError

Redraw = Callable[..., Scene]  # changes -> the scene with them


def shown_by(scene: Scene, name: str) -> list[int]:
    """Return the objects of a scene that show a concept, by their indices."""
    owners = np.unique(scene.object_map[scene.where(name)])
    return [int(owner) - 1 for owner in owners if owner]


def erased(scene: Scene, redraw: Redraw, name: str) -> Scene:
    """Return a scene without a concept: of another colour or texture, or without the objects that show it.

    A colour or texture that is erased so becomes one that the scene does not have; where the concept still shows (on
    wheels that are always black) the object is left out. Raises SettingError for the background, which nothing erases.
    """
    place, _ = find_concept(name)
    if name == "background":
        raise SettingError("The background of a scene cannot be erased.")
    objects = shown_by(scene, name)
    changes = [_otherwise(scene, index, place, name) for index in objects]
    result = redraw(*changes)
    if result.where(name).any():
        left = [Change(index, left_out=True) for index in objects]
        result = redraw(*left)
    return result


def compared(scene: Scene, redraw: Redraw, name: str) -> Scene | None:
    """Return a scene changed as much in another respect: the concept stays, with the objects that show it.

    For a colour their texture is another, for a texture their colour, for a kind or a part another object is left out;
    None where there is no other.
    """
    place, _ = find_concept(name)
    objects = shown_by(scene, name)
    if place in ("kind_map", "part_map"):
        others = [index for index in range(len(scene.kinds)) if index not in objects]
        return redraw(Change(max(others, key=lambda index: _area(scene, index)), left_out=True)) if others else None
    other_map = "texture_map" if place == "colour_map" else "colour_map"
    return redraw(*(_otherwise(scene, index, other_map, "") for index in objects))


def _otherwise(scene: Scene, index: int, place: str, name: str) -> Change:
    """Return the change of an object after which it does not show a concept of this map."""
    if place == "texture_map" and name != "plain":  # what is an accent is always plain
        return Change(index, texture=_free(len(TEXTURES), scene.textures, int(scene.textures[index])))
    if place == "colour_map":
        used = np.unique(scene.colour_map)
        main, accent = int(scene.colours[index]), int(scene.accents[index])
        free = _free(len(COLOURS), used, main)
        if not name or COLOURS[main] == name:
            return Change(index, colour=free)
        if COLOURS[accent] == name:
            return Change(index, accent=_free(len(COLOURS), used, accent))
    return Change(index, left_out=True)


def _free(count: int, used: Sequence[int] | np.ndarray, before: int) -> int:
    """Return a number of 1 .. count - 1 that is not in use, the next one after `before`."""
    order = [1 + (before + step) % (count - 1) for step in range(count - 1)]
    return next(number for number in order if number not in used)


def _area(scene: Scene, index: int) -> int:
    return int((scene.object_map == index + 1).sum())
