"""A second opinion: what a net that had no part in a picture takes it for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.optimize.units import coloured
from minitorch_viz.techniques.explain.further_nets import named_net

if TYPE_CHECKING:
    from minitorch_viz.models import Model


class Opinion(NamedTuple):
    """Hold what another net says of one picture."""

    net: str
    best: str  # the class that it finds most probable
    probability: float
    rank: int  # of the class that the picture is of, 1 is the first; 0: that net knows no class of this name

    @property
    def words(self) -> str:
        """Return it in a line."""
        rank = f", the class is its number {self.rank}" if self.rank > 1 else ""
        return f"{self.net} sees {self.best.split(',')[0]} ({self.probability:.2g}){rank}"


def judge_meant(judge: str | None, model: Model) -> Model | None:
    """Return the net that NAME or NAME=WEIGHTS means. Raises SettingError for the same net, or one without classes."""
    if judge is None:
        return None
    other = named_net(judge)
    if not other.logits:
        raise SettingError(f"{other.name} is no classifier, and has no opinion; give a net that has classes.")
    if other.name == model.name:
        raise SettingError(f"{other.name} made the pictures itself; a second opinion is another net's.")
    return other


def opinions(judge: Model, pixels: Array, names: Sequence[str]) -> tuple[Opinion, ...]:
    """Return what another net says of pictures (N, h, w, C) uint8 of the classes `names` (N,)."""
    lines = []
    for picture, name in zip(pixels, names, strict=True):
        answers = judge.predict_answers(judge.preprocess(coloured(picture)))[0]
        order = np.argsort(-answers, kind="stable")
        number = judge.class_names.index(name) if name in judge.class_names else -1
        rank = int(np.flatnonzero(order == number)[0]) + 1 if number >= 0 else 0
        lines.append(Opinion(judge.name, judge.class_names[order[0]], float(answers[order[0]]), rank))
    return tuple(lines)
