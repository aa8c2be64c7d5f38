"""Varied scenes: of one object everything stays but one thing, which goes through all its steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.scenes.colours import COLOURS
from minitorch_viz.data.scenes.generate import MAIN_AREA, Settings, checked, coloured, ground_of, textured
from minitorch_viz.data.scenes.kinds import ALL, KINDS
from minitorch_viz.data.scenes.paint import Placed, painted
from minitorch_viz.data.scenes.textures import TEXTURES
from minitorch_viz.errors import SettingError, near, need_whole

AREAS = 0.05, MAIN_AREA[1]  # of the picture: the smallest and the largest object
PLACES = 9  # from the left border to the right one
SIZES = 8
TURN = 30  # degrees a step


class Varied(NamedTuple):
    """Hold pictures in which one thing changes along the second axis."""

    images: Array  # (S, D, H, W, 3) uint8: S objects on their backgrounds, D steps
    steps: tuple[str, ...]  # (D,): what each step is, "red", "-30"
    axis: str  # what the steps are: "colour", "rotation in degrees"


@dataclass(frozen=True)
class Recipe:
    """Say what one scene of one object is."""

    kind: int  # KINDS
    texture: int  # TEXTURES
    colour: int  # COLOURS
    accent: int  # COLOURS, another one
    area: float  # of the picture that the object covers
    angle: float  # degrees, clockwise
    mirrored: bool
    centre: tuple[float, float]  # (row, column), 0..1 of the picture's sides
    seed: tuple[int, ...]  # of the background, the place in the texture, and the noise
    across: float | None = None  # in place of the centre's column: 0 touches the left border, 1 the right one

    def with_colour(self, colour: int) -> Recipe:
        """Return the recipe in another colour; where it is the accent, the two change places."""
        accent = self.colour if colour == self.accent else self.accent
        return replace(self, colour=colour, accent=accent)


class Dimension(NamedTuple):
    """Say what changes, and in which steps."""

    values: Sequence[float]
    steps: tuple[str, ...]
    axis: str
    change: Callable[[Recipe, float], Recipe]


def _dimensions() -> dict[str, Dimension]:
    areas = np.geomspace(*AREAS, SIZES).tolist()
    turns = range(-180, 180, TURN)
    shares = np.linspace(0, 1, PLACES).tolist()
    return {
        "kind": Dimension(range(1, len(KINDS)), KINDS[1:], "kind", lambda r, v: replace(r, kind=int(v))),
        "colour": Dimension(range(1, len(COLOURS)), COLOURS[1:], "colour", lambda r, v: r.with_colour(int(v))),
        "rotation": Dimension(turns, tuple(map(str, turns)), "rotation in degrees", lambda r, v: replace(r, angle=v)),
        "size": Dimension(
            areas, tuple(f"{100 * a:.0f}" for a in areas), "size in % of the picture", lambda r, v: replace(r, area=v)
        ),
        "texture": Dimension(range(1, len(TEXTURES)), TEXTURES[1:], "texture", lambda r, v: replace(r, texture=int(v))),
        "place": Dimension(
            shares,
            tuple(f"{100 * share:.0f}" for share in shares),
            "place: from the left (0) to the right (100)",
            lambda r, v: replace(r, across=v),
        ),
    }


DIMENSIONS = tuple(_dimensions())


def varied(
    dimension: str,
    count: int = 16,
    seed: int = 0,
    *,
    start: int = 0,
    size: int | Pair = 64,
    kinds: Sequence[str] | None = None,
    noise: int = 5,
) -> Varied:
    """Make pictures of `count` objects, each on its own background, in which one thing goes through all its steps.

    All else of an object stays: its centre (where it would reach beyond the border it is moved inside), its place in
    the texture, its background, the noise of each pixel. Object i of a seed is the same for every dimension, whatever
    `count` and `start` are.

    dimension: one of DIMENSIONS: "kind", "colour", "rotation", "size", "texture" or "place".
    start: the number of the first. size, kinds, noise: as in `scenes`.

    Raises SettingError for a value that does not fit.
    """
    if dimension not in DIMENSIONS:
        raise SettingError(
            f"There is no dimension {dimension!r} of scenes; {near(dimension, DIMENSIONS, 'dimension')}."
        )
    settings = checked(size, 1, kinds, noise)
    need_whole("number of objects", count, 1, 10**6)
    need_whole("seed", seed, 0)
    need_whole("start", start, 0)
    chosen = _dimensions()[dimension]
    images = np.empty((count, len(chosen.steps), settings.height, settings.width, 3), np.uint8)
    for row, number in enumerate(range(start, start + count)):
        recipe = recipe_of(number, seed, settings)
        for column, value in enumerate(chosen.values):
            images[row, column] = picture_of(chosen.change(recipe, value), settings)
    return Varied(images, chosen.steps, chosen.axis)


def recipe_of(number: int, seed: int, settings: Settings) -> Recipe:
    """Return what object `number` of a seed is."""
    rng = np.random.default_rng([seed, number, 1])
    kind = int(rng.choice(settings.kinds))
    colour, accent = (1 + rng.permutation(len(COLOURS) - 1))[:2].tolist()
    texture = int(rng.integers(1, len(TEXTURES)))
    share, tilt, mirrored, *shares = rng.random(5).tolist()
    area = MAIN_AREA[0] + share * (MAIN_AREA[1] - MAIN_AREA[0])
    angle = (2 * tilt - 1) * ALL[KINDS[kind]].tilt
    seeds = (seed, number, 2)
    recipe = Recipe(kind, texture, colour, accent, area, angle, mirrored < 0.5, (0.5, 0.5), seeds)
    sides = zip(shares, _parts(recipe, settings).shape, (settings.height, settings.width), strict=True)
    row, column = ((part / 2 + share * (side - part)) / side for share, part, side in sides)
    return replace(recipe, centre=(row, column))


def picture_of(recipe: Recipe, settings: Settings) -> Array:
    """Return a scene of one object, (H, W, 3) uint8."""
    background, texture, noise = np.random.default_rng(recipe.seed).spawn(3)
    shape, parts = (settings.height, settings.width), _parts(recipe, settings)
    rooms = shape[0] - parts.shape[0], shape[1] - parts.shape[1]
    centres = zip(recipe.centre, shape, parts.shape, rooms, strict=True)
    top, left = (min(max(round(centre * side - part / 2), 0), room) for centre, side, part, room in centres)
    if recipe.across is not None:
        left = round(recipe.across * rooms[1])
    row = (recipe.kind, recipe.texture, recipe.colour, recipe.accent)
    placed = Placed(row, parts, textured(recipe.texture, parts.shape, settings, texture), (top, left))
    _, ground = ground_of(background, settings)
    return coloured(*painted([placed], [0], shape), ground, settings.noise, noise)


def _parts(recipe: Recipe, settings: Settings) -> Array:
    """Return which part of the object each pixel shows, no larger than the picture: turned corners may be cut off."""
    kind = ALL[KINDS[recipe.kind]]
    radius = min(math.sqrt(recipe.area * settings.side**2 / (4 * kind.filled)), 0.49 * settings.side)
    parts = kind.render(radius, math.radians(recipe.angle), recipe.mirrored)
    beyond = [max(part - side, 0) for part, side in zip(parts.shape, (settings.height, settings.width), strict=True)]
    top, left = beyond[0] // 2, beyond[1] // 2
    return parts[top : top + settings.height, left : left + settings.width]
