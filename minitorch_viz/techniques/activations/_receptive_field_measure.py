"""Measuring receptive fields: the gradients of units, and what squares over the photo change in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.graph import Tape
from minitorch_viz.techniques.activations._occlusion_fills import Filling
from minitorch_viz.techniques.activations._occlusion_squares import covered
from minitorch_viz.techniques.explain.blank import not_finite
from minitorch_viz.techniques.explain.fields import Spot, effective_field
from minitorch_viz.techniques.run import Pace
from minitorch_viz.techniques.state import State

if TYPE_CHECKING:
    from minitorch_viz.models import Model
    from minitorch_viz.techniques.activations.receptive_field import FieldsAlong


class Run(NamedTuple):
    """Hold what is measured, and on what."""

    model: Model
    tape: Tape
    x: Array  # (1, C, h, w)
    spots: Sequence[Spot]
    frame: FieldsAlong  # with nothing measured yet
    colour: Filling

    def effective(self, depth: int, seed: int) -> Array:
        """Return the shares of the gradient's energy, (h, w); all zero where there is none."""
        energy = effective_field(self.model, self.tape, self.spots[depth], self.frame.samples, seed + depth)
        total = energy.sum()
        return energy / total if np.isfinite(total) and total > 0 else np.zeros_like(energy)

    def changes(self, places: Sequence[Pair]) -> Array:
        """Return the squared change of each spot's units with the occluder at each place, (D, places)."""
        squares = {self.model.input: covered(self.x, places, self.frame.size, self.colour)}
        outputs = self.model.net.predict_changed(self.tape, squares, tuple(spot.node for spot in self.spots))
        changes = [
            np.square(spot.read(outputs[spot.node]) - spot.read(self.tape[spot.node]), dtype=float).sum(axis=1)
            for spot in self.spots
        ]
        return np.array(changes)

    def blank(self, depth: int, effective: Array) -> str:
        """Return why there is no gradient; "" if there is one, or none was asked for yet."""
        if np.isnan(effective).any() or effective.any():
            return ""
        if not np.isfinite(kernels.to_cpu(self.tape[self.spots[depth].node])).all():
            return not_finite(self.model.net, self.tape)
        return "the gates of these units, or of all that they read, are closed on this photo"


def measured(run: Run, batch: int, seed: int, state: State | None) -> Iterator[FieldsAlong]:
    """Measure the effective field of each node, then all empirical ones at once, and yield what is known so far."""
    frame = run.frame
    effective, changes = frame.effective.copy(), frame.changes.reshape(len(run.spots), -1).copy()
    done, pace = 0, Pace()
    if state is not None:
        effective[:], changes[:] = state.arrays["effective"], state.arrays["changes"]
        done = int(state.numbers["done"])

    def result() -> FieldsAlong:
        return replace(
            frame,
            effective=effective.copy(),
            changes=changes.reshape(frame.changes.shape).copy(),
            blanks=tuple(run.blank(depth, effective[depth]) for depth in range(len(run.spots))),
            done=done,
            state=State({"effective": effective.copy(), "changes": changes.copy()}, {"done": done}),
        )

    if done == frame.total:
        yield result()
    while done < len(run.spots):
        effective[done] = run.effective(done, seed)
        done += 1
        if pace.due():
            yield result()
    # A batch stays in one row of places: the parts that alike places reach have nearly one size.
    places = [[(int(top), int(left)) for left in frame.lefts] for top in frame.tops]
    for row, squares in enumerate(places):
        for begin in range(0, len(squares), batch):
            first = row * len(squares) + begin
            part = squares[begin : begin + batch]
            if len(run.spots) + first + len(part) <= done:
                continue
            changes[:, first : first + len(part)] = run.changes(part)
            done = len(run.spots) + first + len(part)
            if done == frame.total or pace.due():
                yield result()
