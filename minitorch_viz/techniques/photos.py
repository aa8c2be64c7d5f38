"""Photos by name: files, or "sample:2", the second picture that comes with a model."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError

if TYPE_CHECKING:
    from minitorch_viz.models import Model


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


def picture_meant(model: Model, photo: str, notes: list[str] | None = None) -> Array:
    """Return the pixels (H, W, 3) of the photo, or of "sample:2" that picture; SettingError if the model has fewer.

    notes: a list that gets a sentence where something was left out, such as an animation's other frames.
    """
    from minitorch_viz.io.images import load_image
    from minitorch_viz.models.samples import sample_images

    number = sample_number(photo)
    if not number:
        return load_image(photo, notes=notes)
    sample_pictures = sample_images(model)
    if number > len(sample_pictures):
        raise SettingError(f"There is no {photo}: {len(sample_pictures)} pictures come with {model.name}.")
    picture: Array = sample_pictures[number - 1][1]
    return picture


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
