"""How `mnist_autoencoder` was trained: eight passes of Adam in one cycle, with noise of 0.5 on the code."""

from __future__ import annotations

from pathlib import Path

from minitorch_viz.data import load_mnist
from minitorch_viz.models.mnist_autoencoder import SPEC
from minitorch_viz.training.noisy_codes import Setting, train_generator

SETTING = Setting(epochs=8, batch=128, peak=3e-3, noise=0.5)


def train(
    out: Path,
    seed: int = 0,
    *,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    data: Path | None = None,
) -> Path:
    """Train on the 60,000 training pictures, measure the error on the 10,000 others, and write weights and card.

    data: the folder with the four files of MNIST (default: see `load_mnist`). The rest: see `train_generator`.
    """
    training, test = load_mnist(data)
    return train_generator(
        SPEC, training, test, SETTING, seed=seed, out=out, film=film, checkpoint=checkpoint, resume=resume, data="MNIST"
    )
