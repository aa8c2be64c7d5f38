"""Memory that is handed out again: never while an array refers to it, and not more of it than is useful."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from minitorch_viz_kernels.machine import memory

SHAPE = (1, 16, 64, 64)  # 256 kB of float32


def address(array: Any) -> int:
    return int(array.__array_interface__["data"][0])


@pytest.fixture(autouse=True)
def nothing_free() -> Iterator[None]:
    def drop() -> None:
        memory._returned.clear()
        memory.forget()

    drop()
    yield
    drop()


def test_an_answer_is_an_array_like_any_other() -> None:
    array = memory.empty(SHAPE, np.float32)
    assert (array.shape, array.dtype) == (SHAPE, np.float32)
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert address(array) % 64 == 0
    array[...] = 3
    assert array.sum() == 3 * array.size


def test_memory_of_a_forgotten_answer_is_used_again() -> None:
    first = memory.empty(SHAPE, np.float32)
    where = address(first)
    del first
    assert address(memory.empty((1, 15, 64, 64), np.float32)) == where  # a little smaller fits too
    assert address(memory.empty((16, 16, 128), np.float64)) == where


def test_a_view_keeps_the_memory() -> None:
    first = memory.empty(SHAPE, np.float32)
    first[...] = 7
    view, where = first[0, 3:5].reshape(-1), address(first)
    del first
    other = memory.empty(SHAPE, np.float32)
    other[...] = 1
    assert address(other) != where
    assert (view == 7).all()
    del view
    assert address(memory.empty(SHAPE, np.float32)) == where


def test_much_too_large_memory_is_not_wasted() -> None:
    large = memory.empty((1 << 20,), np.float32)
    where = address(large)
    del large
    assert address(memory.empty((1 << 17,), np.float32)) != where


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LARGEST_RESERVE", 1 << 20)
    arrays = [memory.empty(SHAPE, np.float32) for _ in range(9)]
    del arrays
    memory.empty((1 << 19,), np.float32)  # 2 MB
    assert 0 < sum(memory._sizes) <= 1 << 20
    assert memory._sizes == sorted(free.bytes.nbytes for free in memory._free)


def test_small_and_empty_arrays_come_from_numpy() -> None:
    for shape in ((3,), (0, 5), ()):
        assert memory.empty(shape, np.float64).shape == shape
        assert memory.empty(shape, np.float64).flags.owndata


def test_threads_never_share_memory() -> None:
    wrong = []

    def work(number: int) -> None:
        rng = np.random.default_rng(number)
        held: list[Any] = []
        for _ in range(300):
            array = memory.empty((int(rng.integers(1, 5)), 16, 32, 32), np.float32)
            array[...] = number
            held.append(array)
            if len(held) > 4 and not (held.pop(int(rng.integers(len(held)))) == number).all():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert sum(memory._sizes) <= memory.LARGEST_RESERVE


def test_working_memory_is_kept_while_it_is_small() -> None:
    assert memory.workspace((1 << 19) + 1, np.float32).dtype == np.float32
    assert len(memory.workspace(100, np.float64)) == 100  # an odd number of small ones is no whole number of large ones
    first = memory.workspace(100, np.float32)
    assert first.shape == (100,)
    assert first.dtype == np.float32
    assert np.shares_memory(first, memory.workspace(50, np.float64))
    assert not np.shares_memory(first, memory.workspace(1 << 23, np.float64))
