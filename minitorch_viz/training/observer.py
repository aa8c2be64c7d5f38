"""Watching a run: progress bars, checkpoints and films are observers. They read, and cannot change the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from minitorch_viz._types import Array
from minitorch_viz.net import Net
from minitorch_viz.progress import progress_bar
from minitorch_viz.training.losses import Loss
from minitorch_viz.training.state import State

SHORT = 10  # letters of a score's name in the bar


@dataclass(frozen=True, eq=False)
class Run:
    """Hold what stays the same during a run."""

    loss: Loss
    output: str  # the node whose output the loss reads
    epochs: int
    steps: int | None  # in all; None if the data do not say how many batches they have
    settings: dict[str, str]  # what a checkpoint compares: {"optimizer": "Adam(rate=0.003, ...)", ...}


@dataclass(frozen=True, eq=False)
class Step:
    """Hold what happened in one step."""

    before: Net  # the net that the loss was measured on
    state: State  # after the step
    loss: float
    score: float | None  # share of right answers in this batch; None if the loss has no score
    rate: float
    grads: dict[str, Array]  # of the parameters, after clipping


class Observer:
    """Be the base of all observers; override what you need."""

    def begin(self, run: Run, state: State) -> None:
        """Act before the first step of this run (after resuming, if it was resumed)."""

    def step(self, run: Run, step: Step) -> None:
        """Act after each step."""

    def epoch(self, run: Run, state: State) -> None:
        """Act after each epoch; `state.history[-1]` is its line."""

    def end(self, run: Run, state: State, why: str) -> None:
        """Act once, at the end: why is "finished", "no improvement", "interrupted", or a sentence about an error."""


class ProgressBar(Observer):
    """Show a bar with the loss, as tqdm draws it on terminals and in notebooks; none in a log file."""

    def begin(self, run: Run, state: State) -> None:
        with_total = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{remaining}{postfix}]"  # 80 columns hold all of it
        without_total = "{n_fmt} steps [{elapsed}{postfix}]"
        layout = with_total if run.steps else without_total
        self._bar: Any = progress_bar(total=run.steps, initial=state.step, unit="step", bar_format=layout)
        self._held_out = ""
        if state.history:
            self.epoch(run, state)

    def step(self, run: Run, step: Step) -> None:  # noqa: ARG002 (every observer has this signature)
        self._bar.set_postfix_str(f"loss {step.loss:.3f}{self._held_out}", refresh=False)
        self._bar.update()

    def epoch(self, run: Run, state: State) -> None:
        line = state.history[-1]
        if line.held_out_loss is not None:
            name = run.loss.score_name if len(run.loss.score_name) <= SHORT else "right"
            score = f" ({name} {line.held_out_score:.1%})" if run.loss.score_name else ""
            self._held_out = f", held out {line.held_out_loss:.3f}{score}"

    def end(self, run: Run, state: State, why: str) -> None:  # noqa: ARG002 (every observer has this signature)
        line = state.history[-1:]
        if line and not state.batches:  # the last epoch is whole: what it came to stays on the screen
            self._bar.set_postfix_str(f"loss {line[0].loss:.3f}{self._held_out}", refresh=False)
            self._bar.refresh()
        self._bar.close()
