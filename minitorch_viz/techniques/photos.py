"""Photos by name: files, or "sample:2", the second picture that comes with a model."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.models.readers import Numbers


def sample_number(photo: str) -> int:
    """Return 2 of "sample:2", the second picture that comes with the model; 0 of the path of a file."""
    match = re.fullmatch(r"sample:([1-9][0-9]?)", photo)
    return int(match[1]) if match and not Path(photo).exists() else 0


def expanded(names: Sequence[str]) -> list[str]:
    """Return the photos that are meant, none twice: for a folder the pictures below it, for a pattern what matches.

    Patterns (*.jpg, photos/**/cat?.png) are for shells that hand them over as they are. A name that means no picture,
    such as an empty folder, stays as it is: reading it says what is wrong.
    """
    from minitorch_viz.data.picture_files import picture_files

    photos: list[str] = []
    for name in names:
        is_pattern = not os.path.lexists(name) and glob.has_magic(name)
        for match in (sorted(glob.glob(name, recursive=True)) if is_pattern else ()) or [name]:
            files = picture_files(Path(match)).files if os.path.isdir(match) else []
            photos += map(str, files) if files else [match]
    return list({os.path.abspath(photo): photo for photo in reversed(photos)}.values())[::-1]


def picture_meant(model: Model, photo: str, notes: list[str] | None = None) -> Any:
    """Return the pixels (H, W, 3) of the photo, or of "sample:2" that picture; SettingError if the model has fewer.

    Of a net for other channels (H, W, C), or the tensor that a .npy file holds; of one for rows or series the name of
    what holds them, of a table with several rows that of its first.
    notes: a list that gets a sentence where something was left out, such as an animation's other frames.
    """
    from minitorch_viz.io.images import load_image
    from minitorch_viz.models.readers import Numbers, Preprocessing
    from minitorch_viz.models.samples import sample_images

    number = sample_number(photo)
    reader = model.readers.get(model.net.inputs[0]) if len(model.net.inputs) == 1 else None
    if not number and isinstance(reader, Numbers):
        return _row_meant(reader, photo, notes)
    if not number and isinstance(reader, Preprocessing):
        tensor = reader.prepared(photo)
        return reader.load(photo, notes) if tensor is None else tensor
    if not number:
        return load_image(photo, notes=notes)
    sample_pictures = sample_images(model)
    if number > len(sample_pictures):
        raise SettingError(f"There is no {photo}: {len(sample_pictures)} pictures come with {model.name}.")
    picture: Array = sample_pictures[number - 1][1]
    return picture


def row_meant(model: Model, name: str, notes: list[str] | None = None) -> str:
    """Return the name itself; of a table with several rows, for a net that looks at one, that of its first."""
    from minitorch_viz.models.readers import Numbers

    reader = model.readers.get(model.net.inputs[0]) if len(model.net.inputs) == 1 else None
    return _row_meant(reader, name, notes) if isinstance(reader, Numbers) else name


def _row_meant(reader: Numbers, name: str, notes: list[str] | None) -> str:
    """Return the name of a row: of a table with several that of its first, with a sentence on the others."""
    from minitorch_viz.models.readers.values import values_of

    numbers = values_of(name, reader.names).numbers
    if len(reader.shape) != 1 or numbers.ndim != 2 or len(numbers) < 2:
        return name
    if notes is not None:
        notes.append(f"{name} has {len(numbers)} rows; this is the first, and {name}:2 is the next.")
    return f"{name}:1"


def readable_photos(photos: Sequence[str]) -> list[str]:
    """Return those of several photos that can be read, and say of each other one what is wrong with it.

    Raises the error of the first where none can be read.
    """
    from minitorch_viz.io.images import load_image

    readable: list[str] = []
    errors: list[MinitorchVizError] = []
    for photo in photos:
        try:
            if not sample_number(photo):
                load_image(photo)
            readable.append(photo)
        except MinitorchVizError as error:
            errors.append(error)
    if not readable:
        raise errors[0]
    for problem in errors:
        print(f"Left out: {problem}", file=sys.stderr)
    return readable
