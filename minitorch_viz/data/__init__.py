"""Data sets, read offline, and batches of them. Every loader returns (training, test), two `Dataset`s."""

from minitorch_viz.data.augment import crop, cutout, flip
from minitorch_viz.data.batches import batches
from minitorch_viz.data.dataset import Dataset, normalized
from minitorch_viz.data.digits import load_digits

__all__ = ["Dataset", "batches", "crop", "cutout", "flip", "load_digits", "normalized"]
