"""Which net explains: the one that is named, else one that can know what is in a photo."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minitorch_viz.commands.parser import in_command_words
from minitorch_viz.errors import MinitorchVizError, ShapeError

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.models.readers.preprocessing import Resize

WITHOUT_PHOTO = "digits"  # whose pictures come with scikit-learn
PICTURES = "pictures"  # the kind of reader of nets that take photos
FOR_PHOTOS = "cifar10"  # the net for photos that comes with the package
OTHERS_FOR_PHOTOS = ("allcnn", "cifar10_linear")  # further ones, for techniques that do not apply to it


def chosen_model(
    name: str | None,
    weights: Path | None,
    prefix: str | None = None,
    *,
    photo: bool,
    shown_by: str = WITHOUT_PHOTO,
    applies: Callable[[Model], bool] | None = None,
    reads: str = PICTURES,
    inputs: Mapping[str, str] | None = None,
    resize: Resize | None = None,
    bands: str | None = None,
    told: Mapping[str, Any] | None = None,
    text: str | None = None,
) -> Model:
    """Load the net that a command is to explain, and print which one it is if the user named none.

    name, weights, prefix: what --model, --weights and --prefix gave. photo: whether a photo was given; without one, and
    without a name, it is the net `shown_by`. applies: of the nets for photos the first for which it holds is taken.
    reads: the kind of reader that the net must have.
    inputs: what each further input of the net is given, as `inputs_given` returns it. resize: how a photo is brought to
    the net's size, in place of the net's own way. bands: which channels are drawn, "3,2,1". told: what the user says of
    the net, as `net_told` returns it. text: a text that was given: of the nets for texts one that knows its letters.
    """
    if name is not None or weights is not None or prefix is not None:
        model = _named(name, weights, prefix, told or {})
    elif reads not in ("", PICTURES):
        model = _that_reads(reads, shown_by, text)
    elif inputs and (asked := _that_takes(inputs)) is not None:
        model = _load(asked)
        print(f"Answered by {knows(model)} (--model NAME takes another).")
    elif photo:
        model = _for_photo(applies, shown_by)
    else:
        model = _load(shown_by)
    notes = tuple(in_command_words(note, ("--mean", "--std", "--scores")) for note in model.notes)
    model = dataclasses.replace(model, notes=notes)
    if inputs:
        _check_inputs(model, inputs)
        model = model.with_inputs(**inputs)
    model = _saying_what_was_not_asked(model, inputs or {})
    if bands is not None:
        model = _with_bands(model, bands)
    if resize is None:
        return model
    reader = dataclasses.replace(model.preprocessing, resize=resize)
    model = model.with_reader(reader, next(each for each, own in model.readers.items() if own is model.preprocessing))
    if resize == "keep":
        _check_size(model)
    return model


def _with_bands(model: Model, bands: str) -> Model:
    """Return the model with other channels drawn; MinitorchVizError if it takes photos, or has no such channels."""
    from minitorch_viz.models.readers import Bands

    name, reader = next(((name, r) for name, r in model.readers.items() if isinstance(r, Bands)), ("", None))
    if reader is None:
        raise MinitorchVizError(
            f"--bands chooses among the channels of a net for others than a photo's; {model.name} is none."
        )
    numbers = [number.strip() for number in bands.split(",")]
    if not all(number.isdigit() for number in numbers):
        raise MinitorchVizError(
            f"--bands takes three numbers of channels, such as 3,2,1, or one, but got {bands!r:.40}."
        )
    return model.with_reader(reader.with_shown([int(number) for number in numbers]), name)


def _check_inputs(model: Model, inputs: Mapping[str, str]) -> None:
    """Raise MinitorchVizError if the net has no such input, or if none is left to be looked at."""
    own = (*model.net.inputs, *model.net.beside)
    listed = " and ".join(map(repr, own))
    for name in inputs:
        if name not in own:
            hint = "it takes what the command looks at, and nothing beside" if len(own) == 1 else f"it has {listed}"
            raise MinitorchVizError(f"{model.name} has no input {name!r} to be given by --input; {hint}.")
    if set(model.net.inputs) <= set(inputs):
        raise MinitorchVizError(
            f"{model.name} has the input{'s' * (len(own) > 1)} {listed}, and one of them must be left to look at; "
            "leave its --input out, and name what it gets as the command's argument."
        )


def _saying_what_was_not_asked(model: Model, inputs: Mapping[str, str]) -> Model:
    """Return the model with a note on each input that has a sample because nothing else was given."""
    words = []
    for name, value in model.given.items():
        option = "--question TEXT" if name == "question" else f"--input {name}=TEXT"
        if name not in inputs:
            words.append(f"That is a sample; {option} gives another." if value else f"{option} says the words so far.")
    return dataclasses.replace(model, notes=(*words, *model.notes))


def _that_takes(inputs: Mapping[str, str]) -> str | None:
    """Return the name of the first net at hand that has these inputs beside the one that is looked at, or None."""
    from minitorch_viz.models.load import look_for
    from minitorch_viz.models.spec import specs

    fitting = (spec for spec in specs().values() if set(inputs) <= set(spec.further))
    return next((spec.name for spec in fitting if look_for(spec.file_names)), None)


def _check_size(model: Model) -> None:
    """Raise MinitorchVizError if a net whose photos are to keep their size takes those of one size alone."""
    from minitorch_viz.models.own_net import shapes_inside

    readers = dict(model.readers)
    height, width = model.preprocessing.size
    own = next(name for name, reader in readers.items() if reader is model.preprocessing)
    readers[own] = dataclasses.replace(model.preprocessing, size=(2 * height, width))
    try:
        shapes_inside(model.net, readers, model.logits or None)
    except ShapeError as error:
        raise MinitorchVizError(
            f"{model.name} takes pictures of {height} x {width} pixels and no others, so that a photo cannot keep its "
            "size; leave --resize keep out, or take --resize crop for the photo's centre in its proportions."
        ) from error


def net_in_words(reads: str = PICTURES, shown_by: str = WITHOUT_PHOTO) -> str:
    """Return which net is taken where none is named, for the help: by the kind of reader that it must have."""
    if reads not in ("", PICTURES):
        return (
            f"{shown_by}, or another that knows the letters" if reads == "text" else f"one at hand that takes {reads}"
        )
    return f"for a photo the best ImageNet net at hand, else {FOR_PHOTOS}; without one {shown_by}"


def share_out_nets(arguments: argparse.Namespace, setting: str) -> None:
    """Leave the first of several nets in `arguments.model`, and move the others to a setting, with commas between.

    NAME=WEIGHTS of the first is as --weights. Raises MinitorchVizError for a photo among the nets.
    """
    from minitorch_viz.data.picture_files import SUFFIXES

    if arguments.model is None:
        return
    names = [name.strip() for words in arguments.model for name in words.split(",") if name.strip()]
    for name in names:
        if name.lower().endswith(SUFFIXES):
            raise MinitorchVizError(f"{name} is a picture and no net; name photos before --model.")
    first, *others = names or [""]
    others += [getattr(arguments, setting)] if getattr(arguments, setting) is not None else []
    arguments.model, _, weights = first.partition("=")
    if weights and arguments.weights is None:
        arguments.weights = Path(weights)
    if others:
        setattr(arguments, setting, ",".join(others))


def net_told(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what --classes, --mean, --std and --scores say of the net, by the names that `load_model` has for them."""
    entries = {"class_names": arguments.classes, "mean": arguments.mean, "std": arguments.std}
    entries["scores"] = arguments.scores
    told = {name: value for name, value in entries.items() if value is not None}
    if told and arguments.model is None and arguments.weights is None:
        raise MinitorchVizError("--classes, --mean, --std and --scores are for a net of one's own: give --model, too.")
    return told


def inputs_given(pairs: Iterable[str] | None, question: str | None) -> dict[str, str]:
    """Return what --input NAME=VALUE and --question gave, by name; an error for a pair without "=" or given twice."""
    listed = [*(pairs or ()), *([] if question is None else [f"question={question}"])]
    values: dict[str, str] = {}
    for pair in listed:
        name, equals, value = pair.partition("=")
        if not name or not equals or not value:
            raise MinitorchVizError(f"--input takes NAME=VALUE, such as question='what is it?', but got {pair!r:.80}.")
        if name in values:
            raise MinitorchVizError(f"The input {name!r} is given twice, as {values[name]!r:.40} and {value!r:.40}.")
        values[name] = value
    return values


def _named(name: str | None, weights: Path | None, prefix: str | None, told: Mapping[str, Any]) -> Model:
    """Return the net that is named, or whose weights are."""
    if name is not None:
        return _load(name, weights=weights, prefix=prefix, **told)
    if weights is not None:
        return _of_file(weights, prefix, told)
    raise MinitorchVizError("--prefix says which part of a weights file is meant: give --model and --weights too.")


def _load(name: str, **settings: Any) -> Model:
    from minitorch_viz.models import load_model

    return load_model(name, **settings)


def _for_photo(applies: Callable[[Model], bool] | None, shown_by: str = WITHOUT_PHOTO) -> Model:
    """Return the best net for photos at hand that can be used, and print which; the best of all if none can."""
    best = model = _load(best_at_hand() or FOR_PHOTOS)
    if applies is not None and not applies(best):
        own = () if shown_by == WITHOUT_PHOTO else (shown_by,)  # digits are no photos
        others = map(_load, (FOR_PHOTOS, *OTHERS_FOR_PHOTOS, *own))
        model = next(filter(applies, others), best)
    print(f"Explained by {knows(model)} (--model NAME takes another).")
    return model


def best_at_hand() -> str | None:
    """Return the ImageNet net with the best published accuracy whose weights are at hand; None if there is none."""
    from minitorch_viz.models.load import look_for
    from minitorch_viz.models.spec import specs

    nets = [spec for spec in specs().values() if spec.imagenet and look_for(spec.file_names)]
    return max(nets, key=lambda spec: spec.top1).name if nets else None


def knows(model: Model) -> str:
    """Return the net's name and what it can tell apart: all classes of a net that knows few, else their number."""
    names = model.class_names
    if not names:
        return f"{model.name}, which is no classifier"
    if len(names) <= 12:
        return f"{model.name}, which knows {len(names)} classes and nothing else: {', '.join(names)}"
    return f"{model.name}, which knows {len(names):,} classes"


def _that_reads(kind: str, shown_by: str, text: str | None) -> Model:
    """Return a net that takes no pictures but this kind of input: `shown_by`, or else the first one that is at hand.

    text: of nets for texts the first is taken that knows all its letters, and which one is printed.
    """
    from minitorch_viz.models import load_model
    from minitorch_viz.models.load import look_for
    from minitorch_viz.models.readers import KINDS, Alphabet
    from minitorch_viz.models.spec import specs

    able = [spec for spec in specs().values() if spec.reader.name == kind and look_for(spec.file_names)]
    if not able:
        raise MinitorchVizError(
            f"No net that takes {KINDS[kind].noun} comes with this package; give --model FILE, one that model.save "
            "wrote."
        )
    able.sort(key=lambda spec: spec.name != shown_by)
    if text is None:
        return load_model(able[0].name)
    readers = ((spec, spec.reader) for spec in able)
    fits = (spec for spec, reader in readers if isinstance(reader, Alphabet) and reader.known(text) == text)
    chosen = next(fits, able[0])
    print(f"Read by {chosen.name} (--model NAME takes another).")
    return load_model(chosen.name)


def _of_file(weights: Path, prefix: str | None, told: Mapping[str, Any]) -> Model:
    """Return the net whose weights a file of this name holds."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.spec import specs

    fitting = [spec.name for spec in specs().values() if weights.name in spec.file_names]
    if len(fitting) == 1:
        return load_model(fitting[0], weights=weights, prefix=prefix, **told)
    if prefix is not None:
        raise MinitorchVizError(
            f"--prefix {prefix!r} says which part of {weights} is meant, but not for which net: give --model NAME too."
        )
    if weights.is_file():
        return load_model(weights, **told)  # what model.save wrote, and ONNX, know their net
    raise MinitorchVizError(
        f"There is no weights file {weights}; besides, such a file does not say how its net is built: give --model "
        f"NAME with --weights {weights}; `minitorch-viz models` lists the names."
    )
