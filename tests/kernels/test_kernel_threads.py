"""Threads: the setting, callers in several threads, forks, exits, and answers that do not depend on them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import minitorch_viz_kernels as kernels
from minitorch_viz_kernels.machine import registry, threads
from minitorch_viz_kernels.machine.examples import Example
from tests.kernels.kernel_cases import KERNELS, arrays, small_calls
from tests.kernels.test_kernel_choice import run_python


@pytest.fixture(autouse=True)
def setting() -> Iterator[None]:
    yield
    kernels.set_threads(None)


def large_calls(prefix: str = "") -> list[tuple[str, tuple[Any, ...]]]:
    """A call of each kernel that is large enough to be shared, and convolutions by every algorithm."""
    return [
        (call.kernel, call.arguments(np.float32))
        for call in registry.large_examples()
        if call.kernel.startswith(prefix)
    ]


def answer(name: str, call: tuple[Any, ...]) -> list[Any]:
    return [np.array(array) for array in arrays(getattr(kernels, name)(*call))]


def test_the_calls_cover_every_kernel() -> None:
    assert {call.kernel for call in registry.large_examples()} == set(KERNELS)


@pytest.mark.parametrize("example", list(registry.large_examples()), ids=str)
def test_answers_repeat_and_do_not_depend_on_the_number_of_threads(example: Example) -> None:
    pytest.importorskip("numba")
    call = example.kernel, example.arguments(np.float32)
    kernels.set_threads(1)
    wanted = answer(*call)
    for count in (1, 2, 3, 2):
        kernels.set_threads(count)
        for ours, theirs in zip(answer(*call), wanted, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("times", [30, pytest.param(200, marks=pytest.mark.slow)])
def test_four_threads_call_every_kernel_many_times(times: int) -> None:
    pytest.importorskip("numba")
    kernels.set_threads(3)
    small = [(call.kernel, call.arguments(np.float32)) for call in small_calls()]
    calls = [*small]
    calls += large_calls("conv")
    wanted = [answer(*call) for call in calls]

    def work(turn: int) -> None:
        for step in range(times):
            # The large ones a tenth as often as the small.
            for which in range(turn % 2, len(small)) if step % 10 else range(len(calls)):
                for ours, theirs in zip(answer(*calls[which]), wanted[which], strict=True):
                    np.testing.assert_array_equal(ours, theirs)

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(work, turn) for turn in range(4)]:
            future.result()


FORK = """
import os, signal, sys, warnings
import numpy as np, minitorch_viz_kernels as kernels
from tests.kernels.test_kernel_threads import answer, large_calls
kernels.set_threads(2)
calls = large_calls({prefix!r})
wanted = [answer(*call) for call in calls]
warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forking a process that has threads
statuses = set()
for call in calls:  # right after each, while the worker is still awake
    answer(*call)
    child = os.fork()
    if not child:
        signal.alarm(60)  # a child that hangs is a failure, not a wait
        same = all((a == b).all() for call, want in zip(calls, wanted) for a, b in zip(answer(*call), want))
        os._exit(0 if same else 1)
    statuses.add(os.waitpid(child, 0)[1])
    assert all((a == b).all() for call, want in zip(calls, wanted) for a, b in zip(answer(*call), want))
print("children", statuses)
"""


@pytest.mark.fresh
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize("prefix", ["max", pytest.param("", marks=pytest.mark.slow)], ids=["one kernel", "all"])
def test_a_forked_child_computes(prefix: str) -> None:
    pytest.importorskip("numba")
    assert run_python(FORK.format(prefix=prefix)) == "children {0}"


FORK_IN_A_CALL = """
import os, signal, sys, threading, warnings
import numpy as np, minitorch_viz_kernels as kernels
from tests.kernels.test_kernel_threads import answer, large_calls
kernels.set_threads(2)
calls = large_calls("conv")
wanted = [answer(*call) for call in calls]
warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forking a process that has threads
over = threading.Event()
def busy():
    while not over.is_set():
        answer(*calls[0])
threads = [threading.Thread(target=busy) for _ in range(2)]
for thread in threads: thread.start()
statuses = set()
for _ in range(10):  # the board is busy with another thread's job, which the child must not wait for
    child = os.fork()
    if not child:
        signal.alarm(60)
        same = all((a == b).all() for call, want in zip(calls, wanted) for a, b in zip(answer(*call), want))
        os._exit(0 if same else 1)
    statuses.add(os.waitpid(child, 0)[1])
over.set()
for thread in threads: thread.join()
print("children", statuses)
"""


@pytest.mark.fresh
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_forked_in_the_middle_of_a_call_computes() -> None:
    pytest.importorskip("numba")
    assert run_python(FORK_IN_A_CALL) == "children {0}"


EXIT = """
import threading
import minitorch_viz_kernels as kernels
from tests.kernels.test_kernel_threads import answer, large_calls
kernels.set_threads(3)
calls = large_calls({prefix!r})
for call in calls: answer(*call)
def go_on():
    while True:
        for call in calls: answer(*call)
for _ in range({others}): threading.Thread(target=go_on, daemon=True).start()
for call in calls: answer(*call)
print("bye")
"""


@pytest.mark.fresh
@pytest.mark.parametrize(
    ("others", "prefix", "times"),
    [(2, "conv2d_d", 1), *(pytest.param(others, "", 3, marks=pytest.mark.slow) for others in (0, 2))],
)
def test_the_interpreter_ends_while_workers_are_awake(others: int, prefix: str, times: int) -> None:
    """Nothing hangs or aborts: `run_python` raises for any other exit than 0."""
    pytest.importorskip("numba")
    for _ in range(times):
        assert run_python(EXIT.format(others=others, prefix=prefix)) == "bye"


def test_callers_come_and_go() -> None:
    pytest.importorskip("numba")
    kernels.set_threads(2)
    calls = large_calls("conv")
    wanted = [answer(*call) for call in calls]
    for turn in range(30):  # each thread lives for one call
        with ThreadPoolExecutor(3) as pool:
            futures = [(which, pool.submit(answer, *calls[which])) for which in (turn % 7, (turn + 3) % 7, turn % 5)]
            for which, future in futures:
                for ours, theirs in zip(future.result(), wanted[which], strict=True):
                    np.testing.assert_array_equal(ours, theirs)


def test_idle_workers_sleep_and_too_many_end() -> None:
    pytest.importorskip("numba")
    call = large_calls("conv2d")[0]
    for count in (4, 2):
        kernels.set_threads(count)
        before = threads._pool
        answer(*call)
        pool = threads._pool
        assert pool is not None
        assert len(pool.threads) == count - 1
        wait_until(lambda pool=pool, count=count: pool.sleeping == count - 1)
        if before is not None and before is not pool:
            wait_until(lambda before=before: not any(thread.is_alive() for thread in before.threads))


def wait_until(true: Any) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.001)


def test_limits_of_threadpoolctl_disturb_nothing() -> None:
    pytest.importorskip("numba")
    threadpoolctl = pytest.importorskip("threadpoolctl")
    kernels.set_threads(2)
    calls = large_calls("conv")
    wanted = [answer(*call) for call in calls]
    with threadpoolctl.threadpool_limits(1):
        for call, want in zip(calls, wanted, strict=True):
            np.testing.assert_array_equal(answer(*call)[0], want[0])


def test_the_setting() -> None:
    assert kernels.get_threads() == threads._default()
    kernels.set_threads(3)
    assert kernels.get_threads() == 3
    kernels.set_threads(None)
    assert kernels.get_threads() == threads._default()
    for bad in (0, -1, 1.5, "two"):
        with pytest.raises(ValueError, match="at least 1"):
            kernels.set_threads(bad)  # type: ignore[arg-type]


def test_the_environment_variable() -> None:
    show = "import minitorch_viz_kernels as kernels; print(kernels.get_threads())"
    assert run_python(show, MINITORCH_VIZ_THREADS="3") == "3"
    code = """
import minitorch_viz_kernels as kernels
try: kernels.get_threads()
except ValueError as error: print(error)
"""
    assert "MINITORCH_VIZ_THREADS" in run_python(code, MINITORCH_VIZ_THREADS="many")
