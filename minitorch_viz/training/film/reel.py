"""What the film has recorded so far: frames, strips, numbers and the loss curve, within a bounded size."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from minitorch_viz.training.film.strips import Strip
from minitorch_viz.training.film.tiles import Grid

CURVE_POINTS = 500  # of the loss curve, at most; steps are averaged when there are more


@dataclass
class Shot:
    """Hold the numbers of one frame."""

    step: int
    epoch: int
    dead: dict[str, float]  # share of units that are 0 for all fixed images, by ReLU
    ratios: dict[str, float]  # |change of the weight| / |the weight| in the last step, by node


@dataclass
class Reel:
    """Hold all frames."""

    most: int = 60  # frames
    shots: list[Shot] = field(default_factory=list)
    strips: dict[tuple[str, str], Strip] = field(default_factory=dict)  # by (node, kind)
    curve: list[list[float]] = field(default_factory=list)  # [steps taken, training loss, score or -1], averaged
    per_point: int = 1  # steps that one point of the curve stands for
    _open: list[list[float]] = field(default_factory=list)  # steps that are not in the curve yet

    def due(self, step: int) -> bool:
        """Return whether a frame should be taken after `step` steps: dense at first, later every 7 %."""
        return not self.shots or step >= self.shots[-1].step + max(1, self.shots[-1].step * 7 // 100)

    def add(self, shot: Shot, grids: Mapping[tuple[str, str], Grid]) -> None:
        """Add a frame. If there are too many, one goes that leaves the smallest gap; never the first or this one."""
        for key, grid in grids.items():
            self.strips.setdefault(key, Strip(*key, grid.note, grid.values.shape)).add(grid.values)
        self.shots.append(shot)
        if len(self.shots) > self.most:
            # Gaps count in proportion to the time so far, so that the beginning stays the densest part.
            at = [math.log(shot.step + 10) for shot in self.shots]
            dropped = min(range(1, self.most), key=lambda place: at[place + 1] - at[place - 1])
            self.keep([place for place in range(len(at)) if place != dropped])

    def keep(self, places: list[int]) -> None:
        """Keep these frames only."""
        self.shots = [self.shots[place] for place in places]
        for strip in self.strips.values():
            strip.keep(places)

    def cut(self, step: int) -> None:
        """Forget everything after `step` steps: a resumed run does it again."""
        self.keep([place for place, shot in enumerate(self.shots) if shot.step <= step])
        self.curve = [point for point in self.curve if point[0] <= step]
        self._open = []

    def point(self, step: int, loss: float, score: float | None) -> None:
        """Add a step to the loss curve."""
        self._open.append([step, loss, -1.0 if score is None else score])
        if len(self._open) < self.per_point:
            return
        self.curve.append(_mean(self._open))
        self._open = []
        if len(self.curve) >= CURVE_POINTS:
            pairs = [self.curve[place : place + 2] for place in range(0, len(self.curve), 2)]
            self.curve = [_mean(pair) for pair in pairs]
            self.per_point *= 2

    def to_json(self, level: int = 9) -> dict[str, Any]:
        """Return everything, for the page; level: of the pictures' compression, 1..9."""
        return {
            "shots": [vars(shot) for shot in self.shots],
            "strips": [strip.to_json(level) for strip in self.strips.values()],
            "curve": [[point[0], *(float(f"{value:.5g}") for value in point[1:])] for point in self.curve],
            "per_point": self.per_point,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], most: int) -> Reel:
        """Return what `to_json` wrote; KeyError, TypeError or ValueError if it is damaged."""
        shots = [Shot(int(s["step"]), int(s["epoch"]), dict(s["dead"]), dict(s["ratios"])) for s in data["shots"]]
        strips = {(str(s["node"]), str(s["kind"])): Strip.from_json(s) for s in data["strips"]}
        if any(len(strip.codes) != len(shots) for strip in strips.values()):
            raise ValueError("its pictures and its frames differ in number")
        curve = [[float(value) for value in point] for point in data["curve"] if len(point) == 3]
        return cls(most, shots, strips, curve, max(int(data["per_point"]), 1))


def _mean(points: list[list[float]]) -> list[float]:
    """Return the last step's number and the means of the others."""
    return [points[-1][0]] + [sum(point[i] for point in points) / len(points) for i in (1, 2)]
