"""FinerCAM's target: a class against those that it is most easily taken for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape
from minitorch_viz.objectives import Combination, Objective, Unit

if TYPE_CHECKING:
    from minitorch_viz.models import Model

NEAREST = 3  # classes that a class is set against


@dataclass(frozen=True)
class Against(Combination):
    """Take the score of a class less the mean of the scores of others; `words` name them."""

    words: str = ""

    @property
    def label(self) -> str:
        return self.words


def against_nearest(model: Model, tape: Tape, unit: Objective, alpha: float) -> Against:
    """Return sum_k p_k (z_c - alpha z_k) / sum_k p_k over the three classes whose scores are nearest to z_c.

    p_k, the classes' probabilities on this tape of one image, count as constants. Zhang et al. 2025 (Finer-CAM).

    Raises SettingError unless `unit` is a class, and there are others.
    """
    if not isinstance(unit, Unit) or unit.node != model.logits or unit.sign < 0:
        raise SettingError(f"finer= sets a class against others, and {unit.label} is none.")
    scores = kernels.to_cpu(tape[model.logits])[:1].astype(np.float64)
    number = unit.index[0]
    distances = np.abs(scores[0] - scores[0, number])
    distances[number] = np.inf
    others = np.argsort(distances, kind="stable")[: min(NEAREST, len(distances) - 1)]
    if not len(others):
        raise SettingError(f"{model.name} has one class, so there is none that finer= could set it against.")
    weights = model.scores.answers(scores)[0, others]
    total = float(weights.sum())
    shares = weights / total if total > 0 else np.full(len(others), 1 / len(others))
    terms = tuple(
        (-alpha * float(share), Unit(model.logits, (int(k),))) for share, k in zip(shares, others, strict=True)
    )
    names = ", ".join(f'"{model.class_names[k]}" ({share:.0%})' for share, k in zip(shares, others, strict=True))
    times = "" if alpha == 1 else f"{alpha:g} times "
    return Against(((1.0, unit), *terms), f"{unit.label} against {times}{names}")
