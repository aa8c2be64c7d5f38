"""The kinds of objects, each a function of a few lines: coordinates (u, v) -> one mask a part, later ones on top.

A part's paint is "main" (the object's colour and texture), "accent" (a second colour, plain), or names of colours,
plain: the first that is not the object's own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.scenes.shapes import box, disc, grid, heart, polygon, star

Draw: TypeAlias = Callable[[Array, Array], tuple[Array, ...]]
DARK, LIGHT = ("black", "white"), ("white", "yellow")


@dataclass(frozen=True)
class Kind:
    """Describe one kind of object."""

    name: str
    parts: tuple[str, ...]
    paints: tuple[str | tuple[str, ...], ...]  # one a part
    tilt: float  # it is turned by up to this many degrees each way
    draw: Draw

    def render(self, radius: float, angle: float, mirrored: bool) -> Array:
        """Return which part each pixel shows, (h, w) uint8: 0 is none, i + 1 is `parts[i]`; no empty rows around."""
        u, v = grid(radius, angle, mirrored)
        masks = self.draw(u, v)
        part_numbers: Array = masks[0].view("u1").copy()
        for number, mask in enumerate(masks[1:], 2):
            part_numbers[mask] = number
        rows, columns = np.flatnonzero(part_numbers.any(axis=1)), np.flatnonzero(part_numbers.any(axis=0))
        return part_numbers[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]

    @functools.cached_property
    def filled(self) -> float:
        """Return the share of the square -1..1 that it covers."""
        return float((self.render(50, 0, False) > 0).sum() / 100**2)


ALL: dict[str, Kind] = {}


def kind(tilt: float = 12, name: str = "", **paints: str | tuple[str, ...]) -> Callable[[Draw], Draw]:
    """Return a decorator that enters a drawing function as a kind, its parts by name with their paints."""

    def enter(draw: Draw) -> Draw:
        called = name or draw.__name__
        ALL[called] = Kind(called, tuple(paints), tuple(paints.values()), tilt, draw)
        return draw

    return enter


# ------------------------------------------------------------------ figures of one part


@kind(shape="main")
def circle(u: Array, v: Array) -> tuple[Array, ...]:
    return (disc(u, v, 0.95),)


@kind(shape="main")
def square(u: Array, v: Array) -> tuple[Array, ...]:
    return (box(u, v, -0.85, -0.85, 0.85, 0.85),)


@kind(shape="main")
def triangle(u: Array, v: Array) -> tuple[Array, ...]:
    return (polygon(u, v, (0, -0.9), (1, 0.8), (-1, 0.8)),)


@kind(tilt=30, name="star", shape="main")
def star_(u: Array, v: Array) -> tuple[Array, ...]:
    return (star(u, v, 1),)


@kind(shape="main")
def cross(u: Array, v: Array) -> tuple[Array, ...]:
    return (box(u, v, -0.32, -0.95, 0.32, 0.95) | box(u, v, -0.95, -0.32, 0.95, 0.32),)


@kind(shape="main")
def ring(u: Array, v: Array) -> tuple[Array, ...]:
    return (disc(u, v, 0.95) & ~disc(u, v, 0.5),)


@kind(name="heart", shape="main")
def heart_(u: Array, v: Array) -> tuple[Array, ...]:
    return (heart(u, v),)


@kind(tilt=30, shape="main")
def moon(u: Array, v: Array) -> tuple[Array, ...]:
    return (disc(u, v, 0.95) & ~disc(u, v, 0.8, (0.5, -0.1)),)


# ------------------------------------------------------------------ things with parts


@kind(tilt=180, shaft="main", tip="accent")
def arrow(u: Array, v: Array) -> tuple[Array, ...]:
    return box(u, v, -1, -0.24, 0.15, 0.24), polygon(u, v, (0.1, -0.7), (1, 0), (0.1, 0.7))


@kind(wall="main", roof="accent", door=("brown", "black"), window=LIGHT)
def house(u: Array, v: Array) -> tuple[Array, ...]:
    return (
        box(u, v, -0.72, -0.15, 0.72, 0.9),
        polygon(u, v, (0, -0.95), (0.98, -0.12), (-0.98, -0.12)),
        box(u, v, -0.5, 0.3, -0.12, 0.9),
        box(u, v, 0.15, 0.15, 0.5, 0.5),
    )


@kind(trunk=("brown", "black"), crown="main")
def tree(u: Array, v: Array) -> tuple[Array, ...]:
    crown = disc(u, v, 0.5, (0, -0.45)) | disc(u, v, 0.42, (-0.42, -0.05)) | disc(u, v, 0.42, (0.42, -0.05))
    return box(u, v, -0.15, 0.1, 0.15, 0.95), crown


@kind(tilt=8, body="main", window=LIGHT, wheel=DARK)
def car(u: Array, v: Array) -> tuple[Array, ...]:
    cabin = polygon(u, v, (-0.4, -0.55), (0.3, -0.55), (0.62, 0), (-0.62, 0))
    windows = polygon(u, v, (-0.33, -0.42), (-0.06, -0.42), (-0.06, -0.06), (-0.5, -0.06))
    windows |= polygon(u, v, (0.06, -0.42), (0.24, -0.42), (0.47, -0.06), (0.06, -0.06))
    wheels = disc(u, v, 0.25, (-0.52, 0.42)) | disc(u, v, 0.25, (0.52, 0.42))
    return cabin | box(u, v, -1, -0.05, 1, 0.42), windows, wheels


@kind(head="main", eye=DARK, mouth=DARK)
def face(u: Array, v: Array) -> tuple[Array, ...]:
    mouth = disc(u, v, 0.52, (0, 0.12)) & ~disc(u, v, 0.52, (0, -0.06)) & (v > 0.1)
    return disc(u, v, 0.92), disc(abs(u), v, 0.16, (0.36, -0.28)), mouth


@kind(tilt=20, body="main", tail="accent", fin="accent", eye=DARK)
def fish(u: Array, v: Array) -> tuple[Array, ...]:
    return (
        disc(u, v, 0.68, (0.27, 0), tall=0.68),
        polygon(u, v, (-0.98, -0.55), (-0.25, 0), (-0.98, 0.55)),
        polygon(u, v, (-0.1, -0.75), (0.45, -0.4), (-0.05, -0.38)),
        disc(u, v, 0.1, (0.6, -0.1)),
    )


@kind(stem=("green", "black"), petal="main", centre="accent")
def flower(u: Array, v: Array) -> tuple[Array, ...]:
    stem = box(u, v, -0.08, 0, 0.08, 1) | disc(u, v, 0.26, (0.26, 0.75), tall=0.5)
    petals = disc(u, v, 0.1, (0, -0.35))
    for turn in range(5):
        direction = math.radians(72 * turn - 90)
        petals |= disc(u, v, 0.31, (0.37 * math.cos(direction), -0.35 + 0.37 * math.sin(direction)))
    return stem, petals, disc(u, v, 0.22, (0, -0.35))


@kind(body="main", cap="accent", label=LIGHT)
def bottle(u: Array, v: Array) -> tuple[Array, ...]:
    neck = box(u, v, -0.17, -0.75, 0.17, -0.2)
    shoulder = polygon(u, v, (-0.17, -0.45), (0.17, -0.45), (0.42, -0.1), (-0.42, -0.1))
    glass = neck | shoulder | box(u, v, -0.42, -0.12, 0.42, 0.98)
    return glass, box(u, v, -0.22, -0.98, 0.22, -0.7), box(u, v, -0.42, 0.2, 0.42, 0.58)


@kind(mast=DARK, hull="main", sail="accent")
def boat(u: Array, v: Array) -> tuple[Array, ...]:
    sail = polygon(u, v, (0.1, -0.9), (0.8, 0.25), (0.1, 0.25)) | polygon(
        u, v, (-0.1, -0.7), (-0.1, 0.25), (-0.65, 0.25)
    )
    hull = polygon(u, v, (-0.98, 0.38), (0.98, 0.38), (0.62, 0.9), (-0.62, 0.9))
    return box(u, v, -0.07, -0.95, 0.07, 0.45), hull, sail


@kind(stem=LIGHT, cap="main", spot=LIGHT)
def mushroom(u: Array, v: Array) -> tuple[Array, ...]:
    spots = disc(u, v, 0.15, (-0.5, -0.2)) | disc(u, v, 0.17, (0.05, -0.5)) | disc(u, v, 0.14, (0.52, -0.22))
    return box(u, v, -0.28, 0, 0.28, 0.9), disc(u, v, 0.95, (0, 0.05), tall=0.95) & (v <= 0.1), spots


@kind(handle="accent", body="main")
def cup(u: Array, v: Array) -> tuple[Array, ...]:
    handle = disc(u, v, 0.42, (0.5, -0.05)) & ~disc(u, v, 0.22, (0.5, -0.05))
    return handle, polygon(u, v, (-0.9, -0.7), (0.5, -0.7), (0.32, 0.75), (-0.72, 0.75))


@kind(handle=DARK, canopy="main")
def umbrella(u: Array, v: Array) -> tuple[Array, ...]:
    hook = disc(u, v, 0.24, (0.17, 0.7)) & ~disc(u, v, 0.1, (0.17, 0.7)) & (v > 0.7)
    scallops = disc(abs(u), v, 0.33, (0.66, 0.1), tall=0.6) | disc(u, v, 0.33, (0, 0.1), tall=0.6)
    return box(u, v, -0.07, -0.95, 0.07, 0.72) | hook, disc(u, v, 0.98, (0, 0.08), tall=0.95) & (v < 0.1) & ~scallops


@kind(tilt=25, fin="accent", body="main", nose="accent", window=LIGHT)
def rocket(u: Array, v: Array) -> tuple[Array, ...]:
    fins = polygon(abs(u), v, (0.25, 0.25), (0.75, 0.9), (0.2, 0.8))
    body = disc(u, v, 0.42, (0, 0), tall=2.3) & (v < 0.75)
    return fins, body, body & (v < -0.5), disc(u, v, 0.18, (0, -0.15))


@kind(tilt=25, wing="main", spot="accent", body=DARK)
def butterfly(u: Array, v: Array) -> tuple[Array, ...]:
    side = abs(u)
    wings = disc(side, v, 0.5, (0.5, -0.4)) | disc(side, v, 0.37, (0.42, 0.4), tall=1.15)
    return wings, disc(side, v, 0.2, (0.55, -0.42)), disc(u, v, 0.13, (0, 0), tall=5.5)


KINDS = ("background", *ALL)
PARTS = ("background", *dict.fromkeys(part for drawing in ALL.values() for part in drawing.parts))
