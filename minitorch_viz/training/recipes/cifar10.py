"""How `cifar10` was trained: one cycle of SGD over mirrored and shifted pictures, with batch normalization."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from minitorch_viz.data import DatasetBatches, crop, flip, load_cifar10
from minitorch_viz.models.cifar10 import PREPROCESSING, SPEC, cifar10
from minitorch_viz.models.spec import ModelSpec
from minitorch_viz.net import Net
from minitorch_viz.training.bundle import train_classifier
from minitorch_viz.training.losses import SoftmaxCrossEntropy
from minitorch_viz.training.optimizers import SGD
from minitorch_viz.training.schedules import OneCycle

EPOCHS, BATCH, PEAK, SMOOTHING = 18, 128, 0.2, 0.05
WATCHED = 1000  # of the test pictures, after every epoch
IN_FRONT = "cat", "ship", "horse"


def train(
    out: Path,
    seed: int = 0,
    *,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    data: Path | None = None,
) -> Path:
    """Train `cifar10` and write weights and card: see `train_on_cifar10`."""
    return train_on_cifar10(
        SPEC, cifar10, EPOCHS, out, seed, film=film, checkpoint=checkpoint, resume=resume, data=data
    )


def train_on_cifar10(
    spec: ModelSpec,
    build: Callable[..., Net],
    epochs: int,
    out: Path,
    seed: int,
    *,
    film: Path | None,
    checkpoint: Path | None,
    resume: bool,
    data: Path | None,
) -> Path:
    """Train on the 50,000 training pictures, test on the 10,000 others, and write weights and card.

    The pictures may come from an archive of JPEGs, but some of each part must be at hand without loss: JPEG changes
    what a net of 32 x 32 pixels sees, so the card says how good it is on those too.

    build: makes the net by `build(seed=seed, norm=True)`, with batch normalizations.
    data: the folder with CIFAR-10's files (default: see `load_cifar10`). The rest: see `train_classifier`.
    """
    training, test = load_cifar10(data)
    exact = load_cifar10(data, lossless=True)
    batches = DatasetBatches(training, BATCH, (flip, crop), PREPROCESSING)
    return train_classifier(
        spec,
        build(seed=seed, norm=True),
        batches,
        test,
        seed=seed,
        watched=WATCHED,
        shown=IN_FRONT,
        out=out,
        film=film,
        checkpoint=checkpoint,
        resume=resume,
        card={
            "data": f"CIFAR-10, {len(training)} pictures for training, of which {len(exact[0])} are lossless and the "
            f"others may be JPEGs, and {len(test)} for testing, of which {len(exact[1])} are lossless"
        },
        parts={"test_accuracy_lossless": exact[1]},
        epochs=epochs,
        optimizer=SGD(PEAK, momentum=0.9, nesterov=True, weight_decay=5e-4),
        schedule=OneCycle(PEAK, epochs * len(batches)),
        loss=SoftmaxCrossEntropy(SMOOTHING),
    )
