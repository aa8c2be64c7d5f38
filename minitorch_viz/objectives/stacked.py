"""Seeds of several objectives, which share one tape and one backward pass."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minitorch_viz.errors import SettingError
from minitorch_viz.graph import Tape
from minitorch_viz.objectives.base import Objective, Seeds


def stacked_seeds(objectives: Sequence[Objective], tape: Tape) -> Seeds:
    """Return seeds {node: (K, ...)} for K objectives on a tape of one image, explained by one backward pass.

    Raises SettingError if several objectives read several nodes, or the tape is of several images.
    """
    nodes = list(dict.fromkeys(node for objective in objectives for node in objective.nodes))
    if len(objectives) > 1 and len(nodes) != 1:
        raise SettingError(f"What shares a backward pass must be of one node, but these are of {', '.join(nodes)}.")
    if any(len(tape[node]) != 1 for node in nodes):
        images = max(len(tape[node]) for node in nodes)
        raise SettingError(f"Several numbers are explained on a tape of one image, but this one has {images}.")
    seeds = [objective.seeds(tape) for objective in objectives]
    return {node: np.concatenate([seed[node] for seed in seeds]) for node in nodes}
