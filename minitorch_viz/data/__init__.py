"""Data sets, read offline, and batches of them. Every loader of pictures returns (training, test), two `Dataset`s."""

from minitorch_viz.data.augment import crop, cutout, flip, tint, zoom
from minitorch_viz.data.batches import ArrayBatches, DatasetBatches, batches
from minitorch_viz.data.cifar10 import load_cifar10
from minitorch_viz.data.dataset import Dataset, normalized
from minitorch_viz.data.digits import load_digits
from minitorch_viz.data.download import download_data
from minitorch_viz.data.faces import load_faces
from minitorch_viz.data.folders import load_folder
from minitorch_viz.data.mnist import load_mnist
from minitorch_viz.data.text import Text, load_text

__all__ = [
    "ArrayBatches",
    "Dataset",
    "DatasetBatches",
    "Text",
    "batches",
    "crop",
    "cutout",
    "download_data",
    "flip",
    "load_cifar10",
    "load_digits",
    "load_faces",
    "load_folder",
    "load_mnist",
    "load_text",
    "normalized",
    "tint",
    "zoom",
]
