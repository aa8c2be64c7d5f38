"""Objectives: the number on a tape that is explained, or climbed, and its derivative by the nodes it reads.

An objective gives one value an image, `value(tape) -> (N,)`, and the gradients from which a backward pass starts,
`seeds(tape) -> {node: (N, ...)}`. Objectives add, subtract and scale:
`Unit("fc", (3,)) - 0.5 * ChannelMean("conv5", 7)`. Each is gradient-checked like a layer (tests/test_objectives.py).
"""

from minitorch_viz.objectives.any_of import AnyOf
from minitorch_viz.objectives.base import Combination, Objective, Seeds
from minitorch_viz.objectives.best_match import BestMatch
from minitorch_viz.objectives.channel_mean import ChannelMean
from minitorch_viz.objectives.channel_sum import ChannelSum, rectangle
from minitorch_viz.objectives.code_distance import CodeDistance
from minitorch_viz.objectives.direction import Direction
from minitorch_viz.objectives.each import Each
from minitorch_viz.objectives.energy import Energy
from minitorch_viz.objectives.gram_distance import GramDistance, gram
from minitorch_viz.objectives.likeness import Likeness, Nearness
from minitorch_viz.objectives.log_probability import LogProbability
from minitorch_viz.objectives.place_energy import PlaceEnergy
from minitorch_viz.objectives.sorted_distance import SortedDistance
from minitorch_viz.objectives.stacked import stacked_seeds
from minitorch_viz.objectives.unit import Unit

__all__ = [
    "AnyOf",
    "BestMatch",
    "ChannelMean",
    "ChannelSum",
    "CodeDistance",
    "Combination",
    "Direction",
    "Each",
    "Energy",
    "GramDistance",
    "Likeness",
    "LogProbability",
    "Nearness",
    "Objective",
    "PlaceEnergy",
    "Seeds",
    "SortedDistance",
    "Unit",
    "gram",
    "rectangle",
    "stacked_seeds",
]
