"""The names of a net's classes: reading them, and finding the one that is meant."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz.errors import SettingError, WeightsFileError, near

SHOWN_CLASSES = 8  # how many classes a message lists


def numbered(count: int) -> tuple[str, ...]:
    """Make names for classes whose names are not known: "class 0", "class 1", ..."""
    return tuple(f"class {i}" for i in range(count))


def first_synonym(name: str) -> str:
    """Return the word to show: "tench" of "tench, Tinca tinca"."""
    return name.split(",")[0].strip()


@functools.cache
def imagenet_names() -> tuple[str, ...]:
    """Return the 1000 classes of ImageNet's challenge, in order: a short name, then WordNet's synonyms."""
    text = resources.files("minitorch_viz.models").joinpath("bundled", "imagenet_classes.txt").read_text("utf-8")
    return tuple(text.splitlines())


def notes_on_names(names: Sequence[str], model: str) -> tuple[str, ...]:
    """Say what must be known to name a class: a sentence if one's name is another's number, else nothing."""
    for i, name in enumerate(map(first_synonym, names)):
        if re.fullmatch(r"\d{1,9}", name) and int(name) != i and int(name) < len(names):
            return (
                f"{model} has classes whose names are numbers: {name!r} means the class of that name, which is number "
                f"{i}; '#{name}' means class number {name}.",
            )
    return ()


def read_class_names(path: Path) -> tuple[str, ...]:
    """Read the names in class order from {"names": [...]}, a list, or torchvision's {"0": ["n01440764", "tench"]}.

    Raises WeightsFileError if the file is not one of these.
    """
    from minitorch_viz.io.files import LONGEST_JSON, open_file

    with open_file(path, "file of class names", WeightsFileError) as (file, size, _):
        if size > LONGEST_JSON:
            raise WeightsFileError(f"{path} should hold class names, but has {size:,} bytes; that is no list of names.")
        text = file.read()
    try:
        content = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise WeightsFileError(f"{path} should hold class names, but it cannot be read: {error}.") from error
    names = class_names_in(content)
    if names is None:
        raise WeightsFileError(
            f'{path} should hold class names as {{"names": ["tench", ...]}} or as a list, but holds something else.'
        )
    return names


def class_names_in(content: Any) -> tuple[str, ...] | None:
    """Return the class names in the content of a JSON file; None if there are none."""
    names = content.get("names") if isinstance(content, dict) and "names" in content else content
    if isinstance(names, dict) and names and all(str(i) in names for i in range(len(names))):
        entries = [names[str(i)] for i in range(len(names))]
        names = [entry[1] if isinstance(entry, list) and len(entry) == 2 else entry for entry in entries]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        return None
    return tuple(names)


def find_class(target: object, names: Sequence[str], model: str) -> int:
    """Return the class number that `target` means.

    target: a number, or text: the whole of a name or synonym comes first, then a number ("281", or "#281" where a name
        might be a number, too), then any part of a name.
    names: full names, "tench, Tinca tinca". Raises SettingError with the candidates if none or several fit.
    """
    if not names:
        raise SettingError(f"{model} has no classes: it turns a picture into feature maps. Name a node instead.")
    if isinstance(target, (int, np.integer)) and not isinstance(target, bool):
        return _checked_number(int(target), names, model)
    if not isinstance(target, str) or not target.strip():
        raise SettingError(f"A class is given by its number or its name, but got {target!r}.")
    word = target.strip().lower()
    synonyms = [[part.strip().lower() for part in name.split(",")] for name in names]
    whole_names = [
        [i for i, name in enumerate(names) if name.strip() == target.strip()],
        [i for i, name in enumerate(names) if name.strip().lower() == word],
        [i for i, parts in enumerate(synonyms) if word in parts],
    ]
    parts_of_names = [
        [i for i, name in enumerate(names) if re.search(rf"\b{re.escape(word)}\b", name.lower())],
        [i for i, name in enumerate(names) if word in name.lower()],
    ]
    number = re.fullmatch(r"#?([+-]?[0-9]+)", word)
    for matches in whole_names if number else whole_names + parts_of_names:
        if len(matches) == 1:
            return matches[0]
        if matches:
            listed = ", ".join(f"{names[i].split(',')[0]} ({i})" for i in matches[:SHOWN_CLASSES])
            more = f" and {len(matches) - SHOWN_CLASSES} more" if len(matches) > SHOWN_CLASSES else ""
            raise SettingError(f"{target!r} fits {len(matches)} classes of {model}: {listed}{more}; give the number.")
    if number:
        return _checked_number(int(number[1][:12]), names, model)
    words = dict.fromkeys(part for parts in synonyms for part in parts)
    raise SettingError(f"{model} knows no class {target!r}; {near(word, words)}.")


def _checked_number(number: int, names: Sequence[str], model: str) -> int:
    if 0 <= number < len(names):
        return number
    called = [name for name in map(first_synonym, names) if re.fullmatch(r"\d+", name)]
    listed = (
        f", and {', '.join(called[:SHOWN_CLASSES])}{' ...' * (len(called) > SHOWN_CLASSES)} as names" if called else ""
    )
    raise SettingError(f"{model} has the classes 0 to {len(names) - 1}{listed}, but got {number}.")
