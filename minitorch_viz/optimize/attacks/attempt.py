"""Where an attack stands: the best pictures so far, and all that its next step depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeAlias

import numpy as np

from minitorch_viz._types import Array, Generator
from minitorch_viz.optimize.attacks.aim import Aim
from minitorch_viz.training.state import generator_from, generator_state

Packed: TypeAlias = tuple[Mapping[str, Array], Mapping[str, Any]]  # arrays, and what JSON can hold

GENERATOR = "generator"  # the entry of `inner` with the state of the random generator
INNER = "inner/"


@dataclass(frozen=True, eq=False)
class Attempt:
    """Hold an attack after some of its steps. Nothing in it can be written to."""

    pixels: Array  # (N, ...) float64: the best of each picture so far, within the box, and of a fixed eps within that
    logits: Array  # (N, K): what the net says of them
    fooled: Array  # (N,) bool: whether that is what was wanted; once it is it stays
    values: Array  # (N,): the larger the better, of two that are both fooled or both not
    done: int  # steps taken
    total: int
    passes: int  # through the net, forward and backward counted, each of all pictures that were looked at
    inner: Mapping[str, Any] = field(default_factory=dict)  # arrays and what JSON can hold: the attack's own state

    def __post_init__(self) -> None:
        for array in (self.pixels, self.logits, self.fooled, self.values, *self.inner.values()):
            if isinstance(array, np.ndarray):
                array.flags.writeable = False

    @classmethod
    def begin(cls, aim: Aim, pixels: Array, total: int, **inner: Any) -> Self:
        """Return where an attack begins: at the pictures themselves, after one pass."""
        logits = aim.logits(pixels)
        fooled = aim.fooled(logits)
        return cls(pixels.copy(), logits, fooled, np.full(len(pixels), -np.inf), 0, total, 1, inner)

    def seen(self, aim: Aim, rows: Array, pixels: Array, logits: Array, values: Array) -> Self:
        """Return the attempt with what was found for some pictures, where it is better than what there was.

        rows: (n,) their numbers. pixels (n, ...), logits (n, K), values (n,). Better is what fools, then what has the
        larger value.
        """
        fooled = aim.of(rows).fooled(logits)
        before = self.fooled[rows]
        better = (fooled & ~before) | ((fooled == before) & (values > self.values[rows]))
        chosen = rows[better]
        kept = {name: getattr(self, name).copy() for name in ("pixels", "logits", "fooled", "values")}
        for name, new in (("pixels", pixels), ("logits", logits), ("fooled", fooled), ("values", values)):
            kept[name][chosen] = new[better]
        return replace(self, **kept)

    def after(self, passes: int, **inner: Any) -> Self:
        """Return the attempt one step further, after so many passes more, with another inner state."""
        return replace(self, done=self.done + 1, passes=self.passes + passes, inner=inner)

    def packed(self) -> Packed:
        """Return what another run goes on from, to the same bits: arrays by name, and what JSON can hold."""
        arrays = {name: getattr(self, name) for name in ("pixels", "logits", "fooled", "values")}
        arrays |= {INNER + name: value for name, value in self.inner.items() if isinstance(value, np.ndarray)}
        numbers = {name: value for name, value in self.inner.items() if not isinstance(value, np.ndarray)}
        return arrays, {"done": self.done, "passes": self.passes, "inner": numbers}

    @classmethod
    def unpacked(cls, state: Packed, total: int) -> Self:
        """Return the attempt that was packed, to the bit. Raises KeyError or ValueError where a part is missing."""
        arrays, numbers = state
        inner: dict[str, Any] = {
            name.removeprefix(INNER): value for name, value in arrays.items() if name.startswith(INNER)
        }
        pixels, logits, fooled, values = (arrays[name] for name in ("pixels", "logits", "fooled", "values"))
        done, passes = int(numbers["done"]), int(numbers["passes"])
        return cls(pixels, logits, fooled, values, done, total, passes, inner | dict(numbers["inner"]))

    def generator(self, seed: int) -> Generator:
        """Return the random generator as it stands here; at the beginning a new one with this seed."""
        if GENERATOR in self.inner:
            return generator_from(dict(self.inner[GENERATOR]))
        return np.random.default_rng(seed)


def generator_entry(rng: Generator) -> dict[str, Any]:
    """Return the entry of `inner` that keeps a random generator."""
    return {GENERATOR: generator_state(rng)}


def last(attempts: Iterable[Attempt]) -> Attempt:
    """Return the last of an attack's attempts."""
    newest: Attempt | None = None
    for newest in attempts:  # noqa: B007  # the last one is wanted
        pass
    assert newest is not None  # an attack yields at least once
    return newest
