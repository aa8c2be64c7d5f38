"""Every example of every kernel, and what the plain loops say of it."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz_kernels.machine import choice, registry
from minitorch_viz_kernels.machine.examples import Example

KERNELS = tuple(registry.KERNELS)
CALLS: list[Example] = list(registry.examples())


def calls_of(kernel: str) -> list[Example]:
    """The examples of one kernel."""
    return [call for call in CALLS if call.kernel == kernel]


def small_calls() -> list[Example]:
    """One example of each kernel that is neither empty nor a single number."""
    preferred = {"convolution": "3x3", "pooling": "overlap"}
    calls = []
    for kernel, package in registry.KERNELS.items():
        word = preferred.get(package.rpartition(".")[2], "")
        calls.append(next(call for call in calls_of(kernel) if word in call.name))
    return calls


@contextmanager
def naming(call: object) -> Iterator[None]:
    """Name the call in whatever is raised inside: one test goes through many."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"in the call {call}")
        raise


def arrays(answer: Any) -> tuple[Any, ...]:
    """What a kernel returned, as a tuple."""
    return answer if isinstance(answer, tuple) else (answer,)


@functools.cache
def expected(call: Example, dtype: Any) -> tuple[Any, ...]:
    """What the plain loops say, in float64 on the numbers of a dtype."""

    def widen(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(widen, value))
        return value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype == dtype else value

    widened = tuple(map(widen, call.arguments(dtype)))
    with kernels.use("reference"):
        return arrays(getattr(kernels, call.kernel)(*widened))


def using(name: str) -> AbstractContextManager[None]:
    """`use` for the CPU's modules; nothing to choose for others."""
    return kernels.use(name) if name in choice.CHOICES else nullcontext()


def exact(kernel: str, *call: Any) -> Any:
    """The direct sum in float64, on the same numbers."""
    widened = (np.float64(value) if isinstance(value, np.ndarray) else value for value in call)
    with kernels.use("numpy"):
        return getattr(kernels, kernel)(*widened)


def error(got: Any, wanted: Any) -> float:
    """The largest difference of a float32 answer, relative to the largest number."""
    assert got.shape == wanted.shape
    assert got.dtype == np.float32
    return float(np.abs(got - wanted).max(initial=0) / np.abs(wanted).max(initial=1e-30))
