"""VITAL, Görgün et al. 2025: features are distributed as in real pictures, the relevant ones above all."""

from minitorch_viz.objectives import Objective, SortedDistance
from minitorch_viz.optimize.natural.features import (
    real_pictures,
    relevant_channels,
    sorted_means,
    telling_nodes,
)
from minitorch_viz.optimize.parametrizations import Fourier, Parametrization
from minitorch_viz.optimize.presets._transforms import jitter
from minitorch_viz.optimize.presets.base import Preset, Request
from minitorch_viz.optimize.stage import Stage
from minitorch_viz.training.optimizers import Adam

REAL = 50  # pictures
EXPLAINED = 8  # of these, by relevance


def distributions(request: Request) -> Objective:
    """Return the distances of the features' distributions from those of real pictures, each over its variance."""
    model, objective = request.model, request.objective
    images = real_pictures(model, objective, request.pictures, REAL)
    nodes = telling_nodes(model, objective)
    wanted = sorted_means(model, nodes, images)
    weights = relevant_channels(model, objective, nodes, images[:EXPLAINED])
    terms = [
        (1 / (len(nodes) * max(float(wanted[node].var()), 1e-12))) * SortedDistance(node, wanted[node], weights[node])
        for node in nodes
    ]
    total: Objective = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def fourier(request: Request) -> Parametrization:
    """Return Fourier coefficients with decorrelated colours."""
    return Fourier(request.units, request.size)


PRESET = Preset(
    title="Features distributed as in real pictures, by relevance",
    year=2025,
    family="data-set examples",
    source="Görgün, Schiele, Fischer 2025, VITAL (ICCV); opt_layer_lrp.py",
    stages=(Stage(400, (0.05, 0.01), transform=jitter(30), optimizer=Adam(0.05, 0.5, 0.9)),),
    parametrization=fourier,
    objective=distributions,
    differs=(
        "400 steps, not 2000, on Fourier coefficients, not on pixels, of which so few steps leave noise; so the rate "
        "is Lucid's, 0.05, and falls on a straight line, not on a cosine after a warm-up. Relevance is of 8 of the "
        "pictures."
    ),
    needs_pictures=True,
)
