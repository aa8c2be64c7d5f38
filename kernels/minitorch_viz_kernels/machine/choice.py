"""Which rung NumPy arrays go to: `use`, the environment variable, or the fastest that is installed."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

CHOICES = ("reference", "numpy", "numba")

# None: no choice has been made. A context variable, so that threads and tasks choose independently of each other.
_chosen: ContextVar[str | None] = ContextVar("minitorch_viz_kernels", default=None)


@contextmanager
def use(name: str) -> Iterator[None]:
    """Compute with "reference", "numpy" or "numba" inside the `with` block; blocks nest.

    The choice holds for the thread that made it: a new thread starts with the default. Raises ValueError for an
    unknown name, ImportError where Numba is not installed.
    """
    _check(name)  # an unknown or missing module is reported here, not at the first kernel
    token = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(token)


def current() -> str:
    """Return the name of the rung that NumPy arrays go to: "reference", "numpy" or "numba"."""
    return _chosen.get() or _default()


@functools.cache
def _default() -> str:
    name = os.environ.get("MINITORCH_VIZ_KERNELS")
    if name:
        try:
            _check(name)
        except ValueError as error:
            raise ValueError(f"{error} It was read from the environment variable MINITORCH_VIZ_KERNELS.") from None
        return name
    try:
        _check("numba")
    except ImportError:
        return "numpy"
    return "numba"


def _check(name: str) -> None:
    if name not in CHOICES:
        raise ValueError(f"There is no kernel module {name!r}; the modules are {', '.join(CHOICES)}.")
    if name == "numba":
        try:
            from . import compiling  # noqa: F401  # imported here and not above: Numba takes a second to load
        except ImportError as error:
            raise ImportError(
                f'Numba cannot be imported ({error}). Install numba, or use the "numpy" kernels.'
            ) from error
