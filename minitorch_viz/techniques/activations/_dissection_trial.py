"""Labels on trial: what becomes of the scores without the unit, and what becomes of the unit without the concept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.data.concepts import BACKGROUND, Concepts
from minitorch_viz.data.pictures import Pictures, ScenePictures
from minitorch_viz.data.scenes.erase import compared, erased
from minitorch_viz.errors import ImageFileError
from minitorch_viz.techniques.activations._dissection_chance import LEVEL, larger_where
from minitorch_viz.techniques.explain.anchored import Anchors

if TYPE_CHECKING:
    from minitorch_viz.models import Model

SAMPLE = 300  # pictures whose scores are compared
MOST_NUMBERS = 2**26  # of the node's maps for them, together
ERASED = 40  # scenes a concept from which it is erased
FEWEST = 5  # of them, for a verdict
SILENT = 0.5  # of a unit's answer: with less left it has fallen silent
BATCH = 16


class Trial(NamedTuple):
    """Hold what silencing one unit, and erasing its concept, did. NaN is what could not be measured."""

    unit: int
    concept: int
    moved_with: float  # how far the scores move without the unit, root mean square: in pictures with the concept
    moved_without: float  # and in those without it
    p: float  # one-sided, of their moving farther with it
    loser: int  # the class whose score falls most, in pictures with the concept; -1: none falls
    drop_with: float  # by how much
    drop_without: float  # and by how much in pictures without the concept
    scenes: int  # from which the concept was erased
    left: float  # the share of the unit's answer that is left then, the median
    left_other: float  # and where what shows the concept had another colour, or texture, or both

    @property
    def ablation(self) -> bool | None:
        """Return whether silencing the unit moves the scores farther in pictures with the concept; None: untested."""
        return None if np.isnan(self.p) else bool(self.p < LEVEL)

    @property
    def erasure(self) -> bool | None:
        """Return whether the unit falls silent without the concept, and does not where that only looks otherwise."""
        if self.scenes < FEWEST:
            return None
        return self.left < SILENT <= self.left_other

    @property
    def agrees(self) -> bool:
        """Return whether all that was tested agrees with the label, and something was."""
        verdicts = [verdict for verdict in (self.ablation, self.erasure) if verdict is not None]
        return bool(verdicts) and all(verdicts)

    def sentence(self, name: str, classes: Sequence[str]) -> str:
        """Return what was seen, in words."""
        words = []
        if self.ablation is not None:
            words.append(
                f"without the unit the scores move by {self.moved_with:.2g} in pictures with {name}, by "
                f"{self.moved_without:.2g} in others"
            )
        if self.loser >= 0 and classes:
            words.append(f"{classes[self.loser]} loses most, {self.drop_with:.2g} and {self.drop_without:.2g}")
        if self.scenes:
            scenes = "1 scene" if self.scenes == 1 else f"{self.scenes} scenes"
            words.append(
                f"after erasing {name} from {scenes} {self.left:.0%} of its answer is left, and "
                f"{self.left_other:.0%} where it only looks otherwise"
            )
        return "; ".join(words) or "nothing could be measured"


@dataclass
class Court:
    """Hold what all trials of a run share."""

    model: Model
    node: str
    pictures: Pictures
    concepts: Concepts
    thresholds: Array  # (C,)
    anchors: Anchors
    numbers: Array  # (N,): the pictures that are labelled
    means: Array  # (N, C): of each the units' mean answers
    shown: Array  # (N, K) bool
    cases: Sequence[tuple[int, int]]  # (unit, concept) of all trials; those of a concept one after the other
    _redrawn: tuple[int, list[tuple[Array, Array]]] | None = field(default=None, init=False)  # of one concept
    sampled: Array = field(init=False)  # (n,) rows of `numbers`
    maps: Array = field(init=False)  # (n, C, h, w)
    scores: Array = field(init=False)  # (n, classes)

    def __post_init__(self) -> None:
        maps, scores, rows = [], [], []
        for row, number in enumerate(self.numbers[:SAMPLE].tolist()):
            try:
                x = self.model.preprocess(self.pictures[number])
            except ImageFileError:
                continue
            tape = self.model.net.forward(x, upto=(self.node, self.goal))
            maps.append(kernels.to_cpu(tape[self.node]))
            scores.append(kernels.to_cpu(tape[self.goal]).reshape(1, -1))
            rows.append(row)
            if (len(maps) + 1) * maps[0].size > MOST_NUMBERS:
                break
        self.sampled = np.array(rows, int)
        self.maps, self.scores = np.concatenate(maps), np.concatenate(scores)

    @property
    def goal(self) -> str:
        """Return the node whose numbers are watched: the class scores."""
        return self.model.logits or self.model.net.output

    def trial(self, unit: int, concept: int) -> Trial:
        """Silence a unit, and erase its concept."""
        drops = self.scores - self._without(unit)  # (n, classes)
        moved = np.sqrt((drops**2).mean(axis=1))
        shown = self.shown[self.sampled, concept]
        _, p = larger_where(moved, shown)
        fall = drops[shown].mean(axis=0) if shown.any() else np.zeros(drops.shape[1])
        loser = int(fall.argmax()) if fall.max(initial=0) > 0 else -1
        drop_with, drop_without = (_mean(drops[:, loser], where) if loser >= 0 else np.nan for where in (shown, ~shown))
        return Trial(
            unit,
            concept,
            _mean(moved, shown),
            _mean(moved, ~shown),
            p,
            loser,
            drop_with,
            drop_without,
            *self._erasure(unit, concept),
        )

    def _without(self, unit: int) -> Array:
        """Return the scores (n, classes) with the unit's channel set to 0 everywhere."""
        parts = []
        for start in range(0, len(self.maps), BATCH):
            maps = self.maps[start : start + BATCH].copy()
            maps[:, unit] = 0
            given = {self.node: kernels.to_device(maps, self.model.net.device)}
            parts.append(kernels.to_cpu(self.model.net.predict(given=given, upto=self.goal)).reshape(len(maps), -1))
        return np.concatenate(parts)

    def _erasure(self, unit: int, concept: int) -> tuple[int, float, float]:
        """Return (scenes, left, left where it looks otherwise); (0, NaN, NaN) if nothing can be drawn anew."""
        if not isinstance(self.pictures, ScenePictures) or self.concepts.names[concept] == BACKGROUND:
            return 0, np.nan, np.nan
        if self._redrawn is None or self._redrawn[0] != concept:
            self._redrawn = concept, self._redraw(concept, self.pictures)
        answers = np.zeros((0, 3))  # of each scene: as it is, erased, looking otherwise
        for maps, where in self._redrawn[1]:
            above = self.anchors.enlarged(maps[:, unit]) > self.thresholds[unit]
            answers = np.concatenate([answers, (above & where).sum(axis=(1, 2))[None]])
        answers = answers[answers[:, 0] > 0]
        if not len(answers):
            return 0, np.nan, np.nan
        left, left_other = np.median(answers[:, 1:] / answers[:, :1], axis=0).tolist()
        return len(answers), left, left_other

    def _redraw(self, concept: int, pictures: ScenePictures) -> list[tuple[Array, Array]]:
        """Return, of scenes that show a concept, (maps (3, C, h, w), where it is (H, W) bool): drawn in three ways.

        The scenes are those that the units of this concept answer to most, one with another.
        """
        name, units = self.concepts.names[concept], [unit for unit, own in self.cases if own == concept]
        spread = np.maximum(self.means[:, units].std(axis=0), 1e-30)
        answers = np.where(self.shown[:, concept], (self.means[:, units] / spread).mean(axis=1), -np.inf)
        order = np.argsort(-answers, kind="stable")[: min(ERASED, int(self.shown[:, concept].sum()))]
        redrawn = []
        for number in self.numbers[order].tolist():
            redraw = partial(pictures.changed, number)
            scene = pictures.scene(number)
            ways = scene, erased(scene, redraw, name), compared(scene, redraw, name)
            x = np.concatenate([self.model.preprocess(pictures.picture_of(way)) for way in ways])
            maps = kernels.to_cpu(self.model.net.predict(x, upto=self.node))
            size = len(self.anchors.rows.low), len(self.anchors.columns.low)
            truth = self.concepts.truth(number).seen_by(self.model.preprocessing, size)
            redrawn.append((maps, truth.masks(len(self.concepts))[concept]))
        return redrawn


def _mean(values: Array, where: Array) -> float:
    """Return the mean of the values where it says so; NaN if nowhere."""
    return float(values[where].mean()) if where.any() else np.nan


def verdicts(trials: Sequence[Trial]) -> tuple[int, int]:
    """Return (how many agree with their labels, of how many)."""
    return sum(trial.agrees for trial in trials), len(trials)
