"""Textures as two-tone patterns, and the backgrounds; each is made once for a size and cut out at a random place."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from minitorch_viz._types import Array

Pattern: TypeAlias = Callable[[Array, Array, int], Array]
SEED = 7  # of the patterns that are random; a place in them is drawn for each object
COARSE = 1.5  # the second size of each texture's period


def random_blocks(x: Array, y: Array, side: int) -> Array:
    """Return a random number 0..1 for every block of `side` pixels, (H, W)."""
    rows, columns = (y[:, 0] // side).astype(int), (x[0] // side).astype(int)
    values: Array = np.random.default_rng(SEED).random((rows[-1] + 1, columns[-1] + 1))
    blocks: Array = values[rows][:, columns]
    return blocks


def dots(x: Array, y: Array, p: int) -> Array:
    """Draw round dots, every other row shifted by half a period."""
    x_in_period = (x + (y // p % 2) * (p // 2)) % p - (p - 1) / 2
    mask: Array = x_in_period**2 + (y % p - (p - 1) / 2) ** 2 <= (0.3 * p) ** 2
    return mask


def bricks(x: Array, y: Array, p: int) -> Array:
    """Draw rows of bricks, each half a brick beside the last, with thin joints."""
    height, width, joint = max(3, 2 * p // 3), 3 * p // 2, max(1, p // 6)
    joints: Array = (y % height < joint) | ((x + y // height % 2 * (width // 2)) % width < joint)
    return joints


PATTERNS: dict[str, Pattern] = {  # x, y in pixels and the period p -> True where the dark tone is
    "plain": lambda x, y, p: (x + y + p) < 0,
    "rows": lambda x, y, p: (y % p < p / 2) & (x >= 0),
    "columns": lambda x, y, p: (x % p < p / 2) & (y >= 0),
    "diagonals": lambda x, y, p: (x + y) % (2 * (2 * p // 3)) < 2 * p // 3,
    "checks": lambda x, y, p: (x // (p // 2) + y // (p // 2)) % 2 == 1,
    "dots": dots,
    "grid": lambda x, y, p: (x % p < max(1, p // 6)) | (y % p < max(1, p // 6)),
    "zigzags": lambda x, y, p: (y + abs(x % (2 * p) - p) * 3 // 4) % (6 * p // 5) < 3 * p // 5,
    "bricks": bricks,
    "speckles": lambda x, y, p: random_blocks(x, y, max(1, p // 6)) < 0.4,
}
TEXTURES = ("background", *PATTERNS)


@functools.lru_cache(maxsize=4)
def texture_tiles(side: int, unit: int) -> tuple[Array, int]:
    """Return (textures, 2, T, T) bool, True where the dark tone is, fine and coarse, T = side + room; and `room`.

    Windows of `side` pixels are cut out, each beginning at a place below `room`. unit: the fine period in pixels.
    """
    periods = (unit, round(COARSE * unit))
    room = 4 * periods[1]
    place = np.arange(side + room)
    x, y = place[None, :], place[:, None]
    patterns = [
        [np.broadcast_to(pattern(x, y, p), (len(place),) * 2) for p in periods] for pattern in PATTERNS.values()
    ]
    tiles = np.array(patterns, bool)
    tiles.setflags(write=False)
    return tiles, room


# ------------------------------------------------------------------ backgrounds


def smooth(side: int, cells: int) -> Array:
    """Make random hills: `cells` + 1 random numbers each way, with cubic slopes between them; (side, side) 0..1."""
    knots = np.random.default_rng(SEED).random((cells + 1, cells + 1))
    place = np.arange(side) * (cells / side)
    cell = place.astype(int)
    t = place - cell
    t = t * t * (3 - 2 * t)
    rows = knots[cell] * (1 - t)[:, None] + knots[cell + 1] * t[:, None]
    hills: Array = rows[:, cell] * (1 - t) + rows[:, cell + 1] * t
    return hills


def _ground(side: int) -> Array:
    """Make a flat sky over a ground that grows darker towards the viewer."""
    height = np.linspace(0, 1, side)
    return np.where(height < 0.5, 0.1, 0.55 + 0.7 * (height - 0.5))[:, None] + np.zeros(side)


def _grain(side: int) -> Array:
    place = np.arange(side)
    return random_blocks(place[None, :], place[:, None], max(1, side // 64))


def _patches(side: int) -> Array:
    return np.round(smooth(side, 10) * 3) / 3


GROUNDS: dict[str, Callable[[int], Array]] = {  # pixels -> (side, side), 0..1 between the two colours of a background
    "plain": lambda side: np.zeros((side, side)),
    "gradient": lambda side: np.linspace(0, 1, side)[:, None] + np.zeros(side),
    "clouds": lambda side: smooth(side, 12),
    "ground": _ground,
    "grain": _grain,
    "patches": _patches,
}
BACKGROUNDS = tuple(GROUNDS)


@functools.lru_cache(maxsize=4)
def background_tiles(side: int) -> Array:
    """Return (backgrounds, 2 * side, 2 * side) uint8, 0..255 between two colours; windows are cut out of it."""
    tiles = np.round(255 * np.stack([make(2 * side) for make in GROUNDS.values()])).clip(0, 255).astype(np.uint8)
    tiles.setflags(write=False)
    return tiles
