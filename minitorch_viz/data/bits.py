"""Truth values packed into words of 64 bits: an eighth of the memory, and AND, OR and counting of 64 at once."""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array

WORD = 64


def packed(truths: Array) -> Array:
    """Return (..., P) of bool as (..., ceil(P / 64)) uint64; what is missing in the last word is 0."""
    missing = -truths.shape[-1] % WORD
    if missing:
        truths = np.concatenate([truths, np.zeros((*truths.shape[:-1], missing), bool)], axis=-1)
    words: Array = np.ascontiguousarray(np.packbits(truths, axis=-1, bitorder="little")).view("<u8")
    return words


def unpacked(words: Array, count: int) -> Array:
    """Return (..., W) uint64 as (..., count) of bool."""
    bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=-1, count=count, bitorder="little")
    truths: Array = bits.view(bool)
    return truths


def counted(words: Array) -> Array:
    """Return how many bits are 1 in each row of (..., W) uint64, (...) int64."""
    counts: Array = np.bitwise_count(words).sum(axis=-1, dtype=np.int64)
    return counts
