"""The soft maximum of objectives: one of them is enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import Objective, Seeds


@dataclass(frozen=True)
class AnyOf(Objective):
    """Take log(sum of e^value) over objectives: each image climbs the one that is highest for it already.

    Their values must be on one scale, as the scores of classes are.
    """

    objectives: tuple[Objective, ...]

    def __post_init__(self) -> None:
        if not self.objectives:
            raise SettingError("A soft maximum needs at least one objective.")

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(node for objective in self.objectives for node in objective.nodes))

    @property
    def label(self) -> str:
        return " or ".join(objective.label for objective in self.objectives)

    def value(self, tape: Tape) -> Array:
        values = np.stack([objective.value(tape) for objective in self.objectives])
        most = values.max(axis=0)
        total: Array = most + np.log(np.exp(values - most).sum(axis=0))
        return total

    def seeds(self, tape: Tape) -> Seeds:
        value, total = self.value(tape), Seeds()
        for objective in self.objectives:
            share = np.exp(objective.value(tape) - value)
            for node, seed in objective.seeds(tape).items():
                weighed = share.reshape(-1, *[1] * (seed.ndim - 1)) * seed
                total[node] = total[node] + weighed if node in total else weighed
        return total
