"""Small files in the data sets' formats, made by hand."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from minitorch_viz.data.cifar10 import BATCHES, NAMES


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    """An idx file of unsigned bytes."""
    head = bytes([0, 0, kind, array.ndim]) + b"".join(length.to_bytes(4, "big") for length in array.shape)
    return head + array.astype(np.uint8).tobytes()


def mnist(folder: Path, train: int = 6, test: int = 4, seed: int = 0) -> Path:
    """A folder with four small idx files."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", train), ("t10k", test)):
        images = rng.integers(0, 256, (count, 28, 28), np.uint8)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(count) % 10)))
    return folder


def records(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, bytes]:
    """(images, labels, the bytes of a CIFAR-10 batch); smooth pictures, which JPEG keeps nearly as they are."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 1, 32)[:, None, None] * rng.integers(-60, 60, (count, 1, 1, 3))
    images = (128 + rng.integers(-50, 50, (count, 1, 1, 3)) + ramp + np.zeros((1, 1, 32, 1))).astype(np.uint8)
    labels = rng.integers(0, 10, count)
    planes = images.transpose(0, 3, 1, 2).reshape(count, -1)
    return images, labels, np.concatenate([labels[:, None].astype(np.uint8), planes], axis=1).tobytes()


def jpeg(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=90)
    return file.getvalue()


def tar(members: dict[str, bytes], mode: str = "w:xz") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return file.getvalue()


def jpeg_members(train: int = 5, test: int = 3) -> dict[str, bytes]:
    """What cifar10_jpeg.tar.xz holds, of the pictures of records(train, 1) and records(test, 2)."""
    members = {}
    for part, count, seed in (("train", train, 1), ("test", test, 2)):
        images, labels, _ = records(count, seed)
        for index, (image, label) in enumerate(zip(images, labels, strict=True)):
            members[f"{part}/{index:05d}_{NAMES[label]}.jpg"] = jpeg(image)
    return members


def official_members(count: int = 4) -> dict[str, bytes]:
    """What cifar-10-binary.tar.gz holds, with so few records a batch."""
    members = {"cifar-10-batches-bin/readme.html": b"<html>"}
    for seed, name in enumerate(BATCHES):
        members[f"cifar-10-batches-bin/{name}"] = records(count, seed)[2]
    return members
