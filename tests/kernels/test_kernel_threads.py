"""Threads: the setting, errors, nesting, forks, callers in several threads, and answers that do not depend on them."""

from __future__ import annotations

import os
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
LOTS = 1e12  # multiplications: worth any number of threads


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
    return [
        ("conv2d", (x, w3, None, ONE, ONE, ONE, 1)),
        ("conv2d", (draw(3, 64, 40, 40), w3, None, ONE, ONE, ONE, 1)),
        ("conv2d", (x, w1, None, ONE, NONE, ONE, 1)),
        ("conv2d", (x, w5, None, (2, 2), (2, 2), ONE, 1)),
        ("conv2d_dx", (dy, w3, (40, 40), ONE, ONE, ONE, 1)),
        ("conv2d_dx", (dy, w5, (80, 80), (2, 2), (2, 2), ONE, 1)),
        ("conv2d_dw", (dy, x, (3, 3), ONE, ONE, ONE, 1)),
        ("maxpool2d", (big, (2, 2), (2, 2), NONE, (64, 64))),
        ("maxpool2d_dx", (half, won, (128, 128))),
        ("avgpool2d", (big, (2, 2), (2, 2), NONE, (64, 64), True)),
        ("avgpool2d_dx", (half, (2, 2), (2, 2), NONE, (128, 128), True)),
        ("lrn", (big, 5, 1e-4, 0.75, 1.0)),
        ("lrn_dx", (big, big, scale, 5, 1e-4, 0.75)),
    ]


def answer(name: str, call: tuple[Any, ...]) -> list[Any]:
    return [np.array(array) for array in arrays(getattr(kernels, name)(*call))]


def test_the_calls_cover_every_kernel() -> None:
    assert {name for name, _ in large_calls()} == set(KERNELS)


@pytest.mark.parametrize("which", range(13))
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
child = os.fork()
if not child:
    signal.alarm(60)  # a child that hangs is a failure, not a wait
    same = all((a == b).all() for call, want in zip(calls, wanted) for a, b in zip(answer(*call), want))
    os._exit(0 if same else 1)
_, status = os.waitpid(child, 0)
assert all((a == b).all() for call, want in zip(calls, wanted) for a, b in zip(answer(*call), want))
print("child", status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_computes() -> None:
    pytest.importorskip("numba")
    assert run_python(FORK) == "child 0"


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


def test_every_number_is_given_out_once() -> None:
    kernels.set_threads(4)
    for count in (0, 1, 3, 4, 5, 97):
        seen = np.zeros(count, int)

        def work(start: int, stop: int, seen: Any = seen) -> None:
            seen[start:stop] += 1

        threads.split(count, LOTS, work, finer=3)
        assert (seen == 1).all()


def test_an_error_in_a_part_is_raised_and_the_crew_goes_on() -> None:
    kernels.set_threads(2)

    def work(start: int, _: int) -> None:
        raise RuntimeError(f"part {start}")

    for _ in range(20):
        with pytest.raises(RuntimeError, match="part"):
            threads.split(8, LOTS, work)
    test_every_number_is_given_out_once()


def test_a_part_that_splits_again_works_alone() -> None:
    kernels.set_threads(2)
    inner: list[tuple[int, int]] = []

    def work(*_: int) -> None:
        threads.split(10, LOTS, lambda a, b: inner.append((a, b)))

    threads.split(2, LOTS, work)
    assert inner == [(0, 10), (0, 10)]


def test_helpers_see_the_callers_context() -> None:
    kernels.set_threads(2)
    seen: list[str] = []
    with kernels.use("reference"), np.errstate(divide="raise"):

        def work(*_: int) -> None:
            seen.append(f"{kernels.current()} {np.geterr()['divide']}")

        threads.split(2, LOTS, work)
    assert seen == ["reference raise"] * 2


def test_working_memory_is_kept_while_it_is_small() -> None:
    first = threads.workspace(100, np.float32)
    assert first.shape == (100,)
    assert first.dtype == np.float32
    assert np.shares_memory(first, threads.workspace(50, np.float64))
    assert not np.shares_memory(first, threads.workspace(1 << 23, np.float64))
