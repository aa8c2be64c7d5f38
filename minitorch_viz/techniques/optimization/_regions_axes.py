"""The two directions that span the plane, and all others along which the border is looked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.techniques.optimization._regions_space import Space

Axis: TypeAlias = Literal["sign", "gradient", "closest", "random", "picture"]
ATTACKS: tuple[Axis, ...] = ("sign", "gradient", "closest")
SAME = 1e-6  # of a direction: less than this is left of it beside another one

VALUES = ("the first value", "the second value")  # of an input of two, where they have no names
KINDS = ("attack", "random", "picture")  # of the directions in which the border is looked for


@dataclass(frozen=True, eq=False)
class Directions:
    """Hold the plane, and R directions in which the border is looked for, all of size 1."""

    along: Array  # (D,)
    across: Array  # (D,), at right angles to it
    names: tuple[str, str]  # of the axes, in words
    every: Array  # (R, D): the attack's (where there is no slope the first axis), random ones, those to real pictures
    kinds: Array  # (R,) int: indices into KINDS
    far: Array  # (R,): how far each is followed: to the picture that it leads to
    attack: str  # what the first one of them is, in words


def directions_of(
    space: Space, along: Axis, across: Axis, moves: Array, count: int, seed: int, columns: Sequence[str]
) -> Directions:
    """Return the plane's two directions, the attack's, `count` random ones, and those to other pictures.

    moves: (M, D), from the middle to the pictures. columns: the names of the two numbers of a net that takes no more:
        the plane is then all that there is.
    Raises SettingError where there is no such direction.
    """
    rng = np.random.default_rng(seed)
    slope = space.slope()
    attack = along if along in ATTACKS else across if across in ATTACKS else ATTACKS[0]
    first, second = _axes(space, along, across, slope, moves, rng)
    names = (_words(space, along, 0), _words(space, across, int(along == "picture")))
    if len(space.middle) == 2:
        first, second = (space.unit_of(row) for row in np.eye(2))
        names = (columns[0], columns[1]) if len(columns) == 2 else VALUES
    random = [space.unit_of(_random(space, attack, rng)) for _ in range(count)]
    flat = not slope.any() and not {along, across} & {*ATTACKS}  # no attack, and none was asked for
    ways = [first if flat else _attack(space, attack, slope), *random, *(space.unit_of(move) for move in moves)]
    kinds = np.repeat(np.arange(3), [1, count, len(moves)])
    kinds[0] = flat
    far = np.concatenate([np.full(1 + count, space.far), space.size(moves)])
    return Directions(first, second, names, np.array(ways), kinds, far, "" if flat else _words(space, attack, 0))


def _axes(
    space: Space, along: Axis, across: Axis, slope: Array, moves: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return two directions of size 1 at right angles."""
    towards = iter(moves)
    first = _axis(space, along, along, slope, towards, rng)
    raw = _axis(space, across, along, slope, towards, rng)
    rest = raw - (raw @ first) / (first @ first) * first
    if float(space.size(rest)) < SAME:
        raise SettingError(
            f"The plane needs two directions, but {along} and {across} are one and the same here; take random for one "
            "of them."
        )
    return first, space.unit_of(rest)


def _axis(
    space: Space, kind: Axis, along: Axis, slope: Array, towards: Iterator[Array], rng: np.random.Generator
) -> Array:
    if kind in ATTACKS:
        return _attack(space, kind, slope)
    if kind == "random":
        return space.unit_of(_random(space, along, rng))
    move = next(towards, None)
    if move is None:
        raise SettingError(
            "An axis that leads to a picture needs one that is not the photo itself: give a folder or a data set with "
            "pictures=, of a net of numbers a table of rows."
        )
    return space.unit_of(move)


def _attack(space: Space, kind: Axis, slope: Array) -> Array:
    """Return the direction of size 1 in which an attack moves; SettingError where the slope is 0."""
    if not np.isfinite(slope).all() or not slope.any():
        raise SettingError(
            "The scores have no slope at this input (their gradient is 0), so that no attack has a direction; take "
            "random or picture for both axes."
        )
    if kind == "closest":
        move = space.closest
        if not move.any():
            raise SettingError(
                "DeepFool finds no border near this input, and so no closest one; take sign or gradient."
            )
        return space.unit_of(move)
    return space.unit_of(np.sign(slope) if kind == "sign" else slope)


def _random(space: Space, kind: Axis, rng: np.random.Generator) -> Array:
    """Return a random direction: beside a sign of a gradient random signs, else numbers of a normal distribution."""
    count = len(space.middle)
    if kind == "sign" and count > 2:  # of two numbers there would be four directions only
        return rng.integers(0, 2, count) * 2.0 - 1
    return rng.standard_normal(count)


def _words(space: Space, kind: Axis, number: int) -> str:
    target = space.aim.targets
    towards = f" to {space.aim.classes[int(target[0])]}" if target is not None else ""
    words = {
        "sign": f"along the sign of the gradient{towards}",
        "gradient": f"along the gradient{towards}",
        "closest": f"towards the closest border{towards} (DeepFool)",
        "random": "a random direction",
        "picture": f"towards {('a', 'another')[number]} real picture",
    }
    return words[kind]
