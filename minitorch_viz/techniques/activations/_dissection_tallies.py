"""What dissection counts: each unit's threshold, and then which pixels above it show what.

Pixels that show the same concepts are counted together, as one cell. How many pixels each cell has, and how many of
them each unit answers to, is all that the IoU of any label needs, the longest formula's too: exact, and in memory that
does not grow with the pictures.
"""

from __future__ import annotations

from typing import Self

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.data.bits import packed
from minitorch_viz.data.concepts import Concepts, Truth
from minitorch_viz.errors import ImageFileError
from minitorch_viz.graph import Tape
from minitorch_viz.models.readers.preprocessing import Preprocessing
from minitorch_viz.techniques.explain.anchored import Anchors
from minitorch_viz.techniques.tally import Tally
from minitorch_viz.techniques.workers import products_by_one_thread

MOST_KEPT = 20_000  # values of a unit for its threshold; where more are in the top share, pictures are left out
LARGEST_KEY = 2**62


def rotation(count: int, seed: int) -> Array:
    """Return a random change of basis (count, count), orthogonal, evenly drawn from all (Mezzadri 2007)."""
    with products_by_one_thread:
        q, r = np.linalg.qr(np.random.default_rng(seed).standard_normal((count, count)))
    turned: Array = (q * np.sign(np.diag(r))).astype(np.float32)
    return turned


class Units(Tally):
    """Be a tally of a node's channels and, after them, of the same channels in a random basis."""

    node: str
    turned: int | None  # the seed of the basis; None: the channels alone

    @property
    def upto(self) -> tuple[str, ...]:
        return (self.node,)

    def maps(self, tape: Tape) -> Array:
        """Return (N, C or 2 C, h, w) float32."""
        maps = kernels.to_cpu(tape[self.node]).astype(np.float32, copy=False)
        if self.turned is None:
            return maps
        with products_by_one_thread:
            rotated = np.matmul(rotation(maps.shape[1], self.turned), maps.reshape(*maps.shape[:2], -1))
        return np.concatenate([maps, rotated.reshape(maps.shape)], axis=1)


class TopShare(Units):
    """Keep the highest answers of each unit, as many as the top share of all has: what its threshold is read from.

    It is exact up to MOST_KEPT values; with more, only every `stride`-th picture counts.
    """

    def __init__(self, node: str, share: float, pictures: int, turned: int | None = None) -> None:
        self.node, self.share, self.pictures, self.turned = node, share, pictures, turned
        self.arrays: dict[str, Array] = {}

    def see(self, tape: Tape, numbers: Array) -> None:
        maps = self.maps(tape)
        expected = self.share * self.pictures * maps.shape[2] * maps.shape[3]
        stride = max(1, -(-int(expected) // MOST_KEPT))
        flat = np.moveaxis(maps[numbers % stride == 0], 1, 0).reshape(maps.shape[1], -1)
        finite = np.isfinite(flat)
        if not finite.all():
            flat = np.where(finite, flat, np.float32(-np.inf))
        later = TopShare(self.node, self.share, self.pictures, self.turned)
        later.arrays = {
            "top": self._highest(flat, 1 + int(expected / stride)),
            "lowest": flat.min(axis=1, initial=np.inf),
            "places": np.array([flat.shape[1], stride, 1 + int(expected / stride)]),
            "broken": np.array([int((~finite).sum())]),
        }
        self.merge(later)

    def merge(self, other: Self) -> None:
        if not self.arrays or not other.arrays:
            self.arrays = self.arrays or other.arrays
            return
        a, b = self.arrays, other.arrays
        count, stride, most = (a["places"] + b["places"] * [1, 0, 0]).tolist()
        self.arrays = {
            "top": self._highest(np.concatenate([a["top"], b["top"]], axis=1), most),
            "lowest": np.minimum(a["lowest"], b["lowest"]),
            "places": np.array([count, stride, most]),
            "broken": a["broken"] + b["broken"],
        }

    @staticmethod
    def _highest(values: Array, most: int) -> Array:
        """Return the highest of each row, at most so many, the highest first."""
        if values.shape[1] > most:
            values = np.partition(values, values.shape[1] - most, axis=1)[:, -most:]
        ordered: Array = np.sort(values, axis=1)[:, ::-1]
        return np.ascontiguousarray(ordered)

    @property
    def stride(self) -> int:
        """Return which pictures count: every one, or every second, ..."""
        return int(self.arrays["places"][1])

    def result(self) -> Array:
        """Return each unit's threshold (C,): at most the share of all its answers is above it.

        Where more of them are equal to the largest, all of these are above. Of a unit that always answers the same
        none is.
        """
        top, count = self.arrays["top"], int(self.arrays["places"][0])
        rank = min(int(self.share * count), top.shape[1] - 1)
        thresholds, largest = top[:, rank], top[:, 0]
        level = (thresholds == largest) & (largest > self.arrays["lowest"])
        below: Array = np.where(level, np.nextafter(thresholds, np.float32(-np.inf)), thresholds)
        return below


class Overlaps(Units):
    """Count, for each cell of pixels that show the same, its pixels and those that each unit answers to.

    Beside it, of each picture, every unit's mean answer and which concepts it shows.
    """

    def __init__(
        self,
        node: str,
        thresholds: Array,  # (C,) or (2 C,)
        concepts: Concepts,
        reader: Preprocessing,
        anchors: Anchors,
        turned: int | None = None,
    ) -> None:
        self.node, self.turned = node, turned
        self.thresholds, self.concepts, self.reader, self.anchors = thresholds, concepts, reader, anchors
        self.arrays: dict[str, Array] = {}

    @property
    def size(self) -> Pair:
        """Return the height and width at which pixels are counted."""
        return len(self.anchors.rows.low), len(self.anchors.columns.low)

    def empty(self) -> Self:
        """Return a tally with the same settings."""
        return type(self)(self.node, self.thresholds, self.concepts, self.reader, self.anchors, self.turned)

    def see(self, tape: Tape, numbers: Array) -> None:
        maps = self.maps(tape)
        truths = [self._truth(int(number)) for number in numbers]
        layers = np.stack([truth.maps.reshape(len(truth.maps), -1) for truth in truths])  # (N, m, P)
        labelled = np.stack([truth.known.ravel() for truth in truths])  # (N, P)
        cells, places = numbered(layers, labelled)
        count = len(cells)
        hits = np.zeros((maps.shape[1], count), np.int64)
        images, units = np.nonzero(maps.max(axis=(2, 3)) > self.thresholds)
        if count and len(images):
            enlarged = self.anchors.enlarged(maps[images, units])
            above = enlarged > self.thresholds[units][:, None, None]
            pair, pixel = np.nonzero(above.reshape(len(images), -1))
            cell = places[images[pair], pixel]
            keys = (units[pair] * count + cell)[cell >= 0]
            hits = np.bincount(keys, minlength=hits.size).reshape(hits.shape)
        means = maps[:, : maps.shape[1] // (1 if self.turned is None else 2)].mean(axis=(2, 3), dtype=np.float64)
        later = self.empty()
        later.arrays = {
            "cells": cells,
            "pixels": np.bincount(places[places >= 0], minlength=count),
            "hits": hits,
            "numbers": np.asarray(numbers, np.int64),
            "means": means.astype(np.float32),
            "shown": packed(np.stack([self._shown(truth) for truth in truths])),
            "unlabelled": np.array([int(n) for n, t in zip(numbers, truths, strict=True) if not t.known.any()], int),
            "remarked": np.array([int(n) for n, t in zip(numbers, truths, strict=True) if t.remark], int),
        }
        self.merge(later)

    def _truth(self, number: int) -> Truth:
        """Return what a picture shows at the size at which pixels are counted; unlabelled if its mask is broken."""
        try:
            return self.concepts.truth(number).seen_by(self.reader, self.size)
        except ImageFileError as problem:
            return Truth(np.zeros((self.concepts.layers, *self.size), int), np.zeros(self.size, bool), str(problem))

    def _shown(self, truth: Truth) -> Array:
        """Return which concepts a picture shows, (K,) bool."""
        shown = np.zeros(1 + len(self.concepts), bool)
        shown[np.unique(np.where(truth.known, truth.maps, 0))] = True
        return shown[1:]

    def merge(self, other: Self) -> None:
        if not self.arrays or not other.arrays:
            self.arrays = self.arrays or other.arrays
            return
        a, b = self.arrays, other.arrays
        if np.array_equal(a["cells"], b["cells"]):
            cells, places = a["cells"], (np.arange(len(a["cells"])),) * 2
        else:
            cells, inverse = np.unique(np.concatenate([a["cells"], b["cells"]]), axis=0, return_inverse=True)
            flat = inverse.ravel()
            places = flat[: len(a["cells"])], flat[len(a["cells"]) :]
        merged = {"cells": cells}
        for name in ("pixels", "hits"):
            merged[name] = np.zeros((*a[name].shape[:-1], len(cells)), np.int64)
            for arrays, place in zip((a, b), places, strict=True):
                merged[name][..., place] += arrays[name]
        for name in ("numbers", "means", "shown", "unlabelled", "remarked"):
            merged[name] = np.concatenate([a[name], b[name]])
        self.arrays = merged

    def result(self) -> dict[str, Array]:
        """Return all that was counted, by name."""
        return self.arrays


def numbered(layers: Array, labelled: Array) -> tuple[Array, Array]:
    """Return (cells (n, m) int32, places (N, P) int64): what pixels show, each once, and which of it each pixel shows.

    layers (N, m, P): whole numbers, m of them a pixel. labelled (N, P) bool: of the others the place is -1.
    """
    flat = np.moveaxis(layers, 1, 0).reshape(layers.shape[1], -1)[:, labelled.ravel()].astype(np.int64)
    keys = np.zeros(flat.shape[1], np.int64)
    radix = 1
    for layer in flat:
        values = int(layer.max(initial=0)) + 1
        if radix * values > LARGEST_KEY:
            _, keys = np.unique(keys, return_inverse=True)
            radix = int(keys.max(initial=0)) + 1
        keys, radix = keys * values + layer, radix * values
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    cells = flat[:, first].T.astype(np.int32)
    order = np.lexsort(cells.T[::-1]) if cells.size else np.arange(len(cells))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    places = np.full(labelled.size, -1, np.int64)
    places[labelled.ravel()] = rank[inverse.ravel()]
    return cells[order], places.reshape(labelled.shape)
