"""Memory for answers, used again once an answer has been forgotten; and working memory for each thread.

The system gives a process fresh memory page by page, at the first touch of each 4 kB: about a microsecond a page, often
more than the kernel that fills it takes. A forward pass that keeps its maps touches thousands. So the memory of an
answer that has been forgotten is kept, and the next answer of about that size lies there:

    empty(shape, dtype) -> array -> its views           the array and each view of it hold the loan;
              ^               |                         when the last of them is gone, the memory is back
              +---- loan <----+

An array from here is like any other, except that it does not own its data. It begins with a line of the cache (see
`aligned`).
"""

from __future__ import annotations

import bisect
import functools
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minitorch_viz_kernels.contract import Array

SMALLEST_LOAN = 1 << 15  # bytes; the C library itself hands out smaller pieces again at once
LARGEST_RESERVE = 1 << 28  # bytes that are kept while no array uses them
LARGEST_WORKSPACE = 1 << 26  # bytes that are kept for each thread
LINE = 64  # bytes of a line of the cache


class _Memory(NamedTuple):
    """Hold some bytes and their address, which NumPy takes long to give."""

    bytes: Array
    address: int


_returned: deque[_Memory] = deque()


class _Loan:
    """Hold the memory of an array while anything refers to it. NumPy asks for `__array_interface__`."""

    __slots__ = ("__array_interface__", "memory")

    def __init__(self, memory: _Memory, shape: tuple[int, ...], typestr: str) -> None:
        self.memory = memory
        self.__array_interface__ = {
            "version": 3, "data": (memory.address, False), "shape": shape, "typestr": typestr,
        }  # fmt: skip

    def __del__(self, give_back: Callable[[_Memory], None] = _returned.append) -> None:
        give_back(self.memory)  # one step that no lock need guard: this may run at any moment


_sizes: list[int] = []  # of what is free, ascending
_free: list[_Memory] = []  # in the same order
_sorting = threading.Lock()


def empty(shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
    """Return an array that holds anything, as of `np.empty`."""
    itemsize, typestr = _layout(dtype)  # type: ignore[arg-type]  # whatever names a dtype can be remembered
    size = math.prod(shape) * itemsize
    if size < SMALLEST_LOAN:
        return np.empty(shape, dtype)
    return np.asarray(_Loan(_memory(int(size)), shape, typestr))


@functools.cache
def _layout(dtype: Any) -> tuple[int, str]:
    """Return the bytes of a number and its name in `__array_interface__`, which NumPy takes long to give."""
    return np.dtype(dtype).itemsize, np.dtype(dtype).str


def _memory(size: int) -> _Memory:
    """Return at least `size` bytes: what is free and at most half too large, or new ones."""
    if _sorting.acquire(blocking=False):  # a thread that would have to wait asks the system instead
        try:
            _sort()
            at = bisect.bisect_left(_sizes, size)
            if at < len(_sizes) and _sizes[at] <= size + size // 2:
                del _sizes[at]
                return _free.pop(at)
        finally:
            _sorting.release()
    step = max(1 << 12, 1 << (size.bit_length() - 4))  # rounded up, so that an answer a little larger fits too
    fresh = aligned(-(-size // step) * step)
    return _Memory(fresh, fresh.ctypes.data)


def _sort() -> None:
    """Put what came back among the free memory; if that is too much, give all that was free back to the system."""
    while _returned:
        memory = _returned.popleft()
        size = memory.bytes.nbytes
        if sum(_sizes) + size > LARGEST_RESERVE:
            forget()
        if size <= LARGEST_RESERVE:
            at = bisect.bisect_left(_sizes, size)
            _sizes.insert(at, size)
            _free.insert(at, memory)


def forget() -> None:
    """Give what is free back to the system."""
    _sizes.clear()
    _free.clear()


_working = threading.local()  # by dtype: views of this thread's working memory


def workspace(count: int, dtype: npt.DTypeLike) -> Array:
    """Return working memory of one thread: `count` numbers that hold anything, valid until the next call.

    Fresh memory is handed out by the system page by page, which costs more than many a kernel. What is kept is at
    most 64 MiB a thread.
    """
    views: dict[Any, Array] = _working.__dict__
    space = views.get(dtype)
    if space is None or len(space) < count:
        size = count * np.dtype(dtype).itemsize
        if size > LARGEST_WORKSPACE:
            return aligned(size).view(dtype)
        all_bytes = views.get(np.uint8)
        if all_bytes is None or len(all_bytes) < size:
            views.clear()
            views[np.uint8] = all_bytes = aligned(max(-(-size // 64) * 64, 1 << 20))  # whole numbers of any dtype
        views[dtype] = space = all_bytes.view(dtype)
    return space[:count]


def aligned(size: int) -> Array:
    """Return `size` bytes that begin with a line of the cache.

    NumPy's large arrays begin 16 bytes behind one. Then each of the widest vectors would lie in two lines, and loading
    or storing it would cost twice as much.
    """
    space = np.empty(size + LINE, np.uint8)
    begin = -space.ctypes.data % LINE
    return space[begin : begin + size]


def blocks(count: int, room: int, size: int) -> Iterator[slice]:
    """Cut `count` images, which take `size` numbers of working memory each, into blocks that fit `room` numbers."""
    step = max(1, room // max(1, size))
    for start in range(0, count, step):
        yield slice(start, start + step)
