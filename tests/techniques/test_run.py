"""Running loops: the newest result is kept, whatever ends the loop, and the budget is obeyed."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from minitorch_viz.errors import SettingError
from minitorch_viz.techniques import run as module
from minitorch_viz.techniques.run import End, last, run, shared


class Steps(NamedTuple):
    done: int
    total: int


def steps(
    total: int, *, stop: int | None = None, closed: list[int] | None = None, pause: float = 0.0
) -> Iterator[Steps]:
    done = 0
    try:
        for done in range(1, total + 1):
            if done == stop:
                raise KeyboardInterrupt
            time.sleep(pause)
            yield Steps(done, total)
    finally:
        if closed is not None:
            closed.append(done)


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """A clock that is moved by hand, so that no test depends on the machine."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def timed(clock: list[float], seconds: list[float]) -> Iterator[Steps]:
    for done, duration in enumerate(seconds, 1):
        clock[0] += duration
        yield Steps(done, len(seconds))


def test_to_the_end() -> None:
    assert run(steps(5)) == End(Steps(5, 5), "")
    assert run(steps(5)).sentence() == ""
    assert last(steps(3)) == Steps(3, 3)


def test_an_interrupt_keeps_the_newest_result_and_says_how_far_it_is() -> None:
    closed: list[int] = []
    end = run(steps(500, stop=121, closed=closed))
    assert end.result == Steps(120, 500)
    assert end.sentence() == "interrupted; this is the result after 120 of 500 steps"
    assert closed == [121]


def test_an_interrupt_in_a_watcher_keeps_the_result_too() -> None:
    def watcher(result: Steps) -> None:
        if result.done == 4:
            raise KeyboardInterrupt

    closed: list[int] = []
    assert run(steps(9, closed=closed), watch=[watcher]).result == Steps(4, 9)
    assert closed == [4]


def test_an_interrupt_before_the_first_result_is_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt):
        run(steps(5, stop=1))


@pytest.mark.parametrize(
    ("durations", "budget", "done"),
    [
        ([1.0] * 10, 5.0, 6),  # counted from the first result; one more would end at 6
        ([1.0] * 10, 5.5, 6),
        ([4.9, *[1.0] * 9], 5.0, 6),  # what comes before the first result tells nothing of the steps
        ([7.0] * 10, 5.0, 1),  # at least one
        ([1.0, 3.0, 1.0, 1.0], 5.0, 2),  # a step like the last would end at 6
        ([1.0] * 3, 60.0, 3),
    ],
)
def test_a_budget_stops_before_it_would_be_exceeded(clock, durations, budget: float, done: int) -> None:
    end = run(timed(clock, durations), budget=budget)
    assert end.result.done == done
    assert bool(end.why) == (done < len(durations))
    if end.why:
        assert end.sentence() == (
            f"the budget of {budget:g} s is spent; this is the result after {done} of {len(durations)} steps"
        )


def test_a_budget_spent_by_the_last_step_is_no_early_end(clock) -> None:
    assert run(timed(clock, [9.0]), budget=5).why == ""


@pytest.mark.parametrize("budget", [0, -1, float("nan"), "5", True])
def test_a_budget_is_a_positive_number(budget: object) -> None:
    with pytest.raises(SettingError, match="budget"):
        run(steps(2), budget=budget)  # type: ignore[arg-type]


def test_every_result_is_watched_in_order() -> None:
    seen: list[int] = []
    run(steps(4), watch=[lambda result: seen.append(result.done)])
    assert seen == [1, 2, 3, 4]


def test_a_loop_without_results_is_said() -> None:
    with pytest.raises(SettingError, match="no result"):
        run(steps(0), "empty")


def test_inner_loops_share_what_is_left(clock) -> None:
    budgets = []
    for inner in shared(12.0, 3):
        budgets.append(inner)
        clock[0] += 1.0  # it needs less than it may
    assert budgets == [4.0, 5.5, 10.0]
    assert [*shared(None, 2)] == [None, None]


def test_nothing_is_written_where_nobody_looks(monkeypatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setattr(module, "DELAY", 0)
    run(steps(50), "quiet")
    assert stderr.getvalue() == ""


def test_a_list_is_a_loop_too() -> None:
    assert last([Steps(1, 2), Steps(2, 2)]) == Steps(2, 2)


@pytest.mark.parametrize("progress", [True, False])
def test_a_loop_that_is_called_takes_progress_beside_its_own_settings(monkeypatch, progress: bool) -> None:
    from minitorch_viz.techniques import run as module

    asked: list[bool] = []
    monkeypatch.setattr(module, "run", lambda *_, **settings: asked.append(settings["progress"]) or module.End(3, ""))
    loop = module.looping("step")(lambda start, *, to: iter(range(start, to)))  # type: ignore[misc]  # no results
    assert loop(1, to=5, progress=progress) == 3
    assert asked == [progress]
    with pytest.raises(TypeError):
        loop(1, to=5, speed=2)


def test_a_loop_that_is_called_takes_a_budget(clock) -> None:
    loop = module.looping("step")(lambda: timed(clock, [1.0] * 10))
    assert loop(budget=5.0).done == 6
    assert loop().done == 10
