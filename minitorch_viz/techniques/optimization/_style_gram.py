"""The Gram matrix as a picture: which channels go together, and where in the painting they do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.techniques.explain.receptive import geometry
from minitorch_viz.techniques.optimization._style_task import Task

PAIRS, PATCHES = 6, 4
LEAST_PATCH = 16  # pixels of a patch's side: a smaller one is not recognized


class Gram(NamedTuple):
    """Hold the products of every two channels of a node, for the painting and for the photo."""

    node: str
    style: Array  # (C, C): cosines, products over the root of the two channels' own; 0 for channels that are silent
    photo: Array  # (C, C): of the photo, in the same order
    order: Array  # (C,) int: the channel in each row; like ones are neighbours
    pairs: Array  # (pairs, 2) int: the channels with the largest products, each channel in one pair alone
    cosines: Array  # (pairs,): of each in the painting
    patches: Array  # (pairs, patches, s, s, 3) uint8: where in the painting both answer most


def gram_of(task: Task, node: str) -> Gram:
    """Return the Gram matrices of the first painting and the photo."""
    size = task.size(task.side)
    painting = task.painting(size, 0)
    maps = kernels.to_cpu(task.outputs(painting, [node])[node])[0]
    photo = kernels.to_cpu(task.outputs(task.photo(size), [node])[node])[0]
    products, others = (part.reshape(len(part), -1) @ part.reshape(len(part), -1).T for part in (maps, photo))
    cosines = _cosines(products)
    order = _ordered(cosines)
    pairs = _strongest(products)
    pixels = task.inputs.units.pixels(painting)[0].transpose(1, 2, 0)
    picture = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
    picture = np.clip(np.round(picture), 0, 255).astype(np.uint8)
    patches = np.stack([_patches(task, node, maps[i] * maps[j], picture) for i, j in pairs])
    arranged = np.ix_(order, order)
    return Gram(
        node, cosines[arranged], _cosines(others)[arranged], order, pairs,
        np.array([cosines[i, j] for i, j in pairs]), patches,
    )  # fmt: skip


def _cosines(products: Array) -> Array:
    """Return products over the roots of the channels' own; 0 where a channel is silent."""
    sizes = np.sqrt(np.maximum(np.diag(products), 0))
    scale = np.divide(1, sizes, out=np.zeros_like(sizes), where=sizes > 0)
    cosines: Array = products * scale[:, None] * scale
    return cosines


def _ordered(cosines: Array) -> Array:
    """Return channels so that like ones are neighbours: the leaves of a tree of clusters."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(cosines) < 3:
        return np.arange(len(cosines))
    distance = np.clip(1 - cosines.astype(float), 0, None)
    np.fill_diagonal(distance, 0)
    order: Array = leaves_list(linkage(squareform((distance + distance.T) / 2, checks=False), "average"))
    return order


def _strongest(products: Array) -> Array:
    """Return the pairs of different channels with the largest products, each channel in one pair alone."""
    rest = np.triu(products.astype(float), 1)
    pairs = []
    for _ in range(min(PAIRS, len(products) // 2)):
        i, j = np.unravel_index(rest.argmax(), rest.shape)
        pairs.append((int(i), int(j)))
        for channel in (i, j):
            rest[channel] = rest[:, channel] = -1
    return np.array(pairs, int).reshape(-1, 2)


def _patches(task: Task, node: str, product: Array, picture: Array) -> Array:
    """Return (patches, s, s, 3): what the units see where the product of two maps is largest, none twice."""
    shape = geometry(task.model, node)
    seen = picture.shape[0] if shape is None else max(shape.size)
    side = min(max(seen, LEAST_PATCH), *picture.shape[:2])
    rest, patches = product.copy(), []
    for _ in range(PATCHES):
        row, column = (int(index) for index in np.unravel_index(rest.argmax(), rest.shape))
        high, wide = picture.shape[:2]
        middle = (
            (row * high / rest.shape[0], column * wide / rest.shape[1])
            if shape is None
            else shape.centre((row, column))
        )
        top, left = (
            int(np.clip(round(place - side / 2), 0, length - side))
            for place, length in zip(middle, (high, wide), strict=True)
        )
        patches.append(picture[top : top + side, left : left + side])
        near_rows, near_columns = (
            max(1, round(side * n / m / 2)) for n, m in zip(rest.shape, (high, wide), strict=True)
        )
        rest[
            max(row - near_rows, 0) : row + near_rows + 1, max(column - near_columns, 0) : column + near_columns + 1
        ] = -1
    return np.stack(patches)
