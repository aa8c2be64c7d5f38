"""How `digits_linear` was trained: softmax regression on 1437 images, a second or two on one core.

It has one optimum, so training begins at 0. Weight decay fades what the data do not hold up: without it the templates
are noise at the pixels in which digits hardly differ.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minitorch_viz.data import ArrayBatches, load_digits, normalized
from minitorch_viz.models.digits import PREPROCESSING
from minitorch_viz.models.digits_linear import SPEC, digits_linear
from minitorch_viz.models.samples import DIGITS
from minitorch_viz.training.bundle import train_classifier
from minitorch_viz.training.optimizers import SGD

EPOCHS, BATCH, RATE, MOMENTUM, DECAY = 100, 64, 1e-2, 0.9, 0.03


def train(
    out: Path,
    seed: int = 0,
    *,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> Path:
    """Train on the training split, test on the test split, and write weights and card; see `train_classifier`."""
    training, test = load_digits()
    net = digits_linear(seed=seed)
    return train_classifier(
        SPEC,
        net.with_params({name: np.zeros_like(value) for name, value in net.params.items()}),
        ArrayBatches(normalized(training.images, PREPROCESSING), training.labels, BATCH),
        test,
        seed=seed,
        watched=len(test),
        shown=[str(digit) for digit in DIGITS],
        out=out,
        film=film,
        checkpoint=checkpoint,
        resume=resume,
        card={"data": f"scikit-learn's handwritten digits, {len(training)} for training and {len(test)} for testing"},
        epochs=EPOCHS,
        optimizer=SGD(RATE, MOMENTUM, weight_decay=DECAY),
    )
