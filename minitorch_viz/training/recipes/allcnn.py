"""How `allcnn` was trained: as `cifar10`, for fewer epochs, each of which takes three times as long."""

from __future__ import annotations

from pathlib import Path

from minitorch_viz.models.allcnn import SPEC, allcnn
from minitorch_viz.training.recipes.cifar10 import train_on_cifar10

EPOCHS = 10


def train(
    out: Path,
    seed: int = 0,
    *,
    film: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    data: Path | None = None,
) -> Path:
    """Train `allcnn` and write weights and card: see `train_on_cifar10`."""
    return train_on_cifar10(SPEC, allcnn, EPOCHS, out, seed, film=film, checkpoint=checkpoint, resume=resume, data=data)
