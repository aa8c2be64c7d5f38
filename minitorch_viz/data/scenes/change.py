"""Change: one object of a scene drawn otherwise, or left out, while all else stays to the bit."""

from __future__ import annotations

from dataclasses import dataclass

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.scenes.colours import COLOURS
from minitorch_viz.data.scenes.textures import TEXTURES
from minitorch_viz.errors import need_whole

Row = tuple[int, int, int, int]  # kind, texture, colour, accent: of one object, as in the tables of a scene


@dataclass(frozen=True)
class Change:
    """Say how one object of a scene is drawn otherwise; what is None stays.

    Where an object is left out the background shows, and what it hid of objects behind it.
    """

    index: int  # of the object
    left_out: bool = False
    texture: int | None = None  # TEXTURES
    colour: int | None = None  # COLOURS
    accent: int | None = None  # COLOURS: the second colour
    recoloured: Pair | None = None  # (old, new): every part of one colour gets another, those of fixed colours, too
    retextured: Pair | None = None  # (old, new): every part of one texture gets another

    def applied(self, row: Row) -> Row:
        """Return what the object is after the change. Raises SettingError for a number that is none of a name's."""
        kind, texture, colour, accent = row
        if self.texture is not None:
            texture = need_whole("texture", self.texture, 1, len(TEXTURES) - 1)
        if self.colour is not None:
            colour = need_whole("colour", self.colour, 1, len(COLOURS) - 1)
        if self.accent is not None:
            accent = need_whole("accent", self.accent, 1, len(COLOURS) - 1)
        return kind, texture, colour, accent

    def exchanged(self, row: Row) -> Row:
        """Return what the object is after parts of a colour or texture got another one."""
        kind, texture, colour, accent = row
        texture = _new(texture, self.retextured)
        return kind, texture, _new(colour, self.recoloured), _new(accent, self.recoloured)

    def exchange(self, textures: Array, colours: Array) -> None:
        """Do so with the textures and colours of an object's parts, in place."""
        for values, pair in ((textures, self.retextured), (colours, self.recoloured)):
            if pair is not None:
                values[values == pair[0]] = pair[1]


def _new(number: int, pair: Pair | None) -> int:
    return pair[1] if pair is not None and number == pair[0] else number
