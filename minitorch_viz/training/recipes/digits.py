"""How `digits` was trained: 30 passes of Adam over 1437 images shifted by up to a pixel, seconds on one core."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from minitorch_viz.data import Dataset, load_digits, normalized
from minitorch_viz.models.digits import PREPROCESSING, SPEC, digits
from minitorch_viz.models.samples import DIGITS
from minitorch_viz.training.card import save_with_card
from minitorch_viz.training.evaluate import accuracy
from minitorch_viz.training.film import Film
from minitorch_viz.training.fit import fit
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
    """Train on the training split, test on the test split, and write weights (float16) and card.

    The test images are only watched, after every epoch: they choose nothing. film, checkpoint, resume: see `fit`.
    """
    training, test = load_digits()
    rng = np.random.default_rng(seed)
    net = digits(seed=seed)
    fitted = fit(
        net,
        normalized(training.images, PREPROCESSING),
        training.labels,
        rng=rng,
        epochs=EPOCHS,
        batch=BATCH,
        optimizer=Adam(RATE),
        logits=SPEC.logits,
        augment=1,
        validation=(normalized(test.images, PREPROCESSING), test.labels),
        keep="last",
        checkpoint=checkpoint,
        resume=resume,
        observers=[] if film is None else [_film(film, test)],
    )
    if fitted.stopped == "interrupted":
        raise KeyboardInterrupt
    as_written = {name: value.astype(np.float16).astype(np.float32) for name, value in fitted.net.state.items()}
    net = net.with_params(as_written)
    share = accuracy(net, normalized(test.images, PREPROCESSING), test.labels, SPEC.logits)
    print(f"digits: {share:.2%} of the {len(test)} test images right, trained in {fitted.seconds:.1f} s")
    return save_with_card(
        net,
        out,
        PREPROCESSING,
        class_names=SPEC.classes if isinstance(SPEC.classes, tuple) else (),
        card={
            "name": "digits",
            "data": "scikit-learn's handwritten digits, 1437 for training and 360 for testing",
            "command": f"minitorch-viz train digits --seed {seed}",
            "test_accuracy": round(share, 4),
            "seconds": round(fitted.seconds, 1),
            "licence": "MIT",
        },
    )


def _film(path: Path, test: Dataset) -> Film:
    """A 3, a 5 and an 8 in front, and more test images that gradients and dead units are measured on."""
    first = [int((test.labels == digit).argmax()) for digit in DIGITS]
    some = [*first, *(i for i in range(64) if i not in first)]
    images = normalized(test.images[some], PREPROCESSING)
    return Film(path, images, test.labels[some], title="digits: a net learns to read digits")
