"""What is said beside a weights file or in it: how pictures are prepared, what classes are called and scores mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.models.classes import class_names_in, imagenet_names, numbered, read_class_names
from minitorch_viz.models.home import home_folder
from minitorch_viz.models.readers import Preprocessing, Reader
from minitorch_viz.models.scores import Classes, Maps, Scores, YesNo, kind_of_scores
from minitorch_viz.models.spec import ModelSpec

IMAGENET_FILE = "imagenet_classes.json"


def search_folders() -> list[Path]:
    """Return where weights are looked for, in order: the home folder, then the files that come with the package."""
    bundled = resources.files("minitorch_viz.models").joinpath("bundled")
    return [home_folder(), *([bundled] if isinstance(bundled, Path) else [])]


def reader_of(spec: ModelSpec, path: Path, sidecar: Mapping[str, Any], is_caffe: bool, notes: list[str]) -> Reader:
    """Return how the net's input is read: pictures as the JSON beside the weights says, all else as its spec says."""
    if not isinstance(spec.reader, Preprocessing):
        return spec.reader
    if "input" in sidecar:
        try:
            reader = Preprocessing.from_json(sidecar, spec.preprocessing)
        except SettingError as error:
            raise WeightsFileError(f"{path.with_suffix('.json')}: {error}") from error
        if reader.channels != spec.preprocessing.channels:
            raise WeightsFileError(
                f"{path.with_suffix('.json')}: {spec.name} takes images of {spec.preprocessing.channels} channels, "
                f'but "size" names {reader.channels}.'
            )
        return reader
    if is_caffe and spec.caffe is not None:
        return spec.caffe
    if spec.caffe not in (None, spec.preprocessing) and path.name != spec.official_file:
        notes.append(
            f"There is no {path.with_suffix('.json').name} beside the weights, so the image is prepared as "
            f"{spec.official_file} wants it (mean {spec.preprocessing.mean}, std {spec.preprocessing.std})."
        )
    return spec.preprocessing


def scores_of(spec: ModelSpec, path: Path, sidecar: Mapping[str, Any], classes: int, notes: list[str]) -> Scores:
    """Return what the scores mean, by the JSON beside the file, else the spec; one output answers yes or no."""
    name = sidecar.get("scores", spec.scores)
    if not spec.logits:
        return Maps() if "scores" not in sidecar else _kind(name, path)
    kind = _kind(name, path)
    if classes == 1 and isinstance(kind, Classes):
        notes.append(
            f"The net has one score, taken as a sigmoid's (yes or no); a {path.with_suffix('.json').name} beside the "
            'weights with "scores": "numbers" says otherwise.'
        )
        return YesNo()
    if (isinstance(kind, YesNo) and classes != 1) or isinstance(kind, Maps):
        raise WeightsFileError(f"{path.with_suffix('.json')}: {classes} scores cannot be {kind.name!r}.")
    return kind


def _kind(name: object, path: Path) -> Scores:
    try:
        return kind_of_scores(name)()
    except SettingError as error:
        raise WeightsFileError(f"{path.with_suffix('.json')}: {error}") from error


def class_names_of(
    spec: ModelSpec, path: Path, sidecar: Mapping[str, Any], classes: int, notes: list[str]
) -> tuple[str, ...]:
    """Return full class names from the JSON beside the file, the file that it or ImageNet's rule names, or the spec."""
    if not spec.logits:
        return ()
    own_names = class_names_in(dict(sidecar)) if "names" in sidecar else None
    if own_names is not None and len(own_names) == classes:
        return own_names
    if own_names is not None:
        notes.append(f"{path.with_suffix('.json').name} names {len(own_names)} classes, but the net has {classes}.")
    file_name = re.match(r"[\w-]+\.json", str(sidecar.get("classes", IMAGENET_FILE if spec.imagenet else "")))
    if file_name:
        folder = next((f for f in (path.parent, *search_folders()) if (f / file_name[0]).is_file()), None)
        names = read_class_names(folder / file_name[0]) if folder else ()
        if not names and file_name[0] == IMAGENET_FILE:
            names = imagenet_names()
        if len(names) == classes:
            return names
        if classes == spec.class_count:
            notes.append(
                f'The classes have numbers for names ("class 281"): put {file_name[0]} beside the weights or into '
                f"{home_folder()}."
            )
    if isinstance(spec.classes, tuple) and len(spec.classes) == classes:
        return spec.classes
    if own_names is None and classes != spec.class_count:
        described = path.with_suffix(".json").name
        notes.append(
            f'The net has {classes} class{"" if classes == 1 else "es"} of its own, called "class 0" and so on; a '
            f'{described} beside the weights names them: {{"names": ["cat", ...]}}.'
        )
    return numbered(classes)
