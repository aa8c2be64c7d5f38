"""Memory for answers, handed out again when nobody looks at an answer any more.

The system gives a process fresh memory page by page, at the first touch of each 4 kB: about a microsecond a page, often
more than the kernel that fills it takes. A forward pass that keeps its maps touches thousands. So the memory of an
answer that has been forgotten is kept, and the next answer of about that size lies there:

    empty(shape, dtype) -> array -> its views           who holds the array or a view of it holds the loan;
              ^               |                         when the last one is gone, the memory is back
              +---- loan <----+

An array from here is like any other, except that it does not own its data. It begins with a line of the cache (see
`threads.aligned`).
"""

from __future__ import annotations

import bisect
import functools
import math
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .contract import Array
from .threads import aligned

LEAST = 1 << 15  # bytes; the C library itself hands out smaller pieces again at once
MOST = 1 << 28  # bytes that are kept while nobody uses them


class _Memory(NamedTuple):
    """Some bytes, and where they are: NumPy takes its time to say that."""

    bytes: Array
    address: int


_returned: deque[_Memory] = deque()


class _Loan:
    """Holds the memory of an array while anything looks at it. NumPy asks for `__array_interface__`."""

    __slots__ = ("__array_interface__", "memory")

    def __init__(self, memory: _Memory, shape: tuple[int, ...], typestr: str) -> None:
        self.memory = memory
        self.__array_interface__ = {
            "version": 3, "data": (memory.address, False), "shape": shape, "typestr": typestr,
        }  # fmt: skip

    def __del__(self, come_back: Callable[[_Memory], None] = _returned.append) -> None:
        come_back(self.memory)  # one step that no lock need guard: this may run at any moment


_sizes: list[int] = []  # of what is free, ascending
_free: list[_Memory] = []  # in the same order
_here = threading.Lock()


def empty(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """An array that holds anything, as of `np.empty`."""
    itemsize, typestr = _layout(dtype)  # type: ignore[arg-type]  # whatever names a dtype can be remembered
    size = math.prod(shape) * itemsize
    if size < LEAST:
        return np.empty(shape, dtype)
    return np.asarray(_Loan(_memory(int(size)), shape, typestr))


@functools.cache
def _layout(dtype: Any) -> tuple[int, str]:
    """Bytes of a number, and its name in `__array_interface__`: NumPy takes its time to say them."""
    return np.dtype(dtype).itemsize, np.dtype(dtype).str


def _memory(size: int) -> _Memory:
    """At least so many bytes: what is free and at most half too large, or new ones."""
    if _here.acquire(blocking=False):  # who would have to wait asks the system instead
        try:
            _sort()
            at = bisect.bisect_left(_sizes, size)
            if at < len(_sizes) and _sizes[at] <= size + size // 2:
                del _sizes[at]
                return _free.pop(at)
        finally:
            _here.release()
    step = max(1 << 12, 1 << (size.bit_length() - 4))  # rounded up, so that an answer a little larger fits too
    fresh = aligned(-(-size // step) * step)
    return _Memory(fresh, fresh.ctypes.data)


def _sort() -> None:
    """What came back, into the free ones; if that is too much, all that was free goes back to the system."""
    while _returned:
        memory = _returned.popleft()
        size = memory.bytes.nbytes
        if sum(_sizes) + size > MOST:
            forget()
        if size <= MOST:
            at = bisect.bisect_left(_sizes, size)
            _sizes.insert(at, size)
            _free.insert(at, memory)


def forget() -> None:
    """Give what is free back to the system."""
    _sizes.clear()
    _free.clear()
