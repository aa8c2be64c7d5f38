"""scikit-learn's handwritten digits: 1797 grey images of 8 x 8 pixels, inside its wheel."""

from __future__ import annotations

import numpy as np

from minitorch_viz.data.dataset import Dataset

TEST_SHARE = 0.2
SPLIT_SEED = 0
NAMES = tuple("0123456789")


def load_digits() -> tuple[Dataset, Dataset]:
    """Return (training, test): 0 is paper, 255 is ink; always the same split, a fifth of each digit is for testing."""
    from sklearn.datasets import load_digits as load
    from sklearn.model_selection import train_test_split

    bunch = load()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)  # stored as 0..16
    parts = train_test_split(images, bunch.target, test_size=TEST_SHARE, random_state=SPLIT_SEED, stratify=bunch.target)
    train_images, test_images, train_labels, test_labels = parts
    return (
        Dataset(train_images, train_labels, NAMES, "digits train"),
        Dataset(test_images, test_labels, NAMES, "digits test"),
    )
