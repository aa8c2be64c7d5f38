"""Training on pictures of one's own: a recipe made from a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minitorch_viz.data.augment import flip, tint, zoom
from minitorch_viz.data.batches import DatasetBatches
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.data.own_pictures import own_pictures
from minitorch_viz.errors import need_whole
from minitorch_viz.models.plain import plain
from minitorch_viz.models.spec import ModelSpec, specs
from minitorch_viz.training.bundle import train_classifier
from minitorch_viz.training.losses import SoftmaxCrossEntropy
from minitorch_viz.training.optimizers import Adam
from minitorch_viz.training.output_files import check_places, saying_what_is_written
from minitorch_viz.training.schedules import OneCycle

BATCH, PEAK, SMOOTHING = 32, 5e-3, 0.1
SEEN = 14_000  # how many pictures a training looks at, each as often as that takes
FEWEST, MOST = 10, 100  # epochs
SHOWN = 3  # pictures that the film has in front


def train_folder(
    folder: str | Path,
    out: Path,
    seed: int = 0,
    *,
    size: int | None = None,
    epochs: int | None = None,
    mirror: bool = True,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> Path:
    """Train a small plain net to tell the classes of a folder apart, and write it to `out` with its card beside it.

    folder: one folder a class, with its pictures in it or in folders inside it. size: pixels a side (default: the
    usual one of the pictures, at most 64). epochs: passes over the training pictures (default: as many as show the net
    about 14,000 pictures, 10 to 100). mirror: whether a mirrored picture is as good as the picture, which it is not of
    letters. Every picture is seen at another size and place and in another light each time.
    film, checkpoint, resume: as in `minitorch_viz.training.recipes.train`.

    `load_model(out)` reads the file: it holds the net, how pictures are read, and the names of the classes. Same
    pictures, same seed: same bits. Raises DataFileError if the folder does not hold such pictures, SettingError for a
    place that cannot be written to, KeyboardInterrupt at Ctrl-C with a sentence on what is kept.
    """
    out = check_places(out, film, checkpoint)
    if epochs is not None:
        need_whole("epochs", epochs, 1)
    training, test, preprocessing = own_pictures(folder, size, seed)
    print(_said(training, test, preprocessing.size[0]))
    for note in dict.fromkeys((*training.notes, *test.notes)):
        print(f"Note: {note}")
    net = plain(preprocessing.size, preprocessing.channels, len(training.class_names), seed)
    batches = DatasetBatches(training, BATCH, (*[flip] * mirror, zoom, tint), preprocessing)
    epochs = epochs or int(np.clip(-(-SEEN // len(training)), FEWEST, MOST))
    name = Path(folder).resolve().name or "pictures"
    name = f"own {name}" if name in specs() else name  # no net of the package
    spec = ModelSpec(
        name=name,
        build=plain,
        paper="",
        licence="",
        reader=preprocessing,
        parameters=sum(value.size for value in net.params.values()),
        logits="logits",
        head="logits",
        classes=training.class_names,
    )
    tested = [training.class_names[label] for label in np.unique(test.labels)]
    with saying_what_is_written(out):
        return train_classifier(
            spec,
            net,
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
                "command": f"minitorch-viz train {folder} --seed {seed}{'' if mirror else ' --no-mirror'}",
                "licence": "that of its pictures' owner",
            },
            epochs=epochs,
            optimizer=Adam(PEAK),
            schedule=OneCycle(PEAK, max(2, epochs * len(batches))),
            loss=SoftmaxCrossEntropy(SMOOTHING),
        )


def _said(training: Dataset, test: Dataset, side: int) -> str:
    """Return the sentence on what is trained on: how many pictures, of what size, which classes."""
    names = training.class_names
    listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    colours = "grey" if training.channels == 1 else "in colour"
    return (
        f"{len(training)} pictures to train on and {len(test)} held out to test on, as {side} x {side} pixels {colours}"
        f"; {len(names)} classes: {listed}"
    )
