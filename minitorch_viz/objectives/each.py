"""An objective of its own for each image of a tape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import Objective, Seeds


@dataclass(frozen=True)
class Each(Objective):
    """Take the first objective of the first image, the second of the second: several pictures climb in one pass.

    Raises SettingError on a tape with another number of images.
    """

    objectives: tuple[Objective, ...]

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(node for objective in self.objectives for node in objective.nodes))

    @property
    def label(self) -> str:
        return ", ".join(objective.label for objective in self.objectives)

    def of_images(self, part: slice) -> Objective:
        return Each(self.objectives[part])

    def value(self, tape: Tape) -> Array:
        self._check(tape)
        return np.stack([objective.value(tape)[i] for i, objective in enumerate(self.objectives)])

    def seeds(self, tape: Tape) -> Seeds:
        self._check(tape)
        total: Seeds = {}
        for i, objective in enumerate(self.objectives):
            for node, seed in objective.seeds(tape).items():
                total.setdefault(node, np.zeros_like(tape[node]))[i] = seed[i]
        return total

    def _check(self, tape: Tape) -> None:
        images = len(tape[self.nodes[0]])
        if images != len(self.objectives):
            raise SettingError(f"{len(self.objectives)} objectives are for as many images, but this tape has {images}.")
