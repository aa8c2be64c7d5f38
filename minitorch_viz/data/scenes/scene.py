"""Scene and Scenes: pictures of which the truth is known at every pixel."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.data.scenes.colours import COLOURS
from minitorch_viz.data.scenes.kinds import KINDS, PARTS
from minitorch_viz.data.scenes.textures import BACKGROUNDS, TEXTURES
from minitorch_viz.errors import SettingError, near

CONCEPTS = {  # every name once -> the map it is in, and its value there
    name: (map_name, number)
    for map_name, names in {
        "kind_map": KINDS,
        "part_map": PARTS,
        "texture_map": TEXTURES,
        "colour_map": COLOURS,
    }.items()
    for number, name in enumerate(names)
}


def find_concept(name: str) -> tuple[str, int]:
    """Return the map that a concept is in and its value there; SettingError with near names if there is none."""
    if not isinstance(name, str) or name not in CONCEPTS:
        raise SettingError(f"There is no concept {name!r} in the scenes; {near(name, CONCEPTS)}.")
    return CONCEPTS[name]


@dataclass(frozen=True, eq=False)
class Scene:
    """Hold one picture, five maps of what each pixel shows, and n objects; object 0 is the main one, the label.

    In every map 0 is the background and the other values are indices into KINDS, PARTS, TEXTURES and COLOURS.
    """

    image: Array  # (H, W, 3) uint8, RGB
    object_map: Array  # (H, W) uint8, 1 + the object's index
    kind_map: Array  # (H, W) uint8, KINDS
    part_map: Array  # (H, W) uint8, PARTS
    texture_map: Array  # (H, W) uint8, TEXTURES
    colour_map: Array  # (H, W) uint8, COLOURS
    kinds: Array  # (n,) uint8, KINDS, no kind twice
    textures: Array  # (n,) uint8, the texture of the main part
    colours: Array  # (n,) uint8, the colour of the main part
    accents: Array  # (n,) uint8, the second colour (of a roof, a tail); not every kind shows it
    boxes: Array  # (n, 4) int32: top, left, bottom, right of the visible pixels; image[top:bottom, left:right]
    visible: Array  # (n,) float32, the share of the object that nothing hides, above 0 to 1
    depth: Array  # (n,) uint8, 0 is nearest: it hides those behind
    masks: Array  # (n, H, W) bool, the whole objects, hidden pixels too
    background: int  # BACKGROUNDS

    @property
    def label(self) -> int:
        """Return the main object's class, an index into KINDS[1:]; it has the largest visible area."""
        return int(self.kinds[0]) - 1

    def where(self, concept: str) -> Array:
        """Return (H, W) bool, the pixels that show a kind, part, texture or colour, by its name: "car", "red".
        ""red"."""
        map_name, number = find_concept(concept)
        mask: Array = getattr(self, map_name) == number
        return mask

    def __str__(self) -> str:
        """Return one line an object: `red car (rows), 80 % visible`."""
        lines = []
        for kind, texture, colour, visible in zip(self.kinds, self.textures, self.colours, self.visible, strict=True):
            lines.append(f"{COLOURS[colour]} {KINDS[kind]} ({TEXTURES[texture]}), {visible:.0%} visible")
        return "\n".join([*lines, f"on {BACKGROUNDS[self.background]}"])


MAPS = ("object_map", "kind_map", "part_map", "texture_map", "colour_map")
TABLES = ("kinds", "textures", "colours", "accents", "boxes", "visible", "depth")  # one row an object


@dataclass(frozen=True, eq=False)
class Scenes:
    """Hold N scenes as arrays; where a scene has fewer than the most objects M, its rows end in zeros."""

    images: Array  # (N, H, W, 3) uint8
    object_map: Array  # (N, H, W) uint8, as in Scene, and so on
    kind_map: Array  # (N, H, W) uint8
    part_map: Array  # (N, H, W) uint8
    texture_map: Array  # (N, H, W) uint8
    colour_map: Array  # (N, H, W) uint8
    counts: Array  # (N,) int64, how many objects each scene has, 1..M
    kinds: Array  # (N, M) uint8
    textures: Array  # (N, M) uint8
    colours: Array  # (N, M) uint8
    accents: Array  # (N, M) uint8
    boxes: Array  # (N, M, 4) int32
    visible: Array  # (N, M) float32
    depth: Array  # (N, M) uint8
    backgrounds: Array  # (N,) uint8

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        height, width = self.images.shape[1:3]
        return f"Scenes({len(self)} of {height} x {width}, {int(self.counts.sum())} objects)"

    @property
    def labels(self) -> Array:
        """Return (N,) int64, the class of each main object, an index into KINDS[1:]."""
        return self.kinds[:, 0].astype(np.int64) - 1

    def where(self, concept: str) -> Array:
        """Return (N, H, W) bool, the pixels that show a kind, part, texture or colour: what a unit may detect.

        Raises SettingError for a name that is in none of KINDS, PARTS, TEXTURES and COLOURS.
        """
        map_name, number = find_concept(concept)
        mask: Array = getattr(self, map_name) == number
        return mask

    def dataset(self, name: str = "scenes") -> Dataset:
        """Return the pictures, labelled with their main objects' kinds."""
        return Dataset(self.images, self.labels, KINDS[1:], name)


def empty_scenes(count: int, height: int, width: int, most: int) -> Scenes:
    """Return zeros for `count` scenes of up to `most` objects; SettingError if they do not fit into memory."""
    shapes: dict[str, tuple[int, ...]] = {"images": (height, width, 3), "counts": (), "backgrounds": ()}
    shapes |= dict.fromkeys(MAPS, (height, width)) | dict.fromkeys(TABLES, (most,)) | {"boxes": (most, 4)}
    dtypes = {"counts": np.int64, "boxes": np.int32, "visible": np.float32}
    try:
        arrays = {
            field.name: np.zeros((count, *shapes[field.name]), dtypes.get(field.name, np.uint8))
            for field in fields(Scenes)
        }
    except MemoryError as problem:
        raise SettingError(
            f"{count} scenes of {height} x {width} pixels do not fit into memory; make fewer."
        ) from problem
    return Scenes(**arrays)
