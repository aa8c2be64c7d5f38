"""What a technique's command does with each photo: read it, look at it, save what was found."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.techniques.subject import PHOTO

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.techniques import Result, Technique


@dataclass(frozen=True)
class Look:
    """Hold the net and the settings. It can be pickled, and so travels to other processes."""

    module: str  # that has the TECHNIQUE
    model: Model
    settings: dict[str, Any]
    over: dict[str, Any] | None = None  # the overlay's look, where one is written; None: a figure, or the numbers
    budget: float | None = None  # seconds for each result of a loop
    resume: Path | None = None  # the file that keeps a loop's state

    @property
    def technique(self) -> Technique:
        """Return the technique itself."""
        technique: Technique = import_module(self.module).TECHNIQUE
        return technique

    def read(self, photo: str, notes: list[str]) -> Any:
        """Return the subject's value for one photo; notes: gets a sentence on what was left out of it."""
        return self.technique.subject.read(self.model, [photo], notes)

    def prepared(self, value: Any) -> Any:
        """Return a photo as the net sees it, where one is looked at: then it is not resized again."""
        from minitorch_viz.techniques.explain.view import view

        technique = self.technique
        if technique.explains and technique.subject is PHOTO:
            with contextlib.suppress(MinitorchVizError):  # that the technique raises, too, when its turn comes
                return view(self.model, value)
        return value

    def explain(
        self, value: Any, *, progress: bool = True, watch: Iterable[Callable[[Any], Any]] = ()
    ) -> tuple[Result, str]:
        """Return the result for a value of the subject, and why its loop ended early or "".

        watch: each is called with every result of a loop.
        """
        from minitorch_viz.techniques.run import run

        technique = self.technique
        looked_at = technique.subject.arguments(value)
        if technique.loop is None:
            return technique.compute(self.model, *looked_at, **self.settings), ""
        loop = technique.loop
        results = loop.each(self.model, *looked_at, **self.settings, resume=self.resume)
        end = run(results, loop.name, loop.unit, budget=self.budget, progress=progress, watch=watch)
        return end.result, end.sentence(loop.unit)

    def save(self, result: Result, value: Any, file: Path) -> tuple[str, ...]:
        """Write a result, and return what else there is to say of it: of an overlay its scale."""
        if self.over is None:
            result.save(file)
            return ()
        from minitorch_viz.commands.overlay import save_overlay

        return (save_overlay(result, self.model, value, self.over, file),)
