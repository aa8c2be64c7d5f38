"""Where the parts of things are in pictures of one kind: told by a file, known of scenes, or the same places in all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.pictures import DatasetPictures, Pictures, ScenePictures
from minitorch_viz.data.scenes.kinds import ALL, KINDS
from minitorch_viz.data.scenes.scene import Scene, find_concept
from minitorch_viz.errors import DataFileError, SettingError, near
from minitorch_viz.io.tables import read_lines

Places = Mapping[str, tuple[float, float]]  # part -> (row, column) in the picture's own pixels

HEAD = ("file", "part", "row", "column")
# Shares of the height and the width, looked up in the mean of all 400 faces, which were cut out alike.
OF_FACES: Places = {"left eye": (0.25, 0.25), "right eye": (0.25, 0.72), "nose": (0.48, 0.48), "mouth": (0.72, 0.48)}
OF_ANY: Places = {"middle": (0.5, 0.5), "upper left": (0.25, 0.25), "lower right": (0.75, 0.75)}


class Marked(NamedTuple):
    """Hold one picture with the places of its parts."""

    number: int
    places: Places
    shares: bool = False  # whether the places are shares of the height and the width, and no pixels

    def middles(self, size: Pair) -> list[Array]:
        """Return the (row, column) of each part in a picture of this size (H, W)."""
        factors = np.array(size) - 1 if self.shares else np.ones(2)
        return [np.array(place) * factors for place in self.places.values()]


class Source(NamedTuple):
    """Hold the pictures of one kind that have all the parts."""

    kind: str  # what they show: "face"; "" if nothing is said
    parts: tuple[str, ...]
    marked: tuple[Marked, ...]
    remark: str  # how the places are known


def source_of(pictures: Pictures, file: Path | None, kind: str | None, most: int) -> Source:
    """Return up to `most` pictures of one kind, with the places of their parts.

    file: a table with the columns file, part, row, column; None: of scenes the parts are known, of the Olivetti faces
        about where they are, and of other pictures the same places of each stand for them.
    kind: of scenes the object, of labelled pictures the class; None: a face, or the commonest class.

    Raises SettingError for an unknown kind, DataFileError if the file is damaged or fewer than two pictures are left.
    """
    if file is not None:
        source = _by_file(pictures, file, kind)
    elif isinstance(pictures, ScenePictures):
        source = _of_scenes(pictures, kind, most)
    else:
        source = _same_places(pictures, kind)
    if len(source.marked) < 2:
        of = f" of the kind {source.kind!r}" if source.kind else ""
        parts = f" with the parts {', '.join(source.parts)}" if source.parts else ""
        raise DataFileError(
            f"Pairs of pictures are compared, but {pictures.name} has {len(source.marked)}{of}{parts} among its "
            f"{len(pictures)}; give more pictures, or another kind."
        )
    return source._replace(marked=source.marked[:most])


def _of_scenes(pictures: ScenePictures, kind: str | None, most: int) -> Source:
    """Take scenes that show an object of a kind with all of its parts."""
    name = "face" if kind is None else kind
    if name not in ALL:
        raise SettingError(f"Scenes show no {name!r}; {near(name, ALL, 'kind')}.")
    marked: list[Marked] = []
    for number in range(len(pictures)):
        places = parts_in(pictures.scene(number), name)
        if places is not None:
            marked.append(Marked(number, places))
        if len(marked) == most:
            break
    remark = "The places are those of the generated scenes: the middle of each part's largest piece that is seen."
    return Source(name, ALL[name].parts, tuple(marked), remark)


def parts_in(scene: Scene, kind: str) -> Places | None:
    """Return where a scene's object of a kind has its parts; None if there is none, or a part of it is hidden."""
    numbers = [i for i, each in enumerate(scene.kinds.tolist()) if KINDS[each] == kind]
    if not numbers:
        return None
    visible = scene.object_map == 1 + numbers[0]
    places = {}
    for part in ALL[kind].parts:
        place = middle_of(visible & (scene.part_map == find_concept(part)[1]))
        if place is None:
            return None
        places[part] = place
    return places


def middle_of(mask: Array) -> tuple[float, float] | None:
    """Return the middle of the largest connected piece of a mask (H, W), the first of equals; None if it is empty."""
    from scipy.ndimage import label

    pieces, count = label(mask)
    if not count:
        return None
    sizes = np.bincount(pieces.ravel())[1:]
    rows, columns = np.nonzero(pieces == 1 + sizes.argmax())
    return float(rows.mean()), float(columns.mean())


def _same_places(pictures: Pictures, kind: str | None) -> Source:
    """Take the same places of every picture."""
    faces = isinstance(pictures, DatasetPictures) and pictures.name.startswith("Olivetti faces")
    shares, name = (OF_FACES, "face") if faces else (OF_ANY, "")
    numbers = list(range(len(pictures)))
    if pictures.class_names and not (faces and kind is None):
        name, numbers = _of_class(pictures, kind)
    elif kind is not None:
        raise SettingError(f"{pictures.name} has no labels, so kind={kind!r} chooses nothing; leave it out.")
    marked = tuple(Marked(number, shares, shares=True) for number in numbers)
    remark = (
        "The faces were cut out alike: eyes, nose and mouth are about where they are in the mean face."
        if faces
        else "No parts are known of these pictures: the same places of each stand for them. A file with the columns "
        "file, part, row, column tells where they are (parts=)."
    )
    return Source(name, tuple(shares), marked, remark)


def _of_class(pictures: Pictures, kind: str | None) -> tuple[str, list[int]]:
    """Return a class and the numbers of its pictures; the commonest class, if none is named."""
    labels = [pictures.label(number) for number in range(len(pictures))]
    names = pictures.class_names
    if kind is None:
        counts = np.bincount([label for label in labels if label is not None], minlength=len(names))
        index = int(counts.argmax())
    elif kind in names:
        index = names.index(kind)
    else:
        raise SettingError(f"{pictures.name} has no class {kind!r}; {near(kind, names, 'class')}.")
    return names[index], [number for number, label in enumerate(labels) if label == index]


def _by_file(pictures: Pictures, file: Path, kind: str | None) -> Source:
    """Take the pictures for which a file tells the places of all parts that it names."""
    table: dict[str, dict[str, tuple[float, float]]] = {}
    for name, part, row, column in _lines(file):
        table.setdefault(name, {})[part] = (row, column)
    parts = tuple(dict.fromkeys(part for places in table.values() for part in places))
    titles = {pictures.title(number): number for number in reversed(range(len(pictures)))}
    unknown = [name for name in table if name not in titles and not _is_number(name, len(pictures))]
    numbers = {name: titles[name] if name in titles else int(name) for name in table if name not in unknown}
    if kind is not None:
        _, chosen = _of_class(pictures, kind)
        numbers = {name: number for name, number in numbers.items() if number in chosen}
    marked = [
        Marked(number, {part: table[name][part] for part in parts})
        for name, number in numbers.items()
        if len(table[name]) == len(parts)
    ]
    short = len(numbers) - len(marked)
    left_out = f" {len(unknown)} of its names are no picture's, such as {unknown[0]!r}." if unknown else ""
    lacking = f" {short} pictures lack a part and are left out." if short else ""
    remark = f"The places are those of {file.name}.{left_out}{lacking}"
    if not marked:
        raise DataFileError(
            f"{file} tells all the parts {', '.join(parts)} of no picture of {pictures.name}, whose pictures are "
            f"called {', '.join(list(titles)[::-1][:3])}, ...; "
            "its first column is a picture's name, or its number from 0."
        )
    return Source(kind or "", parts, tuple(sorted(marked, key=lambda each: each.number)), remark)


def _is_number(name: str, count: int) -> bool:
    return name.isascii() and name.isdigit() and int(name) < count


def _lines(file: Path) -> Iterator[tuple[str, str, float, float]]:
    """Yield the lines of a table: a picture, a part, and its row and column in the picture's own pixels."""
    for number, (label, words) in enumerate(read_lines(file, "table of parts")):
        if number == 0 and tuple(word.lower() for word in words) == HEAD:
            continue
        try:
            name, part, row, column = words
            position = float(row), float(column)
        except ValueError:
            position = (np.nan, np.nan)
        if not np.isfinite(position).all():
            raise DataFileError(
                f"{label}: a line is file,part,row,column, as photo1.jpg,left eye,40,52, but it is "
                f"{','.join(words)!r:.60}."
            )
        yield name, part, *position
