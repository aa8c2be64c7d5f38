"""Erasing a concept from a scene: the same scene without what shows it, and, to compare, without something else."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace

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
    """Return a scene without a concept: without the objects that show it, or in another colour or texture.

    A colour or texture that is erased becomes one that the scene does not have; where all of an object but its main
    part is plain, what was plain becomes as the main part is. Raises SettingError for the background, which nothing
    erases.
    """
    place, number = find_concept(name)
    if name == "background":
        raise SettingError("The background of a scene cannot be erased.")
    changes = []
    for index in shown_by(scene, name):
        if place == "colour_map":
            used = np.unique(scene.colour_map).tolist()
            changes.append(Change(index, recoloured=(number, _free(len(COLOURS), used, number))))
        elif place == "texture_map":
            main = int(scene.textures[index])
            new = main if main != number else _free(len(TEXTURES), scene.textures.tolist(), number)
            changes.append(Change(index, retextured=(number, new)))
        else:
            changes.append(Change(index, left_out=True))
    return redraw(*changes)


def compared(scene: Scene, redraw: Redraw, name: str) -> Scene:
    """Return a scene changed in another respect: the concept stays, and the objects that show it look otherwise.

    For a colour their texture is another, for a texture their colour, for a kind or a part both are.
    """
    place, _ = find_concept(name)
    changes = []
    for index in shown_by(scene, name):
        change = Change(index)
        if place != "colour_map":
            used = {*np.unique(scene.colour_map).tolist()}
            colour = _free(len(COLOURS), used, int(scene.colours[index]))
            accent = _free(len(COLOURS), used | {colour}, int(scene.accents[index]))
            change = replace(change, colour=colour, accent=accent)
        if place != "texture_map":
            change = replace(change, texture=_free(len(TEXTURES), scene.textures.tolist(), int(scene.textures[index])))
        changes.append(change)
    return redraw(*changes)


def _free(count: int, used: Container[int], before: int) -> int:
    """Return a number of 1 .. count - 1 that is not in use, the next one after `before`."""
    order = [1 + (before + step) % (count - 1) for step in range(count - 1)]
    return next(number for number in order if number not in used)
