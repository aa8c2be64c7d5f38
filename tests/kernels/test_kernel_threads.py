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
from minitorch_viz_kernels import threads
from tests.kernels.kernel_cases import CALLS, KERNELS, arrays
from tests.kernels.test_kernel_choice import run_python

ONE, NONE = (1, 1), (0, 0)


@pytest.fixture(autouse=True)
def setting() -> Iterator[None]:
    yield
    kernels.set_threads(None)


def large_calls() -> list[tuple[str, tuple[Any, ...]]]:
    """A call of each kernel that is large enough to be shared, and convolutions by every algorithm."""
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> Any:
        return rng.standard_normal(shape).astype(np.float32)

    x, w3, w1, w5, dy = (
        draw(1, 64, 40, 40),
        draw(64, 64, 3, 3),
        draw(64, 64, 1, 1),
        draw(64, 64, 5, 5),
        draw(1, 64, 40, 40),
    )
    big = draw(2, 32, 128, 128)
    _, won = kernels.maxpool2d(big, (2, 2), (2, 2), NONE, (64, 64))
    half, scale = draw(2, 32, 64, 64), np.abs(big) + 1
    sequences, u, state = draw(9, 50, 20), draw(256, 64) / 8, draw(50, 64)
    _, *saved = kernels.lstm(sequences, draw(256, 20), u, draw(256), state, state)
    return [
        ("conv2d", (x, w3, None, ONE, ONE, ONE, 1)),
        ("conv2d", (draw(3, 64, 40, 40), w3, None, ONE, ONE, ONE, 1)),
        ("conv2d", (x, w1, None, ONE, NONE, ONE, 1)),
        ("conv2d", (x, w5, None, (2, 2), (2, 2), ONE, 1)),
        ("conv2d_dx", (dy, w3, (40, 40), ONE, ONE, ONE, 1)),
        ("conv2d_dx", (dy, w5, (80, 80), (2, 2), (2, 2), ONE, 1)),
        ("conv2d_dw", (dy, x, (3, 3), ONE, ONE, ONE, 1)),
        ("conv2d_dw", (dy, x, (5, 5), ONE, (2, 2), ONE, 1)),
        ("conv2d", (x, w5, None, ONE, (2, 2), ONE, 1)),
        ("conv2d_dx", (dy, w5, (40, 40), ONE, (2, 2), ONE, 1)),
        ("maxpool2d", (big, (2, 2), (2, 2), NONE, (64, 64))),
        ("maxpool2d_dx", (half, won, (128, 128))),
        ("avgpool2d", (big, (2, 2), (2, 2), NONE, (64, 64), True)),
        ("avgpool2d_dx", (half, (2, 2), (2, 2), NONE, (128, 128), True)),
        ("lrn", (big, 5, 1e-4, 0.75, 1.0)),
        ("lrn_dx", (big, big, scale, 5, 1e-4, 0.75)),
        ("relu", (big,)),
        ("relu_dx", (big, big[:1], False)),
        ("add", (big, big)),
        ("concat", ((big, big, big), 1)),
        ("batch_norm", (big, state[0, :32], state[0, :32], 1e-5)),
        ("batch_norm_dx", (big, big, state[0, :32], np.abs(state[1, :32]), state[2, :32], 1e-5)),
        ("matmul", (draw(200, 300), draw(300, 100))),
        ("matmul", (draw(300, 200).T, draw(300, 100))),
        ("lstm", (sequences, draw(256, 20), u, draw(256), state, state)),
        ("lstm_dz", (draw(9, 50, 64), *saved, u, state)),
    ]


def answer(name: str, call: tuple[Any, ...]) -> list[Any]:
    return [np.array(array) for array in arrays(getattr(kernels, name)(*call))]


def test_the_calls_cover_every_kernel() -> None:
    assert {name for name, _ in large_calls()} == set(KERNELS)


@pytest.mark.parametrize("which", range(26))
def test_answers_repeat_and_do_not_depend_on_the_number_of_threads(which: int) -> None:
    pytest.importorskip("numba")
    call = large_calls()[which]
    kernels.set_threads(1)
    wanted = answer(*call)
    for count in (1, 2, 3, 2):
        kernels.set_threads(count)
        for ours, theirs in zip(answer(*call), wanted, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_four_threads_call_every_kernel_two_hundred_times() -> None:
    pytest.importorskip("numba")
    kernels.set_threads(3)
    small = [next(call for call in CALLS if call.kernel == name and "3x3" in str(call)) for name in KERNELS[:3]]
    small += [next(call for call in CALLS if call.kernel == name and "overlap" in str(call)) for name in KERNELS[3:7]]
    small += [next(call for call in CALLS if call.kernel == name) for name in KERNELS[7:]]
    calls = [(call.kernel, call.arguments(np.float32)) for call in small]
    calls += [call for call in large_calls() if call[0].startswith("conv")]
    wanted = [answer(*call) for call in calls]

    def work(turn: int) -> None:
        for step in range(200):
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
calls = large_calls()
wanted = [answer(*call) for call in calls]
warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of forking a process that has threads
statuses = set()
for call in calls:  # right after each, while the helper is still awake
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
def test_a_forked_child_computes() -> None:
    pytest.importorskip("numba")
    assert run_python(FORK) == "children {0}"


FORK_IN_A_CALL = """
import os, signal, sys, threading, warnings
import numpy as np, minitorch_viz_kernels as kernels
from tests.kernels.test_kernel_threads import answer, large_calls
kernels.set_threads(2)
calls = [call for call in large_calls() if call[0].startswith("conv")]
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
calls = large_calls()
for call in calls: answer(*call)
def go_on():
    while True:
        for call in calls: answer(*call)
for _ in range({others}): threading.Thread(target=go_on, daemon=True).start()
for call in calls: answer(*call)
print("bye")
"""


@pytest.mark.fresh
@pytest.mark.parametrize("others", [0, 2])
def test_the_interpreter_ends_while_helpers_are_awake(others: int) -> None:
    """Nothing hangs or aborts: `run_python` raises for any other exit than 0."""
    pytest.importorskip("numba")
    for _ in range(3):
        assert run_python(EXIT.format(others=others)) == "bye"


def test_callers_come_and_go() -> None:
    pytest.importorskip("numba")
    kernels.set_threads(2)
    calls = [call for call in large_calls() if call[0].startswith("conv")]
    wanted = [answer(*call) for call in calls]
    for turn in range(30):  # each thread lives for one call
        with ThreadPoolExecutor(3) as pool:
            found = [(which, pool.submit(answer, *calls[which])) for which in (turn % 7, (turn + 3) % 7, turn % 5)]
            for which, future in found:
                for ours, theirs in zip(future.result(), wanted[which], strict=True):
                    np.testing.assert_array_equal(ours, theirs)


def test_idle_helpers_sleep_and_too_many_go_home() -> None:
    pytest.importorskip("numba")
    call = large_calls()[0]
    for count in (4, 2):
        kernels.set_threads(count)
        before = threads._crew
        answer(*call)
        crew = threads._crew
        assert crew is not None
        assert len(crew.threads) == count - 1
        wait_until(lambda crew=crew, count=count: crew.sleeping == count - 1)
        if before is not None and before is not crew:
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
    calls = [call for call in large_calls() if call[0].startswith("conv")]
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


def test_working_memory_is_kept_while_it_is_small() -> None:
    first = threads.workspace(100, np.float32)
    assert first.shape == (100,)
    assert first.dtype == np.float32
    assert np.shares_memory(first, threads.workspace(50, np.float64))
    assert not np.shares_memory(first, threads.workspace(1 << 23, np.float64))
