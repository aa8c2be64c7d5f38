"""Training on pictures of one's own: a recipe made from a folder."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz.data.augment import crop, flip, tint, zoom
from minitorch_viz.data.batches import DatasetBatches
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.data.own_pictures import own_pictures, pictures_for
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.models.load import load_model
from minitorch_viz.models.model import Model
from minitorch_viz.models.plain import hidden, linear, plain
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec, specs
from minitorch_viz.net import Net
from minitorch_viz.training.adversarial import Adversarial
from minitorch_viz.training.answers import SCORES, Answers, answers_for
from minitorch_viz.training.bundle import train_classifier
from minitorch_viz.training.optimizers import SGD, AdamW
from minitorch_viz.training.output_files import check_places, numbered, saying_what_is_written
from minitorch_viz.training.schedules import OneCycle

BATCH, PEAK, DECAY, SMOOTHING = 32, 1e-2, 0.02, 0.1
SEEN = 60_000  # how many pictures a training looks at, each as often as that takes
FEWEST, MOST = 10, 400  # epochs
CONTRAST, SHIFT = 0.5, 40.0  # of each picture's light, by up to so much
CLOSER, FARTHER = 0.8, 1.3  # the window of a picture that is seen, as a share of its sides
BATCH_OF_TEMPLATES = 16
NETS: dict[str, Callable[..., Net]] = {"plain": plain, "linear": linear, "hidden": hidden}
SHOWN = 3  # pictures that the film has in front


def train_folder(
    folder: str | Path,
    out: Path,
    seed: int = 0,
    *,
    size: int | None = None,
    epochs: int | None = None,
    mirror: bool = True,
    net: str | None = None,
    units: int | None = None,
    activation: str | None = None,
    scores: str = "softmax",
    from_net: str | Path | None = None,
    weights: Path | None = None,
    head: str | None = None,
    unfreeze: int | None = None,
    adversarial: float | None = None,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> Path:
    """Train a net to tell the classes of a folder apart, and write it to `out` with its card beside it.

    folder: one folder a class, with its pictures in it or in folders inside it. size: pixels a side (default: the
    usual one of the pictures, at most 64; that of `from_net`). epochs: passes over the training pictures (default: as
    many as show a new net about 60,000 pictures, 10 to 400). mirror: whether a mirrored picture is as good as the
    picture, which it is not of letters. A new net sees every picture at another size and place, in another light and
    blended with another picture each time.
    net: "plain", the default, five convolutions; "linear", z = W x + b, or "hidden", with one hidden layer of so many
    `units` (default: 16) and an `activation` ("relu", the default, "sigmoid" or "tanh"): nets whose weights are
    templates. These two see the pictures shifted by a little, and nothing else.
    scores: "softmax", one class of several; "sigmoid", yes or no for each: a picture may then lie in several folders,
    and a folder called "none" holds those with no label (see `as_labels`).
    from_net: what `load_model` takes, with `weights`: the layers of that net are kept and a new linear layer is trained
    on what they see of each picture. head: "gap" cuts the net at its last maps and averages them, so that class
    activation maps apply; "linear", the default, cuts before its scores. unfreeze: train all layers for so many epochs
    afterwards, at a small rate.
    adversarial: the most, in steps of 0..255, that a value of a training picture is changed by, to where a new net is
    more wrong (`Adversarial`); after each epoch the test pictures are measured under attack.
    film, checkpoint, resume: as in `minitorch_viz.training.recipes.train`.

    `load_model(out)` reads the file: it holds the net, how pictures are read, and the names of the classes. Same
    pictures, same seed: same bits. Raises DataFileError if the folder does not hold such pictures, SettingError for a
    place that cannot be written to, KeyboardInterrupt at Ctrl-C with a sentence on what is kept.
    """
    out = check_places(out, film, checkpoint, resume)
    if epochs is not None:
        need_whole("epochs", epochs, 1)
    if scores not in SCORES:
        raise SettingError(f"There is no kind of scores {scores!r}; {near(scores, SCORES, 'kind')}.")
    if adversarial is not None and from_net is not None:
        raise SettingError(
            f"adversarial moves what a net is trained on, and of {from_net} only a new last layer learns, from what "
            "the layers before it see; leave out --from, or --adversarial."
        )
    base = _base(from_net, weights, head, unfreeze, net, units, activation)
    if unfreeze:
        check_places(out, numbered(film, 1), numbered(checkpoint, 1), resume)
    if base is None:
        training, test, preprocessing = own_pictures(folder, size, seed)
    else:
        from minitorch_viz.models.cut import body_of, reader_of_body

        preprocessing = reader_of_body(base, size)
        body = body_of(base, head or "linear", preprocessing)
        training, test = pictures_for(folder, preprocessing, seed)
    training, test, answers = answers_for(training, test, scores)
    print(_said(training, test, preprocessing.size[0]))
    for note in dict.fromkeys((*training.notes, *test.notes)):
        print(f"Note: {note}")
    name = Path(folder).resolve().name or "pictures"
    options = {
        "seed": seed,
        "size": size,
        "epochs": epochs,
        "net": None if net == "plain" else net,
        "units": units,
        "activation": activation,
        "scores": None if scores == "softmax" else scores,
        "from": from_net,
        "weights": weights,
        "head": head,
        "unfreeze": unfreeze or None,
        "adversarial": adversarial,
    }
    words = [str(folder)] + ["--no-mirror"] * (not mirror)
    for option, value in options.items():
        words += [] if value is None else [f"--{option}", str(value)]
    tested = [test.class_names[label] for label in np.unique(test.labels)]
    common: dict[str, Any] = {
        "seed": seed,
        "shown": tested[:SHOWN],
        "out": out,
        "film": film,
        "checkpoint": checkpoint,
        "resume": resume,
    }
    name = f"own {name}" if name in specs() else name  # no net of the package
    card = {
        "name": name,
        "data": f"{len(training)} pictures for training and {len(test)} for testing",
        "command": f"minitorch-viz train {shlex.join(words)}",
        "seed": seed,
        "licence": "that of its pictures' owner",
    }
    spec = ModelSpec(
        name=name,
        build=NETS[net or "plain"],
        paper="",
        licence="",
        reader=preprocessing,
        parameters=0,
        logits="logits",
        head="logits",
        classes=answers.names,
    )
    with saying_what_is_written(out):
        if base is not None:
            from minitorch_viz.training.transfer import train_head

            origin = specs()[base.name].licence if base.name in specs() else "its owner's"
            card |= {"from": base.name, "licence": f"{card['licence']}, and that of {base.name}: {origin}"}
            return train_head(
                body,
                spec,
                training,
                test,
                answers,
                epochs=epochs,
                unfreeze=unfreeze or 0,
                mirror=mirror,
                card=card,
                **common,
            )
        settings = {
            key: value for key, value in {"units": units, "activation": activation}.items() if value is not None
        }
        return _train_new(
            spec, net or "plain", settings, training, test, answers, epochs, mirror, adversarial, card, common
        )


def _train_new(
    spec: ModelSpec,
    net: str,
    settings: dict[str, Any],
    training: Dataset,
    test: Dataset,
    answers: Answers,
    epochs: int | None,
    mirror: bool,
    adversarial: float | None,
    card: dict[str, Any],
    common: dict[str, Any],
) -> Path:
    """Train a net that begins at random."""
    preprocessing, seed = spec.preprocessing, common["seed"]
    built = NETS[net](
        preprocessing.size, preprocessing.channels, len(answers.names), seed, squash=answers.layer, **settings
    )
    if net == "plain":
        closer, light = partial(zoom, least=CLOSER, most=FARTHER), partial(tint, contrast=CONTRAST, shift=SHIFT)
        batches = DatasetBatches(training, BATCH, (*[flip] * mirror, closer, light), preprocessing)
    else:
        shifted = partial(crop, padding=max(1, preprocessing.size[0] // 32))
        batches = DatasetBatches(training, BATCH_OF_TEMPLATES, shifted, preprocessing)
    epochs = epochs or int(np.clip(-(-SEEN // len(training)), FEWEST, MOST))
    return train_classifier(
        spec,
        built,
        answers.blended(batches) if net == "plain" else answers.batches(batches),
        test,
        watched=len(test),
        card=card,
        answers=answers,
        adversarial=None if adversarial is None else Adversarial(adversarial, preprocessing),
        epochs=epochs,
        **common,
        **_settings(net, preprocessing, epochs * len(batches), answers),
    )


def _base(
    from_net: str | Path | None,
    weights: Path | None,
    head: str | None,
    unfreeze: int | None,
    net: str | None,
    units: int | None,
    activation: str | None,
) -> Model | None:
    """Return the trained net to begin with, if there is one; SettingError for settings that do not go together."""
    for setting, value in {"weights": weights, "head": head, "unfreeze": unfreeze}.items():
        if value is not None and from_net is None:
            raise SettingError(f"{setting} is that of a trained net to begin with: give --from NET too.")
    for setting, value in {"units": units, "activation": activation}.items():
        if value is not None and net != "hidden":
            words = (
                "a net that is trained already" if net is None and from_net is not None else f"net={net or 'plain'!r}"
            )
            raise SettingError(f"{setting} is that of a hidden layer, and {words} has none: net='hidden'.")
    if net is not None and net not in NETS:
        raise SettingError(f"There is no net {net!r} to train; {near(net, NETS, 'net')}.")
    if from_net is None:
        return None
    if net is not None:
        raise SettingError(
            f"net={net!r} begins at random, and --from {from_net} with a trained net; leave one of them out."
        )
    if unfreeze is not None:
        need_whole("unfreeze", unfreeze, 0)
    return load_model(from_net, weights=weights)


def _settings(net: str, preprocessing: Preprocessing, steps: int, answers: Answers) -> dict[str, Any]:
    """Return the optimizer, schedule and loss that suit a net; weight decay fades what the data do not hold up."""
    if net == "plain":
        return {
            "optimizer": AdamW(PEAK, weight_decay=DECAY),
            "schedule": OneCycle(PEAK, max(2, steps)),
            "loss": answers.loss(SMOOTHING),
        }
    inputs = preprocessing.channels * math.prod(preprocessing.size)
    rate = {"linear": 1e-3, "hidden": 3e-3}[net] * min(1.0, 64 * 64 / inputs)  # the score's curvature grows with them
    if answers.table is not None:
        rate *= len(answers.names)  # the loss is a mean over the labels, of which each has weights of its own
    return {"optimizer": SGD(rate, 0.9, weight_decay=0.1), "loss": answers.loss()}


def _said(training: Dataset, test: Dataset, side: int) -> str:
    """Return the sentence on what is trained on: how many pictures, of what size, which classes."""
    names = training.class_names
    listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    colours = "grey" if training.channels == 1 else "in colour"
    return (
        f"{len(training)} pictures to train on and {len(test)} held out to test on, as {side} x {side} pixels {colours}"
        f"; {len(names)} classes: {listed}"
    )
