"""The n-gram model: what comes next, by counting. The baseline of every net that reads letter by letter.

Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1999). Of the gram of k letters h w, with h' for h without
its first letter and c for the counts of order k:

    p_k(w | h) = (c(h w) - D(c(h w))) / c(h)  +  g(h) p_{k-1}(w | h')        p_{k-1}(w | h') where h never occurred
    g(h)       = the mass taken away: (D1 N1(h) + D2 N2(h) + D3 N3(h)) / c(h), N1: letters that follow h once, ...
    c          = of the longest grams how often they occur, of all others how many different letters stand before them
    D1, D2, D3 = 1 - 2 Y n2 / n1,  2 - 3 Y n3 / n2,  3 - 4 Y n4 / n3,  Y = n1 / (n1 + 2 n2), n1: grams that count once
    p_0        = 1 / V

A gram is a number: that of its first k - 1 letters, times V, plus its last letter, put in order. So grams of any length
are found by looking one letter further each time, in sorted arrays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, need_whole

LONGEST = 40  # letters of a gram
MOST_COUNTED = 4_000_000  # letters of a text that is counted: each takes some hundred bytes


@dataclass(frozen=True, eq=False)
class Order:
    """Hold the grams of one length k."""

    keys: Array  # (G,) sorted: (number of the first k - 1 letters) * V + last letter
    shares: Array  # (G,) (c - D(c)) / c(h)
    rest: Array  # (contexts,) g(h): what is left for shorter grams; 1 where h is followed by nothing
    discounts: tuple[float, float, float]  # D1, D2, D3


@dataclass(frozen=True, eq=False, repr=False)
class NGram:
    """Hold the counts of a text in grams of 1 to n letters.

    `NGram.of(codes, n, letters)` counts. Letters are whole numbers below `letters`.
    """

    letters: int  # V
    orders: tuple[Order, ...]  # of length 1 to n

    def __repr__(self) -> str:
        return f"NGram({len(self.orders)} letters, {sum(len(order.keys) for order in self.orders):,} grams)"

    @classmethod
    def of(cls, codes: Array, n: int, letters: int) -> NGram:
        """Count the grams of codes (T,). Raises SettingError unless they are letters, and more than n of them."""
        need_whole("n of an n-gram", n, 1, LONGEST)
        codes = _checked(codes, letters)
        if len(codes) <= n:
            raise SettingError(f"Grams of {n} letters need a text of more than {n}, but this one has {len(codes)}.")
        keys, counts, suffixes, numbers = [], [], [], np.zeros(len(codes) + 1, np.int64)
        for k in range(1, n + 1):
            # numbers[i] is that of the k - 1 letters from place i on
            each = numbers[: len(codes) - k + 1] * letters + codes[k - 1 :]
            unique, first, longer, count = np.unique(each, return_index=True, return_inverse=True, return_counts=True)
            suffixes.append(numbers[first + 1])  # of each gram, the number of its last k - 1 letters
            keys.append(unique)
            counts.append(count)
            numbers = longer
        orders = []
        for k in range(n):
            # how many different letters stand before; a gram at the very start has none before it, and counts once
            c = counts[k] if k == n - 1 else np.maximum(np.bincount(suffixes[k + 1], minlength=len(keys[k])), 1)
            contexts = 1 if k == 0 else len(keys[k - 1])
            orders.append(_order(keys[k], c, letters, contexts))
        return cls(letters, tuple(orders))

    def nats(self, codes: Array) -> Array:
        """Return -log p of each letter (T,) after the up to n - 1 letters before it in the same array."""
        codes = _checked(codes, self.letters)
        p = np.full(len(codes), 1 / self.letters)
        numbers = np.zeros(len(codes) + 1, np.int64)  # of the k - 1 letters from each place on; -1: never seen
        for k, order in enumerate(self.orders, 1):
            if k > len(codes):
                break
            contexts = numbers[: len(codes) - k + 1]
            numbers, shares = self._look_up(order, contexts, codes[k - 1 :])
            p[k - 1 :] = np.where(contexts < 0, p[k - 1 :], shares + order.rest[contexts] * p[k - 1 :])
        nats: Array = -np.log(p)
        return nats

    def next_letter(self, codes: Array) -> Array:
        """Return the probabilities (V,) of the letter after codes (T,), T from 0."""
        codes = _checked(codes, self.letters)
        each = np.arange(self.letters)
        p = np.full(self.letters, 1 / self.letters)
        for k, order in enumerate(self.orders[: len(codes) + 1], 1):
            context = self._number(codes[len(codes) - k + 1 :])
            if context < 0:
                break  # what begins further left has not been seen either
            _, shares = self._look_up(order, np.full(self.letters, context), each)
            p = shares + order.rest[context] * p
        return p

    def _number(self, codes: Array) -> int:
        """Return the number of a gram; 0 of no letters, -1 of one that was never seen."""
        number = 0
        for order, code in zip(self.orders, codes, strict=False):
            number = int(self._look_up(order, np.array([number]), code[None])[0][0])
            if number < 0:
                break
        return number

    def _look_up(self, order: Order, contexts: Array, codes: Array) -> tuple[Array, Array]:
        """Return the number of each gram, -1 if it was never seen, and its share of its context, 0 then."""
        wanted = contexts * self.letters + codes
        places = np.searchsorted(order.keys, wanted).clip(max=len(order.keys) - 1)
        seen = (order.keys[places] == wanted) & (contexts >= 0)
        return np.where(seen, places, -1), np.where(seen, order.shares[places], 0.0)


def _order(keys: Array, counts: Array, letters: int, contexts: int) -> Order:
    """Discount the counts (G,) of grams of one length, and share them out in each context."""
    discounts = discounts_of(counts)
    taken = np.array((0.0, *discounts))[counts.clip(max=3)]  # (G,) D(c)
    context = keys // letters
    totals = np.bincount(context, counts, contexts)  # (contexts,) c(h)
    followed = totals > 0
    rest = np.divide(np.bincount(context, taken, contexts), totals, out=np.ones(contexts), where=followed)
    return Order(keys, (counts - taken) / totals[context], rest, discounts)


def discounts_of(counts: Array) -> tuple[float, float, float]:
    """Return D1, D2 and D3 of some counts: how much less a gram occurs elsewhere than where it was counted.

    Where a text is too short or too regular for the formula (no gram counts once, or a discount would be below 0 or
    above its count), the discounts are 0.5, 1 and 1.5.
    """
    n1, n2, n3, n4 = (int((counts == times).sum()) for times in (1, 2, 3, 4))
    if n1 and n2 and n3 and n4:
        y = n1 / (n1 + 2 * n2)
        d = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        if all(0 <= discount <= times for times, discount in enumerate(d, 1)):
            return d
    return 0.5, 1.0, 1.5


def _checked(codes: Array, letters: int) -> Array:
    """Return the codes; SettingError unless they are whole numbers below V in one row."""
    codes = np.asarray(codes)
    if codes.ndim != 1 or codes.dtype.kind not in "iu":
        raise SettingError(f"Letters are whole numbers (T,), but got {codes.dtype} of shape {codes.shape}.")
    if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < letters:
        raise SettingError(f"Letters have the numbers 0 to {letters - 1}, but got {codes.min()} to {codes.max()}.")
    return codes.astype(np.int64)
