"""The loop of style transfer: pictures, one after another, each from coarse to fine, a step at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.optimize.resizing import resized
from minitorch_viz.optimize.style.loss import StyleLoss
from minitorch_viz.optimize.style.methods import Method
from minitorch_viz.techniques.run import Pace
from minitorch_viz.techniques.state import State


class Job(NamedTuple):
    """Describe one picture that is made."""

    title: str
    method: Method
    sizes: Sequence[Pair]  # (H, W), from coarse to fine
    steps: Sequence[int]  # at each size
    loss: Callable[[Pair], StyleLoss]  # at a size
    start: Callable[[Pair], Array]  # the picture (1, C, H, W) to start from, pixel - mean
    details: Callable[[Pair, Pair], Array | float]  # (a size, a finer one) -> what the start shows at the finer alone


@dataclass(frozen=True, eq=False)
class Progress:
    """Hold where the loop is. Nothing in it is written to again."""

    jobs: Sequence[Job]
    job: int  # the one at work
    scale: int
    step: int  # taken at this scale
    done: int  # steps taken in all
    skipped: int  # steps that were not taken, since an optimizer had come to its end
    pictures: tuple[Array, ...]  # (1, C, H, W) float64: of the jobs that are finished
    newest: Any  # the method's state; None before a scale
    losses: Array  # (jobs, steps) float64: NaN for what was not taken
    evaluations: Array  # (jobs, steps) float64: how many of the loss so far at this scale
    words: tuple[str, ...] = field(default=())

    @property
    def total(self) -> int:
        """Return how many steps there are, without those that were not needed."""
        return sum(sum(job.steps) for job in self.jobs) - self.skipped

    @property
    def all_pictures(self) -> tuple[Array, ...]:
        """Return the pictures so far, the one at work the last."""
        return self.pictures if self.newest is None else (*self.pictures, self.newest.x)

    @property
    def state(self) -> State:
        """Return what another run goes on from."""
        method = self.jobs[self.job].method
        arrays, numbers = ({}, {}) if self.newest is None else method.packed(self.newest)
        kept = {f"picture{index}": picture for index, picture in enumerate(self.pictures)}
        kept |= {f"method/{name}": array for name, array in arrays.items()}
        kept |= {"losses": self.losses, "evaluations": self.evaluations}
        names = ("job", "scale", "step", "done", "skipped")
        return State(kept, {name: getattr(self, name) for name in names} | {
            "words": list(self.words), "method": numbers, "moving": self.newest is not None,
        })  # fmt: skip


def begun(jobs: Sequence[Job]) -> Progress:
    """Return where the loop begins."""
    most = max(sum(job.steps) for job in jobs)
    blank = np.full((len(jobs), most), np.nan)
    return Progress(jobs, 0, 0, 0, 0, 0, (), None, blank, blank)


def gone_on(jobs: Sequence[Job], state: State) -> Progress:
    """Return where a state left off. Raises KeyError or ValueError where a part is missing."""
    arrays, numbers = state.arrays, state.numbers
    job, scale, step, done, skipped = (int(numbers[name]) for name in ("job", "scale", "step", "done", "skipped"))
    pictures = tuple(arrays[f"picture{index}"] for index in range(len([key for key in arrays if key[:7] == "picture"])))
    newest = None
    if numbers["moving"]:
        names = [key for key in arrays if key.startswith("method/")]
        newest = jobs[job].method.unpacked(
            {key.removeprefix("method/"): arrays[key] for key in names}, numbers["method"]
        )
    return Progress(
        jobs, job, scale, step, done, skipped, pictures, newest, arrays["losses"], arrays["evaluations"],
        tuple(numbers["words"]),
    )  # fmt: skip


def walked(progress: Progress) -> Iterator[Progress]:
    """Yield where the loop is, as often as is worth a look, and at its end."""
    pace = Pace()
    loss: StyleLoss | None = None
    while progress.done < progress.total:
        job = progress.jobs[progress.job]
        size = job.sizes[progress.scale]
        loss = job.loss(size) if loss is None else loss
        progress = _step(progress, job, size, loss)
        if progress.step == job.steps[progress.scale] or progress.newest.status != "moving":
            progress, loss = _next(progress, job), None
        if pace.due() or progress.done >= progress.total:
            yield progress


def _step(progress: Progress, job: Job, size: Pair, loss: StyleLoss) -> Progress:
    """Take one step; at the start of a size the picture is brought to it first."""
    state = progress.newest
    if state is None:
        state = job.method.start(job.start(size), loss)
    elif state.x.shape[-2:] != size:
        coarse = (state.x.shape[-2], state.x.shape[-1])
        state = job.method.enlarged(state, size, job.details(coarse, size), loss)
    state = job.method.step(state, loss)
    at = sum(job.steps[: progress.scale]) + progress.step
    losses, evaluations = progress.losses.copy(), progress.evaluations.copy()
    losses[progress.job, at], evaluations[progress.job, at] = state.value, state.evaluations
    words = progress.words
    if state.words:
        where = (
            f"{job.title}, {size[0]} x {size[1]} pixels" if len(progress.jobs) > 1 else f"{size[0]} x {size[1]} pixels"
        )
        words = (*words, f"Step {progress.step + 1} at {where}: {state.words}")
    return replace(
        progress, newest=state, step=progress.step + 1, done=progress.done + 1, losses=losses,
        evaluations=evaluations, words=words,
    )  # fmt: skip


def _next(progress: Progress, job: Job) -> Progress:
    """Return the loop at the start of the next size, or of the next picture."""
    skipped = progress.skipped + job.steps[progress.scale] - progress.step
    if progress.scale + 1 < len(job.sizes):
        return replace(progress, scale=progress.scale + 1, step=0, skipped=skipped)
    pictures = (*progress.pictures, progress.newest.x)
    last = progress.job + 1 == len(progress.jobs)
    job_number = progress.job if last else progress.job + 1
    return replace(progress, job=job_number, scale=0, step=0, skipped=skipped, pictures=pictures, newest=None)


def enlarged(x: Array, size: Pair) -> Array:
    """Return a picture at the size of the finished one."""
    return resized(x, size)
