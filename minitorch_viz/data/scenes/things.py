"""What can be said of a scene: its things by kind and colour, and which of them lies beside which."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.scenes.colours import COLOURS
from minitorch_viz.data.scenes.kinds import KINDS
from minitorch_viz.data.scenes.scene import Scenes

LEAST_VISIBLE = 0.7  # of a thing that is spoken of
FAR, NEAR = 0.12, 0.04  # of the picture's side: surely left of something; not left of it at all
# What each side is called, and the axis (0: rows, 1: columns) and direction in which a thing on it lies.
SIDES = {"left of": (1, -1), "right of": (1, 1), "above": (0, -1), "below": (0, 1)}


@dataclass(frozen=True)
class Thing:
    """Hold what is said of one object of a scene."""

    index: int  # in the scene; its pixels are those where object_map is index + 1
    kind: str  # one of KINDS[1:]
    colour: str  # of its main part, one of COLOURS[1:]; no other object of the scene has it
    centre: tuple[float, float]  # of the box around what is seen of it, (row, column) in shares of the picture, 0..1
    area: float  # what is seen of it, as a share of the picture
    is_clear: bool  # enough is seen of it, and most of that is of its colour
    is_the_only: bool  # no other object shows a pixel of its colour


def things(scenes: Scenes, number: int) -> list[Thing]:
    """Return the things of scene `number` of a batch, in the order of its objects; the main one is the first."""
    object_map, colour_map = scenes.object_map[number], scenes.colour_map[number]
    count = int(scenes.counts[number])
    pairs = object_map.astype(np.int64) * len(COLOURS) + colour_map
    pixels = np.bincount(pairs.ravel(), minlength=(count + 1) * len(COLOURS)).reshape(-1, len(COLOURS))[1:]
    sides = np.array(object_map.shape * 2, float)
    listed = []
    for index in range(count):
        colour = int(scenes.colours[number, index])
        top, left, bottom, right = (scenes.boxes[number, index] / sides).tolist()
        own = pixels[index]
        listed.append(
            Thing(
                index,
                KINDS[scenes.kinds[number, index]],
                COLOURS[colour],
                ((top + bottom) / 2, (left + right) / 2),
                float(own.sum() / object_map.size),
                bool(scenes.visible[number, index] >= LEAST_VISIBLE and 2 * own[colour] > own.sum()),
                bool(pixels[:, colour].sum() == own[colour]),
            )
        )
    return listed


def mask_of(scenes: Scenes, number: int, index: int) -> Array:
    """Return (H, W) bool, where object `index` of a scene is seen; nowhere for the index -1, which is no object's."""
    mask: Array = (scenes.object_map[number] == index + 1) & (index >= 0)
    return mask


def side_of(thing: Thing, other: Thing) -> str:
    """Return on which side of another a thing lies, by the larger of the two distances: "left of"."""
    rows, columns = thing.centre[0] - other.centre[0], thing.centre[1] - other.centre[1]
    if abs(columns) >= abs(rows):
        return "left of" if columns < 0 else "right of"
    return "above" if rows < 0 else "below"


def beside(listed: list[Thing]) -> list[tuple[Thing, str, Thing]]:
    """Return what is surely true of a scene: (thing, side, other), where nothing else lies on that side of the other.

    A thing is left of another if its centre is so by at least 0.12 of the picture's side, and farther to the left than
    above or below; nothing else is, if no other centre is farther to the left than 0.04.
    """
    facts = []
    for thing, other in permutations(listed, 2):
        side = side_of(thing, other)
        axis, direction = SIDES[side]
        distances = {
            third.index: direction * (third.centre[axis] - other.centre[axis]) for third in listed if third is not other
        }
        own = distances.pop(thing.index)
        if own >= FAR and all(distance <= NEAR for distance in distances.values()):
            facts.append((thing, side, other))
    return facts


def with_article(words: str) -> str:
    """Return words with "a" or "an" in front."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"
