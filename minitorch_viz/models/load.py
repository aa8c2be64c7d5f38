"""load_model: find a net's weights, check that they fit, and put model, reader and class names together."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError, WeightsFileError
from minitorch_viz.models.classes import first_synonym, imagenet_names, notes_on_names, numbered
from minitorch_viz.models.fold import fold_batch_norms
from minitorch_viz.models.home import VARIABLE, home_folder
from minitorch_viz.models.model import Model
from minitorch_viz.models.modules_in_file import ADVICE
from minitorch_viz.models.own_net import checked_names, checked_precision
from minitorch_viz.models.python_file import run_model_file
from minitorch_viz.models.restored import described, read_model
from minitorch_viz.models.scores import Maps, kind_of_scores
from minitorch_viz.models.sidecar import class_names_of, reader_of, scores_of, search_folders
from minitorch_viz.models.spec import ModelSpec, get_spec
from minitorch_viz.models.told import Told
from minitorch_viz.models.variants import Variant, as_the_file_shows, reader_for, with_head_beside
from minitorch_viz.net import Net

FILE = r"[/\\]|\.(pth|pt2?|npz|safetensors|caffemodel|onnx)$"  # what no name of a net looks like


def load_model(
    name: str | Path,
    weights: str | Path | None = None,
    *,
    dtype: npt.DTypeLike | None = None,
    fold: bool = False,
    prefix: str | None = None,
    class_names: Sequence[str] = (),
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    scores: str | None = None,
) -> Model:
    """Load a pretrained net, ready for photos: `load_model("squeezenet1_1", weights="squeezenet1_1.safetensors")`.

    name: a net from `minitorch-viz models`, the file that `Model.save` wrote ("mine.safetensors"), an ONNX file
        ("net.onnx"), one of torch.export.save ("net.pt2"), or a Python file with a function `model()` that returns a
        Model ("my_net.py"); it is run, and a `model(weights)` is given the path of the weights.
    weights: its file (.safetensors, .npz, .pth without PyTorch, .caffemodel, ConvNetJS .json), or a folder that holds
        one; None looks in $MINITORCH_VIZ_HOME (default: the user's cache folder), then among those that come with the
        package. Your own fine-tuned net is taken, too: other classes, another head, other channels of the pictures.
    dtype: float32, the default, or float64; None keeps that of a file of `Model.save`. fold: merge batch normalization
        into the convolutions.
    prefix: what the names in the file have in front of the net's ("student."), where it holds several nets, or this net
        as a part of a larger one; None finds it, or takes "prefix" of the JSON file beside the weights.
    class_names, mean, std: what no file says, or says otherwise: the classes in order, and the mean and standard
        deviation of pixels from 0 to 255 that the net was trained with, one number or one a channel.
    scores: what they mean, as in `Model.from_net`: "classes", "labels", "yes-no" or "numbers".

    A JSON file beside the weights (same name, .json) says the preprocessing, the class names, and what the scores mean
    ("scores": "classes", "labels", "yes-no" or "numbers"); without one the preprocessing is that of the official file.
    ImageNet's names come with the package; an imagenet_classes.json beside the weights or in $MINITORCH_VIZ_HOME comes
    first.

    What the file holds beyond the net is an error if it speaks of another net, else a line in `Model.notes`.

    Raises SettingError for an unknown name, WeightsFileError if the weights are missing, damaged, or another net's.
    """
    precision = None if dtype is None else checked_precision(dtype)
    given_prefix = prefix
    told = Told(checked_names(class_names), mean, std, scores)
    if str(name).endswith(".py"):
        if prefix is not None:
            raise SettingError(f"{name} builds its own net; leave the prefix out.")
        model = told.of(run_model_file(name, weights))
        model = model if precision is None else model.astype(precision)
        return dataclasses.replace(model, net=fold_batch_norms(model.net)) if fold else model
    if (own_file := _own_file(name, weights)) is not None:
        if prefix is not None:
            raise SettingError(
                f"prefix={prefix!r} says which part of the weights of a named net is meant; {own_file} comes without a "
                "name: name the net, or leave the prefix out."
            )
        return _read_own(own_file, precision, fold, told)
    spec = get_spec(name)
    path = look_for(spec.file_names, weights)
    if path is None:
        raise WeightsFileError(_missing(spec))
    from minitorch_viz.io.weights import read_weights

    file = read_weights(path)
    is_caffe = file.format == "caffemodel"
    tensors = _from_caffe(spec, file.tensors) if is_caffe else file.tensors
    tensors = spec.adapted(tensors) if spec.adapted is not None else tensors
    if prefix is None and isinstance((file.json or {}).get("prefix"), str):
        prefix = (file.json or {})["prefix"]
    notes = [] if is_caffe else list(file.notes)  # that Caffe's nets take BGR is dealt with
    if prefix is None:
        tensors = with_head_beside(spec, tensors)
    variant = _variant(spec, tensors, path, prefix)
    notes += variant.notes
    arrays = fitting_arrays(tensors, variant.net, path, precision or np.float32, prefix, spec, notes)
    net, classes = variant.net.with_params(arrays), variant.classes
    spec = dataclasses.replace(spec, reader=reader_for(spec.reader, variant, notes))
    sidecar = _as_sidecar(described(file.metadata, path)) | (file.json or {})
    sidecar |= {"names": list(told.class_names)} if told.class_names else {}
    reader = reader_of(spec, path, sidecar, is_caffe, notes)
    names = class_names_of(spec, path, sidecar, classes, notes)
    notes += notes_on_names(names, spec.name)
    kind = scores_of(spec, path, sidecar, classes, notes)
    model = Model(
        name=spec.name,
        net=fold_batch_norms(net) if fold else net,
        readers={net.inputs[0]: reader, **spec.further},
        class_names=tuple(map(first_synonym, names)),
        logits=variant.logits,
        class_synonyms=names,
        first_conv=spec.first_conv,
        last_conv=spec.last_conv,
        source=str(path),
        notes=tuple(notes),
        scores=kind,
        prefix=given_prefix,
    )
    return told.of(model.with_inputs(**spec.given))


def sketch(name: str) -> Model:
    """Build a net without its weights, all zeros, to look at its nodes and shapes: `describe(sketch("vgg16"))`."""
    spec = get_spec(name)
    names = spec.classes if isinstance(spec.classes, tuple) else numbered(spec.classes)
    names = imagenet_names() if spec.imagenet else names
    net = spec.build(seed=None)
    model = Model(
        name=spec.name,
        net=net,
        readers={net.inputs[0]: spec.reader, **spec.further},
        class_names=tuple(map(first_synonym, names)),
        logits=spec.logits,
        class_synonyms=names,
        first_conv=spec.first_conv,
        last_conv=spec.last_conv,
        notes=("This is the net without its weights: all its numbers are 0.",),
        scores=kind_of_scores(spec.scores)() if spec.logits else Maps(),
    )
    return model.with_inputs(**spec.given)


def look_for(file_names: Iterable[str], weights: str | Path | None = None) -> Path | None:
    """Return the first of the files that exists: `weights` itself, in the folder `weights`, else at home, else bundled.

    Raises WeightsFileError if `weights` is given but is neither such a file nor a folder that holds one.
    """
    names = tuple(file_names)
    if weights is None:
        return next((file for folder in search_folders() if (file := _in_folder(folder, names))), None)
    if not isinstance(weights, (str, Path)) or not str(weights).strip():
        raise WeightsFileError(f"weights must be the path of a weights file or its folder, but got {weights!r}.")
    path = Path(weights).expanduser()
    try:
        if path.is_dir():
            if file := _in_folder(path, names):
                return file
            raise WeightsFileError(f"The folder {path} holds none of {', '.join(names)}.")
        if path.is_file():
            return path
    except (OSError, ValueError) as error:  # a name too long, or with a null byte
        raise WeightsFileError(f"There can be no weights file {str(weights)!r}: {error}.") from error
    raise WeightsFileError(f"There is no weights file {path}; give the path of one, or of the folder that holds it.")


def fitting_arrays(
    tensors: Mapping[str, Array],
    net: Net,
    path: Path,
    dtype: npt.DTypeLike = np.float32,
    prefix: str | None = None,
    spec: ModelSpec | None = None,
    notes: list[str] | None = None,
) -> dict[str, Array]:
    """Return the file's arrays by the net's names, in the given precision; WeightsFileError unless all fit.

    spec: of the net, if the file must hold no other's; what else it holds is then told in `notes`.
    """
    from minitorch_viz.io.mapping import map_weights
    from minitorch_viz.io.unneeded_arrays import check_unneeded

    try:
        mapped, report = map_weights(tensors, {name: value.shape for name, value in net.state.items()}, prefix=prefix)
        if spec is not None and notes is not None:
            headless = not spec.head
            notes += check_unneeded(tensors, report, file=path.name, net=spec.name, headless=headless, prefix=prefix)
    except WeightsFileError as error:
        advice = (
            f' Or write "prefix" into {path.with_suffix(".json").name} beside it.' if "prefix=" in str(error) else ""
        )
        space = "\n" if "\n" in str(error) else " "  # below a list
        advice += f"{space}If this is {spec.name}, changed: {ADVICE[0].lower()}{ADVICE[1:]}" if spec is not None else ""
        start = "" if str(error).startswith(path.name) else f"{path}: "
        raise WeightsFileError(f"{start}{error}{advice}") from error
    for name, array in mapped.items():
        if array.dtype.kind != "f":
            raise WeightsFileError(f"{path}: {name!r} must hold floating-point numbers, but holds {array.dtype}.")
        if not np.isfinite(array).all():
            raise WeightsFileError(f"{path}: {name!r} holds values that are not finite (NaN or infinity).")
    return {name: np.ascontiguousarray(array, dtype) for name, array in mapped.items()}


def _own_file(name: object, weights: object) -> Path | None:
    """Return the file that is to say what its net is, given in place of a name or alone as weights; None for a name."""
    looks_like_a_file = isinstance(name, Path) or (isinstance(name, str) and re.search(FILE, name) is not None)
    if name is None and isinstance(weights, (str, Path)):
        return Path(weights).expanduser()
    if not looks_like_a_file:
        return None
    if weights is not None:
        raise SettingError(
            f"Give the net's name first, then its file: load_model('squeezenet1_1', weights={str(weights)!r}); or "
            f"{str(name)!r} alone, if Model.save wrote it."
        )
    path = Path(str(name)).expanduser()
    try:
        is_there = path.is_file()
    except (OSError, ValueError):  # a name too long, or with a null byte
        is_there = False
    if not is_there:
        raise SettingError(
            f"{str(name)!r} is to be a net, but there is no file of that name. Give the net's name first and its "
            f"file as weights={str(name)!r}, or one file that holds all of a net: what Model.save or torch.export.save "
            "wrote, or ONNX."
        )
    return path


def _read_own(path: Path, precision: np.dtype[Any] | None, fold: bool, told: Told) -> Model:
    """Read the model in a file of `Model.save`, of torch.export.save, or in an ONNX file."""
    from minitorch_viz.models.from_export.archive import is_exported

    if is_exported(path):
        from minitorch_viz.models.from_export.model import read_exported

        model = told.of(read_exported(path, told, precision))
        return dataclasses.replace(model, net=fold_batch_norms(model.net)) if fold else model
    if path.suffix.lower() == ".onnx":
        model = told.of(Model.from_onnx(path, dtype=precision, **told._asdict()))
        return dataclasses.replace(model, net=fold_batch_norms(model.net)) if fold else model
    from minitorch_viz.io.weights import read_weights

    file = read_weights(path)
    content = described(file.metadata, path)
    if content is None:
        raise SettingError(
            f"{path} holds arrays alone; it does not say how its net is built. Give the net's name first "
            "(`minitorch-viz models` lists them), or that of a Python file with a function model(weights): give "
            f"load_model('NAME', weights={str(path)!r})."
        )
    model = told.of(read_model(content, file.tensors, path, precision))
    return dataclasses.replace(model, net=fold_batch_norms(model.net)) if fold else model


def _as_sidecar(content: Mapping[str, Any] | None) -> dict[str, Any]:
    """Put what `Model.save` wrote as a JSON file beside weights would: for such a file given with a net's name."""
    if content is None:
        return {}
    classes, preparation = content.get("classes"), content.get("preprocessing")
    entries: dict[str, Any] = {}
    if isinstance(classes, dict) and (names := classes.get("synonyms") or classes.get("names")):
        entries |= {"names": names, "scores": classes.get("scores")}
    if isinstance(preparation, dict) and isinstance(size := preparation.get("size"), list):
        entries["input"] = {**preparation, "size": [preparation.get("channels"), *size]}
    return entries


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


def _variant(spec: ModelSpec, tensors: Mapping[str, Array], path: Path, prefix: str | None) -> Variant:
    """Return the net of a spec as a file shows it; WeightsFileError that names the file."""
    try:
        return as_the_file_shows(spec, tensors, prefix)
    except MinitorchVizError as error:  # a layer's own, too: of a shape that no net has
        raise WeightsFileError(f"{path}: {error}") from error


def _from_caffe(spec: ModelSpec, tensors: Mapping[str, Array]) -> dict[str, Array]:
    """Return a .caffemodel's arrays by our names, and for RGB: Caffe's nets take BGR."""
    if spec.caffe is None:
        raise WeightsFileError(
            f"{spec.name} is torchvision's version, which differs from Caffe's; give a .pth or .safetensors file."
        )
    renamed = {spec.caffe_name(name) if spec.caffe_name else name: array for name, array in tensors.items()}
    first = f"{spec.first_conv}.weight"
    if first in renamed:
        renamed[first] = renamed[first][:, ::-1]
    return renamed
