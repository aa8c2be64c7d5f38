"""How `digits_autoencoder` was trained: half of each digit's pixels are put out, and it is to draw all of it.

So a unit cannot copy a pixel: it must look for what pixels do together. The weights begin near zero, since those of
the border, where no digit has ink, stay as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.data import load_digits, normalized
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.models.digits_autoencoder import PREPROCESSING, SPEC, digits_autoencoder
from minitorch_viz.training.bundle import as_written
from minitorch_viz.training.card import save_with_card
from minitorch_viz.training.fit import fit
from minitorch_viz.training.losses import MeanSquaredError
from minitorch_viz.training.optimizers import Adam
from minitorch_viz.training.output_files import UnfinishedWeights, check_places

EPOCHS, BATCH, RATE, DECAY = 100, 64, 3e-3, 1e-4
PUT_OUT = 0.5  # of the pixels
START = 0.1  # what the random start of the first layer's weights is multiplied with


def train(
    out: Path,
    seed: int = 0,
    *,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
) -> Path:
    """Train on the training split, measure the error on the test split, and write weights and card.

    checkpoint, resume: see `fit`. Raises SettingError for a film: it shows how classes are told apart.
    """
    if film is not None:
        raise SettingError("A film shows how a net learns to tell classes apart, and this net has none; leave it out.")
    out = check_places(out, film, checkpoint, resume)
    need_whole("seed", seed, 0)
    training, test = load_digits()
    images, held_out = (normalized(part.images, PREPROCESSING) for part in (training, test))
    net = digits_autoencoder(seed=seed)
    fitted = fit(
        net.with_params({"code.weight": net.params["code.weight"] * np.float32(START)}),
        Denoising(images),
        rng=np.random.default_rng(seed),
        epochs=EPOCHS,
        optimizer=Adam(RATE, weight_decay=DECAY),
        loss=MeanSquaredError(),
        logits="output",
        validation=[(held_out, held_out)],
        keep="last",
        checkpoint=checkpoint,
        resume=resume,
    )
    written = as_written(fitted.net)
    facts = {
        "name": SPEC.name,
        "data": f"scikit-learn's handwritten digits, {len(training)} for training and {len(test)} for testing",
        "command": f"minitorch-viz train {SPEC.name} --seed {seed}",
        "seed": seed,
    }
    if fitted.stopped == "interrupted":
        unfinished = UnfinishedWeights(out, PREPROCESSING, (), facts, checkpoint, resume)
        raise KeyboardInterrupt(unfinished.keep(fitted, written, EPOCHS))
    error = float(((written.predict(held_out) - held_out) ** 2).mean())
    variance = float(held_out.var(axis=0).mean())
    print(
        f"{SPEC.name}: mean squared error {error:.4f} on the {len(test)} test images, whose pixels vary by "
        f"{variance:.4f}; trained in {fitted.seconds:.1f} s"
    )
    card = {
        **facts,
        "epochs": len(fitted.history),
        "test_error": round(error, 5),
        "test_variance": round(variance, 5),
        "seconds": round(fitted.seconds, 1),
        "licence": "MIT",
    }
    return save_with_card(written, out, PREPROCESSING, class_names=(), card=card)


class Denoising:
    """Give pictures with some pixels put out, and the whole ones as what they are to become."""

    def __init__(self, images: Array) -> None:
        self.images = images  # (N, C, H, W), 0 where nothing is drawn

    def __call__(self, rng: Generator | None) -> Iterator[tuple[Array, Array]]:
        order = np.arange(len(self.images)) if rng is None else rng.permutation(len(self.images))
        for start in range(0, len(order), BATCH):
            whole = self.images[order[start : start + BATCH]]
            kept = np.ones(whole.shape, bool) if rng is None else rng.random(whole.shape) >= PUT_OUT
            yield whole * kept, whole
