"""Concepts: what the pixels of pictures show, by name: what a unit may have learned to detect.

Generated scenes know it of every pixel; a folder of pictures tells it by masks beside them (`mask_files.py`).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.mask_files import (
    CATEGORY,
    LIST,
    VOID,
    MaskFolder,
    mask_folder,
    picture_size,
    read_concepts,
    read_mask,
)
from minitorch_viz.data.pictures import FilePictures, Pictures, ScenePictures
from minitorch_viz.data.scenes.scene import CONCEPTS as SCENE_CONCEPTS
from minitorch_viz.errors import DataFileError
from minitorch_viz.models.readers.preprocessing import Preprocessing

BACKGROUND = "background"
CATEGORIES = {"kind_map": "kind", "part_map": "part", "texture_map": "texture", "colour_map": "colour"}


class Truth(NamedTuple):
    """Hold what the pixels of one picture show.

    Concepts that exclude each other share a map: a pixel of it holds 1 + the concept's index, or 0 for none of them.
    """

    maps: Array  # (m, H, W) whole numbers
    known: Array  # (H, W) bool: labelled pixels; of the others it is not known what they show
    remark: str = ""  # what was done to a mask, in words

    def masks(self, count: int) -> Array:
        """Return (count, H, W) bool: where each concept is; False where it is not known."""
        masks = np.zeros((count, *self.known.shape), bool)
        for layer in self.maps:
            rows, columns = np.nonzero((layer > 0) & self.known)
            masks[layer[rows, columns].astype(np.int64) - 1, rows, columns] = True
        return masks

    def seen_by(self, preprocessing: Preprocessing, size: Pair) -> Truth:
        """Return what the net sees of it, at another size (h, w), by the nearest pixel."""
        rows, columns = _sampled(preprocessing, self.known.shape, size)
        return Truth(self.maps[:, rows][:, :, columns], self.known[rows][:, columns], self.remark)


@dataclass(frozen=True, eq=False)
class Concepts:
    """Name what pixels may show, and tell it of each picture by its number."""

    names: tuple[str, ...]  # each once
    categories: tuple[str, ...]  # one a concept

    def __len__(self) -> int:
        return len(self.names)

    @property
    def layers(self) -> int:
        """Return how many maps a picture's truth has."""
        raise NotImplementedError

    def truth(self, number: int) -> Truth:
        """Return what the pixels of picture `number` show, at the picture's own size.

        Raises DataFileError if its mask does not fit it, ImageFileError if it cannot be read.
        """
        raise NotImplementedError

    def masks(self, number: int) -> Array:
        """Return (K, H, W) bool, where each concept is in picture `number`."""
        return self.truth(number).masks(len(self))

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what a user should know of the masks, in sentences."""
        return ()

    def __repr__(self) -> str:
        counts = {category: self.categories.count(category) for category in dict.fromkeys(self.categories)}
        return f"Concepts({', '.join(f'{count} of {category}' for category, count in counts.items())})"


@dataclass(frozen=True, eq=False, repr=False)
class SceneConcepts(Concepts):
    """Tell what generated scenes show: kinds, parts, textures, colours and the background, of every pixel."""

    pictures: ScenePictures

    @property
    def layers(self) -> int:
        return len(CATEGORIES)

    def truth(self, number: int) -> Truth:
        scene = self.pictures.scene(number)
        maps = np.stack([table[getattr(scene, name)] for name, table in _scene_tables().items()])
        return Truth(maps, np.ones(maps.shape[1:], bool))


@functools.cache
def _scene_tables() -> dict[str, Array]:
    """Return {map: for each value in it 1 + the concept's index, 0 for none}; the background stands in one map only."""
    numbers = {place: 1 + index for index, place in enumerate(SCENE_CONCEPTS.values())}
    return {name: np.array([numbers.get((name, value), 0) for value in range(256)], np.uint8) for name in CATEGORIES}


@dataclass(frozen=True, eq=False, repr=False)
class FolderConcepts(Concepts):
    """Tell what pictures in a folder show, by the masks beside them."""

    folder: MaskFolder
    table: Array  # (65536,) of a mask's numbers 1 + the concept's index; 0: none, -1: not labelled, -2: unknown

    @property
    def layers(self) -> int:
        return len(self.folder.folders)

    def truth(self, number: int) -> Truth:
        files = self.folder.masks[number]
        height, width = picture_size(self.folder.pictures[number])
        remarks, maps = [], []
        if not any(files):
            nothing = np.zeros((self.layers, height, width), np.int32)
            return Truth(nothing, np.zeros((height, width), bool), "it has no mask")
        for index, file in enumerate(files):
            if file is None:  # the picture has masks, of other concepts: this one it does not show
                maps.append(np.zeros((height, width), np.int32))
                continue
            values, remark = _fitted(read_mask(file), (height, width), str(file), self.folder.pictures[number].name)
            remarks.append(remark)
            if self.folder.folders == ("",):
                maps.append(self._looked_up(values, str(file)))
            else:
                maps.append(np.where(values > values.max() / 2, 1 + index, 0))  # white may be 1 or 255
        stacked = np.stack(maps).astype(np.int32)
        labelled: Array = np.logical_and.reduce(stacked >= 0)
        return Truth(np.maximum(stacked, 0), labelled, next(filter(None, remarks), ""))

    def _looked_up(self, values: Array, file: str) -> Array:
        """Return 1 + the concept's index for each of a mask's numbers."""
        entries: Array = self.table[np.clip(values, 0, len(self.table) - 1)]
        if (entries == -2).any():
            row, column = np.argwhere(entries == -2)[0].tolist()
            raise DataFileError(
                f"{file} has the number {values[row, column]} at row {row}, column {column}, which {LIST} does not "
                "list; add a line for it (0 is none of the concepts, 255 is not labelled)."
            )
        return entries

    @property
    def notes(self) -> tuple[str, ...]:
        unused = self.folder.unused
        if not unused:
            return ()
        names = ", ".join(path.name for path in unused[:3]) + " ..." * (len(unused) > 3)
        return (f"{len(unused)} masks belong to no picture: {names}.",)


def concepts_of(pictures: Pictures) -> Concepts | None:
    """Return what the pixels of these pictures show; None if nothing tells.

    Generated scenes have it; of a folder the masks beside the pictures tell it.

    Raises DataFileError if there are masks, but no picture they belong to, or no list of their numbers.

    >>> from minitorch_viz.data.pictures import as_pictures
    >>> concepts = concepts_of(as_pictures("scenes:3"))
    >>> concepts
    Concepts(1 of background, 22 of kind, 29 of part, 10 of texture, 11 of colour)
    >>> masks = concepts.masks(0)  # of the first picture
    >>> masks.shape, [name for name, mask in zip(concepts.names, masks) if mask.any()][:3]
    ((73, 64, 64), ['background', 'tree', 'boat'])
    """
    if isinstance(pictures, ScenePictures):
        categories = [
            BACKGROUND if name == BACKGROUND else CATEGORIES[place] for name, (place, _) in SCENE_CONCEPTS.items()
        ]
        return SceneConcepts(tuple(SCENE_CONCEPTS), tuple(categories), pictures)
    if isinstance(pictures, FilePictures) and pictures.place is not None:
        folder = mask_folder(pictures.place, pictures.files)
        return None if folder is None else _of_folder(folder)
    return None


def _of_folder(folder: MaskFolder) -> FolderConcepts:
    listed = read_concepts(folder.place)
    table = np.full(65536, -2, np.int32)
    if folder.folders != ("",):
        categories = {entry.name: entry.category for entry in listed or ()}
        return FolderConcepts(
            folder.folders, tuple(categories.get(name, CATEGORY) for name in folder.folders), folder, table
        )
    if listed is None or any(entry.number is None for entry in listed):
        raise DataFileError(
            f"{folder.place} has masks of numbers, so that a list of them is needed: {LIST}, in each line "
            "number,name,category."
        )
    table[VOID], table[0] = -1, 0
    for index, entry in enumerate(listed):
        if entry.number is None or entry.number >= len(table):
            raise DataFileError(f"{folder.place / LIST} has the number {entry.number}; masks hold 0 to 65535.")
        table[entry.number] = 1 + index
    return FolderConcepts(
        tuple(entry.name for entry in listed), tuple(entry.category for entry in listed), folder, table
    )


def _fitted(values: Array, size: Pair, file: str, picture: str) -> tuple[Array, str]:
    """Return a mask at its picture's size (H, W), and what was done, in words; DataFileError if the shapes differ."""
    height, width = size
    if values.shape == size:
        return values, ""
    h, w = values.shape
    if abs(h * width - w * height) > max(h, w, height, width):  # sides that were rounded are off by up to a pixel
        raise DataFileError(
            f"{file} has {h} x {w} pixels, but its picture {picture} has {height} x {width}, which is another shape; a "
            "mask covers its whole picture."
        )
    rows, columns = _nearest(0, h, height, h), _nearest(0, w, width, w)
    return values[rows][:, columns], f"its mask of {h} x {w} pixels was brought to the picture's size"


def _nearest(start: float, span: float, count: int, limit: int) -> Array:
    """Return which pixel of `limit` is nearest to the middles of `count` equal parts of start .. start + span."""
    return np.clip((start + (np.arange(count) + 0.5) * (span / count)).astype(np.int64), 0, limit - 1)


def _sampled(preprocessing: Preprocessing, shape: tuple[int, ...], size: Pair) -> tuple[Array, Array]:
    """Return the rows and the columns of a picture of this shape that stand at (h, w) places of what the net sees."""
    top, left, height, width = preprocessing.cut(shape[0], shape[1])
    return _nearest(top, height, size[0], shape[0]), _nearest(left, width, size[1], shape[1])
