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
from minitorch_viz.data.own_pictures import own_pictures
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.models.plain import hidden, linear, plain
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.models.spec import ModelSpec, specs
from minitorch_viz.net import Net
from minitorch_viz.training.bundle import train_classifier
from minitorch_viz.training.losses import SoftmaxCrossEntropy
from minitorch_viz.training.optimizers import SGD, Adam
from minitorch_viz.training.output_files import check_places, saying_what_is_written
from minitorch_viz.training.schedules import OneCycle

BATCH, PEAK, SMOOTHING = 32, 5e-3, 0.1
SEEN = 14_000  # how many pictures a training looks at, each as often as that takes
FEWEST, MOST = 10, 100  # epochs
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
    net: str = "plain",
    units: int | None = None,
    activation: str | None = None,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> Path:
    """Train a small plain net to tell the classes of a folder apart, and write it to `out` with its card beside it.

    folder: one folder a class, with its pictures in it or in folders inside it. size: pixels a side (default: the
    usual one of the pictures, at most 64). epochs: passes over the training pictures (default: as many as show the net
    about 14,000 pictures, 10 to 100). mirror: whether a mirrored picture is as good as the picture, which it is not of
    letters. Every picture is seen at another size and place and in another light each time.
    net: "plain", five convolutions; "linear", z = W x + b, or "hidden", with one hidden layer of so many `units`
    (default: 16) and an `activation` ("relu", the default, "sigmoid" or "tanh"): nets whose weights are templates.
    These two see the pictures shifted by a little, and nothing else.
    film, checkpoint, resume: as in `minitorch_viz.training.recipes.train`.

    `load_model(out)` reads the file: it holds the net, how pictures are read, and the names of the classes. Same
    pictures, same seed: same bits. Raises DataFileError if the folder does not hold such pictures, SettingError for a
    place that cannot be written to, KeyboardInterrupt at Ctrl-C with a sentence on what is kept.
    """
    out = check_places(out, film, checkpoint, resume)
    if epochs is not None:
        need_whole("epochs", epochs, 1)
    hidden_settings = {
        name: value for name, value in {"units": units, "activation": activation}.items() if value is not None
    }
    if net not in NETS:
        raise SettingError(f"There is no net {net!r} to train; {near(net, NETS, 'net')}.")
    if hidden_settings and net != "hidden":
        raise SettingError(f"units and activation are those of a hidden layer, and net={net!r} has none: net='hidden'.")
    training, test, preprocessing = own_pictures(folder, size, seed)
    print(_said(training, test, preprocessing.size[0]))
    for note in dict.fromkeys((*training.notes, *test.notes)):
        print(f"Note: {note}")
    built = NETS[net](preprocessing.size, preprocessing.channels, len(training.class_names), seed, **hidden_settings)
    if net == "plain":
        batches = DatasetBatches(training, BATCH, (*[flip] * mirror, zoom, tint), preprocessing)
    else:
        shifted = partial(crop, padding=max(1, preprocessing.size[0] // 32))
        batches = DatasetBatches(training, BATCH_OF_TEMPLATES, shifted, preprocessing)
    given_epochs, epochs = epochs, epochs or int(np.clip(-(-SEEN // len(training)), FEWEST, MOST))
    name = Path(folder).resolve().name or "pictures"
    name = f"own {name}" if name in specs() else name  # no net of the package
    spec = ModelSpec(
        name=name,
        build=NETS[net],
        paper="",
        licence="",
        reader=preprocessing,
        parameters=sum(value.size for value in built.params.values()),
        logits="logits",
        head="logits",
        classes=training.class_names,
    )
    chosen = {"seed": seed, "size": size, "epochs": given_epochs, "units": units, "activation": activation}
    options = [f"--{option} {value}" for option, value in chosen.items() if value is not None]
    options += ["--no-mirror"] * (not mirror) + [f"--net {net}"] * (net != "plain")
    tested = [training.class_names[label] for label in np.unique(test.labels)]
    with saying_what_is_written(out):
        return train_classifier(
            spec,
            built,
            batches,
            test,
            seed=seed,
            watched=len(test),
            shown=tested[:SHOWN],
            out=out,
            film=film,
            checkpoint=checkpoint,
            resume=resume,
            card={
                "data": f"{len(training)} pictures for training and {len(test)} for testing",
                "command": " ".join(["minitorch-viz train", shlex.quote(str(folder)), *options]),
                "licence": "that of its pictures' owner",
            },
            epochs=epochs,
            **_settings(net, preprocessing, epochs * len(batches)),
        )


def _settings(net: str, preprocessing: Preprocessing, steps: int) -> dict[str, Any]:
    """Return the optimizer, schedule and loss that suit a net; weight decay fades what the data do not hold up."""
    if net == "plain":
        return {
            "optimizer": Adam(PEAK),
            "schedule": OneCycle(PEAK, max(2, steps)),
            "loss": SoftmaxCrossEntropy(SMOOTHING),
        }
    inputs = preprocessing.channels * math.prod(preprocessing.size)
    rate = {"linear": 1e-3, "hidden": 3e-3}[net] * min(1.0, 64 * 64 / inputs)  # the score's curvature grows with them
    return {"optimizer": SGD(rate, 0.9, weight_decay=0.1)}


def _said(training: Dataset, test: Dataset, side: int) -> str:
    """Return the sentence on what is trained on: how many pictures, of what size, which classes."""
    names = training.class_names
    listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    colours = "grey" if training.channels == 1 else "in colour"
    return (
        f"{len(training)} pictures to train on and {len(test)} held out to test on, as {side} x {side} pixels {colours}"
        f"; {len(names)} classes: {listed}"
    )
