"""Running a loop: the one place where a technique that loops gets its progress bar, its budget and its Ctrl-C.

A technique that loops is a generator of whole results; `last` gives the newest one. Whatever stops the loop early,
that result is whole, and it says itself how far it is.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from functools import update_wrapper
from typing import Any, Generic, NamedTuple, ParamSpec, Protocol, TypeVar

from minitorch_viz.errors import SettingError
from minitorch_viz.progress import progress_bar
from minitorch_viz.techniques.state import going_on, identity_of

DELAY = 2.0  # seconds without a bar: what is over sooner needs none
PACE = 0.25  # seconds between two results of a loop of quick steps


class Partial(Protocol):
    """Be a result that knows how far it is."""

    @property
    def done(self) -> int:
        """Return how many of `total` are in it."""

    @property
    def total(self) -> int:
        """Return how many there would be at the end."""


P = ParamSpec("P")
R = TypeVar("R", bound=Partial)


class End(NamedTuple):
    """Say how a loop ended."""

    result: Any  # the newest whole result
    why: str  # "" at its own end; "interrupted", or "the budget of 5 s is spent"

    def sentence(self, unit: str = "step") -> str:
        """Return what to tell the user; "" at the loop's own end."""
        if not self.why:
            return ""
        return f"{self.why}; this is the result after {self.result.done} of {self.result.total} {unit}s"


def run(
    loop: Iterable[R],
    name: str = "",
    unit: str = "step",
    *,
    budget: float | None = None,
    progress: bool = True,
    watch: Iterable[Callable[[R], Any]] = (),
) -> End:
    """Run a loop to its end, to Ctrl-C, or until its budget is spent.

    budget: seconds, counted from the first result, since what is before it (a forward pass, kernels being loaded) tells
        nothing of the steps; the loop stops before a step that would go beyond it, taking as long as the last one. If
        the first result alone took longer than the budget, it is the only one.
    progress: a bar, where stderr is a terminal or a notebook and the loop takes over two seconds.
    watch: each is called with every result.

    Raises KeyboardInterrupt if there is no result yet, SettingError if the budget is no positive number.
    """
    if budget is not None and (isinstance(budget, bool) or not isinstance(budget, (int, float)) or not budget > 0):
        raise SettingError(f"A budget is a number of seconds above 0, but got {budget!r}.")
    watchers = list(watch)
    newest: R | None = None
    begin: float | None = None
    last_time = time.monotonic()
    iterator = _closable(loop)
    bar = progress_bar(desc=name, unit=unit, delay=DELAY, leave=False, show=progress)
    with closing(iterator), bar:
        try:
            for newest in iterator:
                for watcher in watchers:
                    watcher(newest)
                if bar.total != newest.total:
                    bar.total = newest.total
                bar.update(newest.done - bar.n)
                time_now = time.monotonic()
                step, last_time = time_now - last_time, time_now
                if begin is None:
                    begin, step = time_now, step if step > (budget or 0) else 0
                if budget is not None and time_now - begin + step > budget and newest.done < newest.total:
                    return End(newest, f"the budget of {budget:g} s is spent")
        except KeyboardInterrupt:
            if newest is None:
                raise
            return End(newest, "interrupted")
    if newest is None:
        raise SettingError(f"The loop {name or loop!r} gave no result.")
    return End(newest, "")


def last(
    loop: Iterable[R], name: str = "", unit: str = "step", *, budget: float | None = None, progress: bool = True
) -> R:
    """Return the newest result of a loop: see `run`. In Python Ctrl-C gives the result so far, which says how far."""
    result: R = run(loop, name, unit, budget=budget, progress=progress).result
    return result


class Loop(Generic[P, R]):
    """Make a loop a technique: `technique(...)` gives its last result, `technique.each(...)` yields all of them.

    Made by `@looping`. Its signature and manual are the generator's. Beside the generator's own settings both take
    resume=FILE, where the results have a `state`: what is there is gone on from, and the file is kept up to date.
    """

    def __init__(self, generator: Callable[P, Iterator[R]], unit: str, free: Collection[str] = ()) -> None:
        self.generator = generator
        self.unit = unit  # what `done` counts, in the singular
        self.free = free  # settings that a state serves whatever they are
        update_wrapper(self, generator)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return the last result. Beside `each`'s settings: progress=False, no bar; budget=SECONDS, it ends in time."""
        settings: dict[str, Any] = dict(kwargs)
        progress, budget = bool(settings.pop("progress", True)), settings.pop("budget", None)
        loop = self.each(*args, **settings)
        return last(loop, self.name, self.unit, budget=budget, progress=progress)

    def each(self, *args: P.args, **kwargs: P.kwargs) -> Iterator[R]:
        """Yield every result: each is whole, and each knows more than the one before.

        resume: a file that keeps the newest result's state, so that a run that was stopped goes on to the same bits.
        Raises SettingError if the file belongs to a run with another net, photo or settings.
        """
        settings: dict[str, Any] = dict(kwargs)
        file = settings.pop("resume", None)
        if file is None:
            return self.generator(*args, **settings)
        if not self.goes_on:
            raise SettingError(f"{self.name} cannot go on from a file: it keeps no state. Leave out resume=.")
        begin: Any = self.generator  # that it takes a state is beyond what its type can say
        identity = identity_of(begin, args, settings, self.free)
        return going_on(lambda state: begin(*args, **settings, state=state), file, identity)

    @property
    def goes_on(self) -> bool:
        """Return whether it can go on from a result's state."""
        return "state" in inspect.signature(self.generator).parameters

    @property
    def name(self) -> str:
        """Return what a progress bar calls it."""
        return str(getattr(self.generator, "__name__", "")).replace("_", " ")


def looping(unit: str, free: Collection[str] = ()) -> Callable[[Callable[P, Iterator[R]]], Loop[P, R]]:
    """Mark a generator of whole results as a technique's function; unit: what it counts ("place", "step").

    free: settings that change no bit of a state, so that a kept one goes on with others: what of it is shown.
    If it can go on from a result's `state` (`State`, in state.py), it takes it as a setting of that name.
    """
    return lambda generator: Loop(generator, unit, free)


class Pace:
    """Tell when the next result of a loop is due: a whole one may cost more than the step before it."""

    def __init__(self, seconds: float = PACE) -> None:
        self.seconds = seconds
        self._next = time.monotonic()  # the first at once

    def due(self) -> bool:
        """Return whether it is time; then the next is due `seconds` later."""
        time_now = time.monotonic()
        if time_now < self._next:
            return False
        self._next = time_now + self.seconds
        return True


def how_far(result: Partial, unit: str) -> tuple[str, ...]:
    """Return the note of a result that its loop has not finished; empty if it has."""
    if result.done >= result.total:
        return ()
    return (f"This is the result after {result.done} of {result.total} {unit}s.",)


def shared(budget: float | None, parts: int) -> Iterator[float | None]:
    """Yield the budget of each of `parts` inner loops, out of what is left when its turn comes; None has no end.

    The outer loop yields after each inner one, so time that one does not use goes to those after it.
    """
    end = None if budget is None else time.monotonic() + budget
    for index in range(parts):
        yield None if end is None else max((end - time.monotonic()) / (parts - index), 1e-3)


def _closable(loop: Iterable[R]) -> Any:
    """Return a generator as it is, anything else as one: its `close` lets it tidy up."""
    iterator = iter(loop)
    return iterator if hasattr(iterator, "close") else (result for result in iterator)
