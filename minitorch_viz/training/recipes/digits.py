"""How `digits` was trained: 30 passes of Adam over 1437 images shifted by up to a pixel, seconds on one core."""

from __future__ import annotations

from pathlib import Path

from minitorch_viz.data import ArrayBatches, load_digits, normalized
from minitorch_viz.models.digits import PREPROCESSING, SPEC, digits
from minitorch_viz.models.samples import DIGITS
from minitorch_viz.training.bundle import train_classifier
from minitorch_viz.training.optimizers import Adam

EPOCHS, BATCH, RATE = 30, 64, 3e-3


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
    return train_classifier(
        SPEC,
        digits(seed=seed),
        ArrayBatches(normalized(training.images, PREPROCESSING), training.labels, BATCH, augment=1),
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
        optimizer=Adam(RATE),
    )
