"""An autoencoder whose code is like that of a classifier's layer: what a learned prior for pictures is made of."""

from __future__ import annotations

from minitorch_viz.layers import Add, Concat, Flatten, ReLU, Reshape, Sigmoid
from minitorch_viz.models.params import NodeSpec, Params, State
from minitorch_viz.net import Net


def code_autoencoder(
    side: int, wide: int, units: int, state: State | None = None, seed: int | None = 0, noisy: bool = False
) -> Net:
    """Build x (N, 1, side, side), 0 to 1 -> "code" (N, units), at least 0 -> "output" (N, 1, side, side), 0 to 1.

    wide: units of the hidden layer on either way. From "code" on it is a generator: give it codes, and it draws.
    noisy: as it is trained. A second input, "noise" (N, units), is added before the code's ReLU, and "both" (N,
    side * side + units) holds the drawing before its sigmoid, and the code before noise and ReLU.
    """
    p = Params(state, seed)
    mean: list[NodeSpec] = [p.linear("mean", wide, units)]
    if noisy:
        mean.append(("noisy", Add(), ("mean", "noise")))
    strokes: list[NodeSpec] = [p.linear("strokes", wide, side * side)]
    if noisy:
        strokes.append(("both", Concat(), ("strokes", "mean")))
    nodes: list[NodeSpec] = [
        ("flatten", Flatten()),
        p.linear("seen", side * side, wide),
        ("relu1", ReLU()),
        *mean,
        ("code", ReLU()),
        p.linear("wide", units, wide),
        ("relu2", ReLU()),
        *strokes,
        ("picture", Sigmoid(), ("strokes",)),
        ("output", Reshape((1, side, side))),
    ]
    return Net(nodes, ("input", "noise") if noisy else ("input",))
