"""scikit-learn's handwritten digits: 1797 grey images of 8 x 8 pixels, inside its wheel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array

TEST_SHARE = 0.2
SPLIT_SEED = 0


class Split(NamedTuple):
    """Images and their labels."""

    images: Array  # (N, 8, 8) uint8, 0 is paper and 255 is ink
    labels: Array  # (N,) int, the digit


def load_digits() -> tuple[Split, Split]:
    """The training and the test images: always the same split, a fifth of each digit is for testing."""
    from sklearn.datasets import load_digits as load
    from sklearn.model_selection import train_test_split

    bunch = load()
    images = np.round(bunch.images * (255 / 16)).astype(np.uint8)  # stored as 0..16
    parts = train_test_split(images, bunch.target, test_size=TEST_SHARE, random_state=SPLIT_SEED, stratify=bunch.target)
    train_images, test_images, train_labels, test_labels = parts
    return Split(train_images, train_labels), Split(test_images, test_labels)
