"""load_model: find a net's weights, check that they fit, and put model, preprocessing and class names together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.models.classes import (
    class_names_in,
    first_synonym,
    imagenet_names,
    notes_on_names,
    numbered,
    read_class_names,
)
from minitorch_viz.models.fold import fold_batch_norms
from minitorch_viz.models.home import VARIABLE, home_folder
from minitorch_viz.models.model import Model
from minitorch_viz.models.preprocessing import Preprocessing
from minitorch_viz.models.scores import Classes, Maps, Scores, YesNo, kind_of_scores
from minitorch_viz.models.spec import ModelSpec, get_spec
from minitorch_viz.net import Net

IMAGENET_FILE = "imagenet_classes.json"


def load_model(
    name: str,
    weights: str | Path | None = None,
    *,
    dtype: npt.DTypeLike = np.float32,
    fold: bool = False,
    prefix: str | None = None,
) -> Model:
    """A pretrained net, ready for photos: `load_model("squeezenet1_1", weights="squeezenet1_1.safetensors")`.

    name: a net from `minitorch-viz models`.
    weights: its file (.safetensors, .npz, .pth without PyTorch, .caffemodel, ConvNetJS .json), or a folder that holds
        one; None looks in $MINITORCH_VIZ_HOME (default: the user's cache folder), then among those that come with the
        package. A file with another number of classes is taken, too: your own fine-tuned net.
    dtype: float32 or float64. fold: merge batch normalization into the convolutions.
    prefix: what the names in the file have in front of the net's ("student."), where it holds several nets, or this net
        as a part of a larger one; None finds it.

    A JSON file beside the weights (same name, .json) says the preprocessing and the class names; without one the
    preprocessing is that of the official file. ImageNet's names come with the package; an imagenet_classes.json beside
    the weights or in $MINITORCH_VIZ_HOME comes first.

    What the file holds beyond the net is an error if it speaks of another net, else a line in `Model.notes`.

    Raises SettingError for an unknown name, WeightsFileError if the weights are missing, damaged, or another net's.
    """
    spec = _spec(name, weights)
    precision = _precision(dtype)
    path = look_for(spec.file_names, weights)
    if path is None:
        raise WeightsFileError(_missing(spec))
    from minitorch_viz.io.weights import read_weights

    file = read_weights(path)
    is_caffe = file.format == "caffemodel"
    tensors = _from_caffe(spec, file.tensors) if is_caffe else file.tensors
    classes = _class_count(spec, tensors, prefix)
    needed = spec.build(classes=classes, seed=None)
    notes = [] if is_caffe else list(file.notes)  # that Caffe's nets take BGR is dealt with
    net = needed.with_params(fitting_arrays(tensors, needed, path, precision, prefix, spec, notes))
    beside = file.json or {}
    preprocessing = _preprocessing(spec, path, beside, is_caffe, notes)
    names = _class_names(spec, path, beside, classes, notes)
    notes += notes_on_names(names, spec.name)
    scores = _scores(spec, path, beside, classes, notes)
    return Model(
        name=spec.name,
        net=fold_batch_norms(net) if fold else net,
        preprocessing=preprocessing,
        class_names=tuple(map(first_synonym, names)),
        logits=spec.logits,
        class_synonyms=names,
        first_conv=spec.first_conv,
        last_conv=spec.last_conv,
        source=str(path),
        notes=tuple(notes),
        scores=scores,
    )


def sketch(name: str) -> Model:
    """A net without its weights, all zeros, to look at its nodes and shapes: `describe(sketch("vgg16"))`."""
    spec = get_spec(name)
    names = spec.classes if isinstance(spec.classes, tuple) else numbered(spec.classes)
    return Model(
        name=spec.name,
        net=spec.build(seed=None),
        preprocessing=spec.preprocessing,
        class_names=tuple(map(first_synonym, names)),
        logits=spec.logits,
        class_synonyms=names,
        first_conv=spec.first_conv,
        last_conv=spec.last_conv,
        notes=("This is the net without its weights: all its numbers are 0.",),
        scores=kind_of_scores(spec.scores)() if spec.logits else Maps(),
    )


def look_for(file_names: Iterable[str], weights: str | Path | None = None) -> Path | None:
    """The first of the files that exists: `weights` itself, or in the folder `weights`, else at home, else bundled.

    Raises WeightsFileError if `weights` is given but is neither such a file nor a folder that holds one.
    """
    names = tuple(file_names)
    if weights is None:
        return next((found for folder in search_folders() if (found := _in_folder(folder, names))), None)
    if not isinstance(weights, (str, Path)) or not str(weights).strip():
        raise WeightsFileError(f"weights must be the path of a weights file or its folder, but got {weights!r}.")
    path = Path(weights).expanduser()
    try:
        if path.is_dir():
            if found := _in_folder(path, names):
                return found
            raise WeightsFileError(f"The folder {path} holds none of {', '.join(names)}.")
        if path.is_file():
            return path
    except (OSError, ValueError) as error:  # a name too long, or with a null byte
        raise WeightsFileError(f"There can be no weights file {str(weights)!r}: {error}.") from error
    raise WeightsFileError(f"There is no weights file {path}; give the path of one, or of the folder that holds it.")


def search_folders() -> list[Path]:
    """Where weights are looked for, in order: the home folder, then the files that come with the package."""
    bundled = resources.files("minitorch_viz.models").joinpath("bundled")
    return [home_folder(), *([bundled] if isinstance(bundled, Path) else [])]


def fitting_arrays(
    tensors: Mapping[str, Array],
    net: Net,
    path: Path,
    dtype: npt.DTypeLike = np.float32,
    prefix: str | None = None,
    spec: ModelSpec | None = None,
    notes: list[str] | None = None,
) -> dict[str, Array]:
    """The file's arrays by the net's names, in the given precision; WeightsFileError unless they fit and are finite.

    spec: of the net, if the file must hold no other's; what else it holds is then told in `notes`.
    """
    from minitorch_viz.io.leftover import check_rest
    from minitorch_viz.io.mapping import map_weights

    try:
        mapped, report = map_weights(tensors, {name: value.shape for name, value in net.state.items()}, prefix=prefix)
    except WeightsFileError as error:
        raise WeightsFileError(f"{path}: {error}") from error
    if spec is not None and notes is not None:
        names = {"file": path.name, "net": spec.name}
        notes += check_rest(tensors, report, **names, headless=not spec.head, prefix=prefix)
    for name, array in mapped.items():
        if array.dtype.kind != "f":
            raise WeightsFileError(f"{path}: {name!r} must hold floating-point numbers, but holds {array.dtype}.")
        if not np.isfinite(array).all():
            raise WeightsFileError(f"{path}: {name!r} holds values that are not finite (NaN or infinity).")
    return {name: np.ascontiguousarray(array, dtype) for name, array in mapped.items()}


def _precision(dtype: npt.DTypeLike) -> np.dtype[Any]:
    try:
        precision = np.dtype(dtype)
    except TypeError:
        precision = None
    if precision is None or precision not in (np.float32, np.float64):
        raise SettingError(f"Nets compute in float32 or float64, but dtype is {dtype!r}.")
    return precision


def _spec(name: object, weights: object) -> ModelSpec:
    """The model's entry, with a hint where a path was given instead of a name."""
    if isinstance(name, Path) or (isinstance(name, str) and re.search(r"[/\\]|\.(pth|npz|safetensors)$", name)):
        raise SettingError(
            f"Give the net's name first, then its file: load_model('squeezenet1_1', weights={str(name)!r})."
        )
    if name is None and weights is not None:
        raise SettingError("A weights file does not say how its net is built: load_model('NAME', weights=...).")
    return get_spec(name)


def _in_folder(folder: Path, names: Iterable[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _missing(spec: ModelSpec) -> str:
    home = home_folder()
    if spec.url:
        return (
            f"There are no weights for {spec.name}. Run `minitorch-viz download {spec.name}`, or put "
            f"{spec.official_file} (from {spec.url}) into {home}, or give weights=PATH."
        )
    return (
        f"There are no weights for {spec.name}. Put {' or '.join(spec.file_names[:2])} into {home} "
        f"(another folder: set {VARIABLE}), or give weights=PATH."
    )


def _class_count(spec: ModelSpec, tensors: Mapping[str, Array], prefix: str | None) -> int:
    """How many classes the file's last layer has; the official number if that cannot be told."""
    name = f"{spec.head}.weight"
    for key, array in tensors.items():
        is_head = key == f"{prefix}{name}" if prefix is not None else key == name or key.endswith(f".{name}")
        if spec.head and is_head and array.ndim > 1 and len(array):
            return len(array)
    return spec.class_count


def _from_caffe(spec: ModelSpec, tensors: Mapping[str, Array]) -> dict[str, Array]:
    """A .caffemodel's arrays by our names, and for RGB: Caffe's nets take BGR."""
    if spec.caffe is None:
        raise WeightsFileError(
            f"{spec.name} is torchvision's version, which differs from Caffe's; give a .pth or .safetensors file."
        )
    renamed = {spec.caffe_name(name) if spec.caffe_name else name: array for name, array in tensors.items()}
    first = f"{spec.first_conv}.weight"
    if first in renamed:
        renamed[first] = renamed[first][:, ::-1]
    return renamed


def _preprocessing(
    spec: ModelSpec, path: Path, beside: Mapping[str, Any], is_caffe: bool, notes: list[str]
) -> Preprocessing:
    if "input" in beside:
        try:
            found = Preprocessing.from_json(beside, spec.preprocessing)
        except SettingError as error:
            raise WeightsFileError(f"{path.with_suffix('.json')}: {error}") from error
        if found.channels != spec.preprocessing.channels:
            raise WeightsFileError(
                f"{path.with_suffix('.json')}: {spec.name} takes images of {spec.preprocessing.channels} channels, "
                f'but "size" names {found.channels}.'
            )
        return found
    if is_caffe and spec.caffe is not None:
        return spec.caffe
    if spec.caffe not in (None, spec.preprocessing) and path.name != spec.official_file:
        notes.append(
            f"There is no {path.with_suffix('.json').name} beside the weights, so the image is prepared as "
            f"{spec.official_file} wants it (mean {spec.preprocessing.mean}, std {spec.preprocessing.std})."
        )
    return spec.preprocessing


def _scores(spec: ModelSpec, path: Path, beside: Mapping[str, Any], classes: int, notes: list[str]) -> Scores:
    """What the scores mean: by the JSON beside the file, else the spec; a net cut to one output answers yes or no."""
    asked = beside.get("scores", spec.scores)
    if not spec.logits:
        return Maps() if "scores" not in beside else _kind(asked, path)
    kind = _kind(asked, path)
    if classes == 1 and isinstance(kind, Classes):
        notes.append(
            f"The net has one score, taken as a sigmoid's (yes or no); a {path.with_suffix('.json').name} beside the "
            'weights with "scores": "numbers" says otherwise.'
        )
        return YesNo()
    if (isinstance(kind, YesNo) and classes != 1) or isinstance(kind, Maps):
        raise WeightsFileError(f"{path.with_suffix('.json')}: {classes} scores cannot be {kind.name!r}.")
    return kind


def _kind(asked: object, path: Path) -> Scores:
    try:
        return kind_of_scores(asked)()
    except SettingError as error:
        raise WeightsFileError(f"{path.with_suffix('.json')}: {error}") from error


def _class_names(
    spec: ModelSpec, path: Path, beside: Mapping[str, Any], classes: int, notes: list[str]
) -> tuple[str, ...]:
    """Full class names: from the JSON beside the file, the file that it or ImageNet's rule names, or the spec."""
    if not spec.logits:
        return ()
    own = class_names_in(dict(beside)) if "names" in beside else None
    if own is not None and len(own) == classes:
        return own
    if own is not None:
        notes.append(f"{path.with_suffix('.json').name} names {len(own)} classes, but the net has {classes}.")
    file_name = re.match(r"[\w-]+\.json", str(beside.get("classes", IMAGENET_FILE if spec.imagenet else "")))
    if file_name:
        found = next((f for f in (path.parent, *search_folders()) if (f / file_name[0]).is_file()), None)
        names = read_class_names(found / file_name[0]) if found else ()
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
    return numbered(classes)
