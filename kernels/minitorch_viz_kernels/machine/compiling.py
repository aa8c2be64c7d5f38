"""How the loops of the Numba rungs are compiled, and in which form they get their arrays.

@compiled    is called from Python: compiled at the first call, and kept on disk (see `stamp`)
@inner       is called by compiled functions only, and becomes part of their machine code
@summing     an inner function whose sums may be added up in another order
@contracted  an inner function in which a product and a sum may become one instruction
@inlined     an inner function that is written in where it is called
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numba.core import event

from minitorch_viz_kernels.contract import Array

from .cache_folder import how_often, prepare
from .stamp import put_stamp

P = ParamSpec("P")
R = TypeVar("R")

prepare()

# x / 0 is infinite, as in NumPy; and nothing calls from C, so that no code is made for it.
FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, release the GIL, and keep the machine code on disk where a folder is writable."""
    dispatcher = numba.njit(**FLAGS)(function)
    # Code from disk would ignore NUMBA_BOUNDSCHECK=1, so under it nothing is kept.
    if os.environ.get("NUMBA_BOUNDSCHECK", "0") == "0":
        # No folder at all: "cannot cache function: no locator available". Then each process compiles anew.
        with contextlib.suppress(RuntimeError):
            cached = numba.njit(cache=True, **FLAGS)(function)
            if put_stamp(cached):
                dispatcher = cached
    return cast("Callable[P, R]", dispatcher)


def inner(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a part of other compiled functions; it becomes part of their machine code."""
    return cast("Callable[P, R]", numba.njit(**FLAGS)(function))


def summing(function: Callable[P, R]) -> Callable[P, R]:
    """Compile an inner function whose sums may be reordered: only then do they become vector instructions."""
    return cast("Callable[P, R]", numba.njit(fastmath={"reassoc", "contract", "nsz"}, **FLAGS)(function))


def contracted(function: Callable[P, R]) -> Callable[P, R]:
    """Compile an inner function whose products may be added as they are made; the order of its sums stays."""
    return cast("Callable[P, R]", numba.njit(fastmath={"contract"}, **FLAGS)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Write an inner function in at the one or two places that call it, which saves compiling it by itself."""
    return cast("Callable[P, R]", numba.njit(inline="always", **FLAGS)(function))


class NotCompiledError(Exception):
    """Report that a kernel's machine code is neither here nor on disk, and that nothing may be compiled."""


class Announcer(event.Listener):
    """Say on stderr, once in a process, why a call takes so long: Numba's compiler has been at it for a second."""

    patience = 1.0  # seconds
    announced = False  # True too where no announcement is due, as in `warmup`

    def __init__(self) -> None:
        # .waiting: a timer for this thread, and for each compilation within; .forbidden: nothing may compile
        self.here = threading.local()

    def on_start(self, event: Any) -> None:
        """Start a timer for the announcement; Numba calls this when it begins to compile."""
        name = getattr(getattr(event.data["dispatcher"], "py_func", None), "__module__", None) or ""
        outermost = not self.here.__dict__.setdefault("waiting", [])
        speaks = outermost and not self.announced and name.startswith("minitorch_viz_kernels")
        timer = threading.Timer(self.patience, self.say)
        timer.daemon = True
        if speaks:
            timer.start()
        self.here.waiting.append(timer)
        if self.here.__dict__.get("forbidden"):
            raise NotCompiledError(name)

    def on_end(self, event: Any) -> None:
        """Stop the timer; Numba calls this when it has compiled."""
        self.here.waiting.pop().cancel()

    @contextlib.contextmanager
    def without_compiler(self) -> Iterator[None]:
        """Raise NotCompiledError in this thread for each kernel that would have to be compiled."""
        self.here.forbidden = True
        try:
            yield
        finally:
            self.here.forbidden = False

    def say(self) -> None:
        """Print the announcement, if it has not been printed."""
        if not self.announced:
            self.announced = True
            print(
                f"Compiling the fast kernels, which takes some seconds, {how_often()}. "
                "`minitorch-viz warmup` compiles all of them ahead.",
                file=sys.stderr,
                flush=True,
            )


announcer = Announcer()
event.register("numba:compile", announcer)


def packed(x: Array, *shape: int) -> Array:
    """Return the array as a contiguous, read-only view, of its own shape or another.

    Numba compiles anew for each memory layout and for read-only arrays, at a second each: this leaves one kind.
    """
    x = np.ascontiguousarray(x).reshape(shape or x.shape)
    x.setflags(write=False)
    return x


def flat_maps(x: Array) -> Array:
    """Flatten each map: x (N, C, H, W) -> (N, C, H * W)."""
    return x.reshape(*x.shape[:2], x.shape[2] * x.shape[3])
