"""Film: an observer that takes frames while a net learns, and keeps a page that plays them back."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError, ShapeError, need_whole
from minitorch_viz.io.files import as_path
from minitorch_viz.training.film.frame import Look, dead_share, grids, look_at, update_ratios
from minitorch_viz.training.film.page import Facts, read_film, write_film
from minitorch_viz.training.film.reel import Reel, Shot
from minitorch_viz.training.nonfinite import check_loss
from minitorch_viz.training.observer import Observer, Run, Step
from minitorch_viz.training.state import State


class Film(Observer):
    """Write `path`, one HTML page with everything inside, and rewrite it while training goes on.

    In every frame: weights, gradients, activations and their gradients as pictures, dead units, the size of the steps.
    Frames are dense at first and then further and further apart, `frames` of them at the most. It only looks: with or
    without a film the weights are the same, bit for bit.

    images (N, ...), targets (N, ...): a few fixed images as the net takes them (at most 256 are used) and the right
    answers; the first `shown` have their activations drawn, all of them give gradients and dead units. title: a
    heading. seconds: the least time between two rewritings.

    A resumed run continues the page of the one before. Raises SettingError if the file to continue is no film.
    """

    def __init__(
        self,
        path: str | Path,
        images: Array,
        targets: Array,
        *,
        title: str = "A net learns",
        shown: int = 3,
        frames: int = 60,
        seconds: float = 2.0,
    ) -> None:
        self.path = as_path(path, "film", MinitorchVizError)
        for name, array in (("images", images), ("targets", targets)):
            if not isinstance(array, np.ndarray) or array.ndim == 0 or len(array) == 0:
                raise ShapeError(f"Film needs {name} as an array of at least one, but got {_brief(array)}.")
        if len(images) != len(targets):
            raise ShapeError(f"Film needs one target an image, but got {len(images)} images, {len(targets)} targets.")
        if not isinstance(title, str):
            raise SettingError(f"Film's title must be a text, but got {title!r}.")
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not seconds >= 0:
            raise SettingError(f"Film's seconds must be a number of at least 0, but got {seconds!r}.")
        self.images, self.targets, self.title, self.seconds = images[:256], targets[:256], title, seconds
        self.shown = need_whole("number of images shown", shown, 1, len(images))
        self.frames = need_whole("number of frames", frames, 2, 500)

    def begin(self, run: Run, state: State) -> None:
        self.look = Look(self.images, self.targets, self.shown, run.loss, run.output)
        self.reel = self._continued(state) if state.step and self.path.exists() else Reel(self.frames)
        self._ratios: dict[str, float] = {}
        if not self.reel.shots or self.reel.shots[-1].step < state.step:
            self._take(state)
        self._write(run, state, "")

    def step(self, run: Run, step: Step) -> None:
        self.reel.point(step.state.step, step.loss, step.score)
        self._ratios = {}
        if self.reel.due(step.state.step):
            self._ratios = update_ratios(step.before.params, step.state.net.params)
            self._take(step.state)
        else:
            self._last = step  # should it be the last one
        if time.monotonic() >= self._next:
            self._write(run, step.state, "")

    def end(self, run: Run, state: State, why: str) -> None:
        if self.reel.shots and self.reel.shots[-1].step < state.step:
            last = getattr(self, "_last", None)
            if last is not None and last.state.step == state.step:
                self._ratios = update_ratios(last.before.params, last.state.net.params)
            self._take(state)
        self._write(run, state, why)

    def _take(self, state: State) -> None:
        moment = look_at(state.net, self.look)
        drawn = grids(state.net, self.look, moment)
        if not self.reel.shots:
            check_loss(moment.loss, state.net, moment.tape.values, self.look.output, "for the film's images")
        if not np.isfinite(moment.loss) or not all(np.isfinite(grid.values).all() for grid in drawn.values()):
            return  # nothing that could be drawn; training is about to say where it began
        shot = Shot(state.step, state.epoch, dead_share(state.net, moment.tape), self._ratios)
        self.reel.add(shot, drawn)

    def _continued(self, state: State) -> Reel:
        reel = read_film(self.path, self.frames)
        reel.cut(state.step)
        drawn = grids(state.net, self.look, look_at(state.net, self.look))
        if {key: grid.values.shape for key, grid in drawn.items()} != {k: s.shape for k, s in reel.strips.items()}:
            raise SettingError(
                f"{self.path} is the film of another net, or of other images, so it cannot be continued; give another "
                f"name, or remove it."
            )
        return reel

    def _write(self, run: Run, state: State, why: str) -> None:
        facts = Facts(
            title=self.title,
            net=state.net,
            run=run,
            state=state,
            why=why,
            images=len(self.images),
            shown=self.shown,
        )
        started = time.monotonic()
        write_film(self.path, self.reel, facts)
        # A large page takes long to write: at most a twentieth of the time goes into it.
        self._next = time.monotonic() + max(self.seconds, 20 * (time.monotonic() - started))


def _brief(value: Any) -> str:
    return f"an array {value.shape}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
