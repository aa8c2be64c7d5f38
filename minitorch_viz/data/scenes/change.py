"""Change: one object of a scene drawn otherwise, or left out, while all else stays to the bit."""

from __future__ import annotations

from dataclasses import dataclass

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
