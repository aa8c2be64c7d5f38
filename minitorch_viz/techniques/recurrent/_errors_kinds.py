"""Kinds of errors, each removed before the next is counted (Karpathy, Johnson, Fei-Fei 2015, section 4.4).

An error is a letter that the net gave a probability below 1/2. In this order, the first that holds names it:

    n-gram        an n-gram model, of any n up to 9, gave the letter more than 1/2: a short context was enough
    memory        the letter is the second or a later one of a word that stands in the last 1,000 letters already
    rare word     it is in a word that the training text has at most 5 times
    new word      it is the first letter of a word after a blank or another white space: which word comes is hard
    punctuation   it is neither letter nor digit: a full stop, a comma, a blank, a line end
    0.4 to 0.5    the rest, by the probability that the letter had, down to below 0.1

A word is a run of letters, digits and underscores.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array

HALF = float(np.log(2))  # nats: a probability of 1/2
RARE = 5  # times in the training text
NAMES = ("n-gram", "memory", "rare word", "new word", "punctuation")
BOOSTS = ("p 0.4 to 0.5", "p 0.3 to 0.4", "p 0.2 to 0.3", "p 0.1 to 0.2", "p below 0.1")
KINDS = (*NAMES, *BOOSTS)
RIGHT, UNREAD = -1, -2  # in place of the number of a kind
WORD = re.compile(r"\w+")


class Facts(NamedTuple):
    """Hold what is true of each of T letters, whatever a net says of it."""

    remembered: Array  # (T,) bool: the second or a later letter of a word that stands not long before
    rare: Array  # (T,) bool: in a word that the training text hardly has
    first: Array  # (T,) bool: the first letter of a word after white space
    sign: Array  # (T,) bool: neither letter nor digit


def facts_of(text: str, start: int, stop: int, training: str, memory: int) -> Facts:
    """Return the facts of the letters from start to stop of a text.

    memory: in so many letters before a word it is looked for.
    """
    times = Counter(WORD.findall(training))
    remembered, rare, first, sign = (np.zeros(len(text), bool) for _ in range(4))
    for word in WORD.finditer(text):
        begin, end = word.span()
        if end <= start or begin >= stop:
            continue
        rare[begin:end] = times[word[0]] <= RARE
        first[begin] = begin > 0 and text[begin - 1].isspace()
        if text.find(word[0], max(0, begin - memory), begin) >= 0:
            remembered[begin + 1 : end] = True
    for place in range(start, stop):
        sign[place] = not (text[place].isalnum() or text[place] == "_")
    return Facts(*(array[start:stop] for array in (remembered, rare, first, sign)))


def kinds_of(nats: Array, gram_nats: Array, facts: Facts) -> Array:
    """Return the number in KINDS of each letter's error, (T,) int8; RIGHT, or UNREAD where nats are NaN.

    nats: (T,) of the net. gram_nats: (n, T) of the n-gram models, NaN of those that are not counted yet.
    """
    with np.errstate(invalid="ignore"):
        by_grams = (gram_nats < HALF).any(axis=0)
        p = np.exp(-nats)
        boosts = [p >= limit for limit in (0.4, 0.3, 0.2, 0.1)]
    conditions = [np.isnan(nats), p >= 0.5, by_grams, facts.remembered, facts.rare, facts.first, facts.sign, *boosts]
    numbers = [UNREAD, RIGHT, *range(len(KINDS) - 1)]
    kinds: Array = np.select(conditions, numbers, len(KINDS) - 1).astype(np.int8)
    return kinds


def shares(kinds: Array, nats: Array) -> tuple[Array, Array, float]:
    """Return of each kind its share of all errors and of all nats, (K,) each, and the share of nats of right letters.

    Zeros where there is no error, or nothing is read yet.
    """
    seen = kinds != UNREAD
    wrong = kinds[kinds >= 0]
    counts = np.bincount(wrong, minlength=len(KINDS))
    lost = np.bincount(wrong, nats[kinds >= 0], len(KINDS))
    total = float(nats[seen].sum()) or 1.0
    return counts / max(len(wrong), 1), lost / total, float(nats[kinds == RIGHT].sum()) / total


def overlap(nats: Array, gram: Array) -> tuple[int, int, int]:
    """Return how many letters both got wrong, the net alone, and the n-gram model alone; of those the net has read."""
    seen = ~np.isnan(nats)
    net, other = nats[seen] > HALF, gram[seen] > HALF
    return int((net & other).sum()), int((net & ~other).sum()), int((~net & other).sum())


def by_letter(text: str, nats: Array, gram: Array, least: int) -> list[tuple[str, float, float, int]]:
    """Return (letter, the net's mean probability of it, the n-gram model's, how often it came), the net's gain first.

    least: letters that came less often are left out: their means say little.
    """
    letters = np.array(list(text))
    rows: list[tuple[str, float, float, int]] = []
    for letter in sorted(set(text)):
        places = (letters == letter) & ~np.isnan(nats)
        count = int(places.sum())
        if count >= least:
            p, gram_p = (float(np.exp(-each[places]).mean()) for each in (nats, gram))
            rows.append((letter, p, gram_p, count))
    return sorted(rows, key=lambda row: row[2] - row[1])


def best_gram(gram_nats: Array) -> int | None:
    """Return which of the counted n-gram models is least surprised, its row; None before any is counted."""
    means: Sequence[float] = [float(row.mean()) for row in gram_nats]
    counted = [number for number, mean in enumerate(means) if np.isfinite(mean)]
    return min(counted, key=means.__getitem__) if counted else None
