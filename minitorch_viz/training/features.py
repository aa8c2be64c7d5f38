"""What a frozen net makes of every picture, computed once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.batches import DatasetBatches
from minitorch_viz.data.dataset import Dataset
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.net import Net
from minitorch_viz.progress import progress_bar

BATCH = 16


def features_of(body: Net, dataset: Dataset, preprocessing: Preprocessing, desc: str = "features") -> Array:
    """Return the net's output (N, D) for every picture, in order, with a progress bar if it takes over two seconds."""
    batches = DatasetBatches(dataset, BATCH, preprocessing=preprocessing, shuffle=False)
    parts = []
    with progress_bar(total=len(dataset), desc=desc, unit="picture", delay=2) as bar:
        for x, _ in batches(None):
            parts.append(body.predict(x))
            bar.update(len(x))
    return np.concatenate(parts)


def mirrored(dataset: Dataset) -> Dataset:
    """Return the same pictures, each mirrored left to right."""
    return replace(dataset, images=np.ascontiguousarray(dataset.images[:, :, ::-1]))
