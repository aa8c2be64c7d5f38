"""Parts shared by threads: every one is done once, errors arrive, a busy board is no obstacle."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

import minitorch_viz_kernels as kernels
from minitorch_viz_kernels.machine import threads
from minitorch_viz_kernels.machine.compiling import inner
from minitorch_viz_kernels.machine.parallel import parallel, part_count, part_range

LOTS = 1e12  # multiplications: worth any number of threads


@pytest.fixture(autouse=True)
def setting() -> Iterator[None]:
    yield
    kernels.set_threads(None)


@inner
def count_part(number: int, worker: int, done: Any, by: Any, work: int) -> None:
    total = 0.0
    for i in range(work):
        total += i
    done[number] += 1 if total >= 0 else 2
    by[number] = worker


@inner
def count(board: Any, done: Any, by: Any, work: int) -> None:
    parallel(count_part, len(done), board, (done, by, work))


@inner
def failing_part(number: int, _worker: int, bad: int) -> None:
    if number == bad:
        raise ValueError


@inner
def fail(board: Any, parts: int, bad: int) -> None:
    parallel(failing_part, parts, board, (bad,))


@inner
def outer_part(number: int, _worker: int, board: Any, done: Any, by: Any) -> None:
    count(board, done[number], by[number], 10)


@inner
def nest(board: Any, done: Any, by: Any) -> None:
    parallel(outer_part, len(done), board, (board, done, by))


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("parts", [0, 1, 2, 7, 1000])
def test_every_part_is_done_once(size: int, parts: int) -> None:
    kernels.set_threads(size)
    for work in (0, 1000, 0):
        done, by = np.zeros(parts, np.int64), np.full(parts, -1)
        count(threads.board_for(LOTS), done, by, work)
        assert (done == 1).all()
        assert ((by >= 0) & (by < size)).all()


def test_workers_take_parts() -> None:
    kernels.set_threads(2)
    helped = False
    for _ in range(1000):  # on a busy machine the worker may come late, but not every time
        done, by = np.zeros(64, np.int64), np.zeros(64, np.int64)
        count(threads.board_for(LOTS), done, by, 10_000)
        helped = helped or bool(by.any())
    assert helped


def test_small_work_stays_alone() -> None:
    kernels.set_threads(2)
    assert threads.board_for(1000) is threads.NO_WORKERS
    assert threads.board_for(LOTS) is not threads.NO_WORKERS
    kernels.set_threads(1)
    assert threads.board_for(LOTS) is threads.NO_WORKERS


@pytest.mark.parametrize("size", [1, 2])
def test_an_error_in_a_part_is_raised_and_the_workers_go_on(size: int) -> None:
    kernels.set_threads(size)
    for bad in (0, 7, 3):
        with pytest.raises(RuntimeError, match="part of a kernel failed"):
            fail(threads.board_for(LOTS), 8, bad)
        fail(threads.board_for(LOTS), 8, 99)
    test_every_part_is_done_once(size, 7)


def test_a_part_that_shares_again_works_alone() -> None:
    kernels.set_threads(2)
    done, by = np.zeros((6, 5), np.int64), np.full((6, 5), -1)
    nest(threads.board_for(LOTS), done, by)
    assert (done == 1).all()
    assert (by == 0).all()


def test_callers_share_one_board() -> None:
    kernels.set_threads(2)

    def call(_: int) -> bool:
        for _ in range(300):
            done, by = np.zeros(9, np.int64), np.zeros(9, np.int64)
            count(threads.board_for(LOTS), done, by, 500)
            if not (done == 1).all():
                return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(call, range(4)))


def test_shares_cover_everything() -> None:
    for size in (1, 3):
        kernels.set_threads(size)
        board = threads.board_for(LOTS)
        for things in (1, 2, 17, 100):
            parts = part_count(board, things, LOTS)
            assert 1 <= parts <= things
            edges = [part_range(things, number, parts) for number in range(parts)]
            assert [edge[0] for edge in edges] == [0, *(edge[1] for edge in edges[:-1])]
            assert edges[-1][1] == things
            assert part_count(board, things, 0.0) == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="The system does not let programs choose cores.")
def test_a_sleeping_worker_leaves_the_core_that_its_caller_comes_to() -> None:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("There is one core.")
    kernels.set_threads(2)
    board = threads.board_for(LOTS)  # started while every core may be used
    assert threads._pool is not None
    try:
        for core in (*cores[:2], *cores[:2]):
            os.sched_setaffinity(0, {core})  # this thread alone
            end = time.monotonic() + 10
            while threads._pool.sleeping < 1 and time.monotonic() < end:
                time.sleep(0.001)
            count(board, np.zeros(8, np.int64), np.zeros(8, np.int64), 10)
            worker_thread = threads._pool.threads[0].native_id
            assert worker_thread is not None
            assert core not in os.sched_getaffinity(worker_thread)
    finally:
        os.sched_setaffinity(0, cores)
