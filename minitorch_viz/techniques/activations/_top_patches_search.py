"""What top patches look for in one pass over the pictures: the tallies of a run, and the answers that come of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import channel_axis
from minitorch_viz.techniques.activations._top_patches_rows import Rows, rows_of
from minitorch_viz.techniques.explain.receptive import geometry
from minitorch_viz.techniques.explain.regions import Regions
from minitorch_viz.techniques.explain.relevant import Relevant, need_class
from minitorch_viz.techniques.explain.strongest import Strongest, Top
from minitorch_viz.techniques.explain.tenths import Sampled
from minitorch_viz.techniques.tally import Tallied, Tally

if TYPE_CHECKING:
    from minitorch_viz.models import Model

By = Literal["activation", "relevance"]


@dataclass(frozen=True)
class Search:
    """Say what is kept of a node's answers."""

    model: Model
    node: str
    channels: Array | None  # (U,) those that are shown; None: those of the strongest answers
    units: int  # how many, where channels is None
    count: int  # of the strongest
    each: int  # of one picture
    by: By
    target: str | int | None
    tenths: int
    negative: bool
    regions: bool

    def tallies(self) -> list[Tally]:
        """Return empty tallies. Raises SettingError where settings do not go together."""
        axis = channel_axis(self.model.net.nodes, self.node)
        if self.by == "relevance":
            if self.tenths or self.negative or self.regions:
                raise SettingError("tenths, negative and regions are of a unit's answers; leave them out by relevance.")
            target = need_class(self.model, self.node, self.target)
            return [Relevant(self.node, target, self.model.logits, self.count, self.each, axis=axis)]
        if self.target is not None:
            raise SettingError(f"target={self.target!r} is the class of by='relevance'; give that, or leave it out.")
        if self.regions:
            return [self._regions()]
        tallies: list[Tally] = [Strongest(self.node, self.count, self.each, axis=axis)]
        if self.tenths:
            tallies.append(Sampled(self.node, axis=axis))
        if self.negative:
            tallies.append(Strongest(self.node, self.count, self.each, axis=axis, negative=True))
        return tallies

    def _regions(self) -> Regions:
        if self.tenths or self.negative:
            raise SettingError("regions shows the strongest alone; leave out tenths and negative.")
        if self.channels is None or len(self.channels) != 1:
            raise SettingError("regions shows one unit as a detector; name it: channels=3, or --channels 3.")
        fields = geometry(self.model, self.node)
        if fields is None:
            raise SettingError(
                f"Every unit of {self.node!r} may see the whole picture, so there are no regions in it; name a node of "
                "maps below it, or leave out regions."
            )
        return Regions(self.node, int(self.channels[0]), fields, self.model.input, self.count)

    def answers(self, step: Tallied) -> tuple[Top, Rows, int] | None:
        """Return (the strongest of all units, those that are shown, pictures of the tenths); None if there are none."""
        first, *others = step.tallies
        if not first.arrays:  # every picture so far was broken
            return None
        top: Top = first.result()
        spread = next((tally.result() for tally in others if isinstance(tally, Sampled)), None)
        lowest = next((tally.result() for tally in others if isinstance(tally, Strongest)), None)
        shown = self.channels
        if shown is None:
            with np.errstate(invalid="ignore"):
                strength = np.where(np.isnan(top.values), 0, top.values).mean(axis=1)
            shown = np.argsort(-strength, kind="stable")[: self.units]
        if self.regions:  # the result has one channel, whichever it is
            return top, rows_of(top, np.zeros(1, np.int64), None, 0, None)._replace(channels=shown), 0
        rows = rows_of(top, shown, spread, self.tenths, lowest)
        return top, rows, 0 if spread is None else len(spread.numbers)

    @property
    def goal(self) -> str:
        """Return what is looked for, in words."""
        if self.by == "activation":
            return "answer"
        if self.target is None:
            return "relevance for each picture's most probable class"
        number = self.model.class_index(self.target)
        return f'relevance for class "{self.model.class_names[number]}" ({number})'
