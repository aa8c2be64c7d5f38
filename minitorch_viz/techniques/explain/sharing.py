"""Sharing: what several classes of one photo, or several techniques, have in common is computed once.

A technique asks `model.net` for its forward passes, the same ones for every class: the photo's own, those of noisy
copies, those of a photo that is covered at one place after another. `sharing(model)` is the same model with a net that
keeps what it has computed and hands it out when the same is asked for again, to the last bit. Techniques know nothing
of it:

    model, seen = sharing(model), view(model, photo)
    maps = [smoothgrad(model, seen, target=name) for name in ("dog", "cat")]  # each noisy copy goes forward once

What is kept lives as long as that model, and no longer; any other model keeps nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import weakref
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Generator
from minitorch_viz.boxes import Patch
from minitorch_viz.graph import Tape
from minitorch_viz.less_work import PlanName
from minitorch_viz.net import Net

if TYPE_CHECKING:
    from minitorch_viz.models import Model

T = TypeVar("T")

# Bytes. GoogLeNet's pass of a photo takes 47 MiB, sixteen noisy copies 553: of those the last four are computed again.
MOST_BYTES = 512 * 2**20


def sharing(model: Model, limit: int = MOST_BYTES) -> Model:
    """Return the same model with a net that computes each forward pass once.

    Of a model that shares already: one that finds what that one has kept, and keeps what is new by itself, so that it
    is forgotten with it. limit: the most bytes that are kept; what does not fit any more is computed each time.
    """
    net = model.net
    passes = Passes(limit, net.passes if isinstance(net, SharingNet) else None)
    return dataclasses.replace(model, net=SharingNet(net.plain if isinstance(net, SharingNet) else net, passes))


class Passes:
    """Keep what has been computed, by what it was computed from.

    The first results stay until the limit is reached, and the later ones are not kept: techniques go through the same
    passes in the same order for each class, so that of a series which does not fit the newest would always be missing.
    """

    def __init__(self, limit: int, outer: Passes | None = None) -> None:
        self.limit, self.outer = limit, outer
        self.size = 0  # bytes
        self._kept: dict[Hashable, Any] = {}

    def once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return what `compute` gives, from before if it has been asked for this key."""
        places: Passes | None = self
        while places is not None:
            if key in places._kept:
                kept: T = places._kept[key]
                return kept
            places = places.outer
        result = compute()
        size = size_of(result)
        if self.size + size <= self.limit:
            self._kept[key] = result
            self.size += size
        return result


class SharingNet(Net):
    """Compute each forward pass of a net once: for one thread, and for arrays that nothing writes into."""

    def __init__(self, plain: Net, passes: Passes) -> None:
        super().__init__(plain.nodes, plain.inputs, plain.beside)
        self.plain, self.passes = plain, passes

    def forward(
        self,
        x: Array | Mapping[str, Array] | None = None,
        *,
        given: Mapping[str, Array] | None = None,
        upto: str | Sequence[str] | None = None,
        rng: Generator | None = None,
        fuse: bool = False,
        plan: PlanName = "less",
    ) -> Tape:
        """Do as `Net.forward`; a pass for training (rng) is computed each time."""
        if rng is not None:
            return self.plain.forward(x, given=given, upto=upto, rng=rng, fuse=fuse, plan=plan)
        goals = (upto,) if isinstance(upto, str) else None if upto is None else tuple(upto)
        key = ("forward", self.plain, _bits(x), _bits(given), goals, fuse, plan)
        return self.passes.once(key, lambda: self.plain.forward(x, given=given, upto=upto, fuse=fuse, plan=plan))

    def predict_changed(  # type: ignore[override]  # the overloads are those of Net
        self, tape: Tape, changes: Mapping[str, Patch], upto: str | tuple[str, ...] | None = None
    ) -> Array | dict[str, Array]:
        """Do as `Net.predict_changed`."""
        key = ("changed", self.plain, weakref.ref(tape), _bits(changes), upto)
        return self.passes.once(key, lambda: self.plain.predict_changed(tape, changes, upto))

    def astype(self, dtype: npt.DTypeLike) -> Self:
        """Do as `Net.astype`; the net of another precision shares, too."""
        key = ("astype", self.plain, np.dtype(dtype))
        return type(self)(self.passes.once(key, lambda: self.plain.astype(dtype)), self.passes)


def size_of(value: Any) -> int:
    """Count the bytes of all arrays in a result, each once, and whole where only a part of it is seen."""
    roots = {id(array): array.nbytes for array in map(_root, _arrays(value))}
    return sum(roots.values())


def _arrays(value: Any) -> Iterator[Array]:
    if hasattr(value, "nbytes"):
        yield value
    elif isinstance(value, Net):
        yield from value.state.values()
    elif isinstance(value, Tape):
        yield from (*_arrays(value.values), *_arrays(value.saved))
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _arrays(part)
    elif isinstance(value, Mapping):
        yield from _arrays(list(value.values()))


def _root(array: Any) -> Any:
    """Return the array that owns the memory."""
    while hasattr(getattr(array, "base", None), "nbytes"):
        array = array.base
    return array


def _bits(value: Any) -> Hashable:
    """Return what tells arrays with other bits, or other names, apart."""
    if isinstance(value, Patch):
        return _bits(value.values), value.boxes
    if isinstance(value, Mapping):
        return tuple((name, _bits(part)) for name, part in sorted(value.items()))
    if not hasattr(value, "dtype"):
        return repr(value)  # None, or what the net refuses
    array = np.ascontiguousarray(kernels.to_cpu(value))
    return array.dtype.str, value.shape, hashlib.blake2b(array.data, digest_size=16).digest()
