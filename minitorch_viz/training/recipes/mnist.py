"""How `mnist` was trained: four passes of SGD over shifted digits in one cycle, with batch normalization."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from minitorch_viz.data import DatasetBatches, crop, load_mnist
from minitorch_viz.models.mnist import PREPROCESSING, SPEC, mnist
from minitorch_viz.training.bundle import train_classifier
from minitorch_viz.training.optimizers import SGD
from minitorch_viz.training.schedules import OneCycle

EPOCHS, BATCH, PEAK, SHIFT = 4, 128, 0.2, 2
IN_FRONT = "3", "5", "8"


def train(
    out: Path,
    seed: int = 0,
    *,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    data: Path | None = None,
) -> Path:
    """Train on the 60,000 training pictures, test on the 10,000 others, and write weights and card.

    data: the folder with the four files of MNIST (default: see `load_mnist`). The rest: see `train_classifier`.
    """
    training, test = load_mnist(data)
    batches = DatasetBatches(training, BATCH, partial(crop, padding=SHIFT), PREPROCESSING)
    return train_classifier(
        SPEC,
        mnist(seed=seed, norm=True),
        batches,
        test,
        seed=seed,
        watched=len(test),
        shown=IN_FRONT,
        out=out,
        film=film,
        checkpoint=checkpoint,
        resume=resume,
        card={"data": f"MNIST, {len(training)} pictures for training and {len(test)} for testing"},
        epochs=EPOCHS,
        optimizer=SGD(PEAK, momentum=0.9, nesterov=True, weight_decay=5e-4),
        schedule=OneCycle(PEAK, EPOCHS * len(batches)),
    )
