"""The shares of a function of each value alone (an activation): the value's share goes to the value it was made of.

An activation that is 0 at 0 passes all on: ReLU, LeakyReLU, PReLU, tanh, GELU, SiLU (Bach et al. 2015 ask for just
that, g(0) = 0). One that is not, such as the sigmoid with its 0.5, has a part that no input made, as a bias is:

    y = g(0) + (g(x) - g(0))         R_in = (y - g(0)) / y  R         g(0) / y  R  stays

Passed on whole, that part would be divided among contributions that add up to nothing, and a share could be any number.

Layers of one's own without a rule are tried out: if each input moves the output at its own place alone, they are such
functions. All others need a rule.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.graph import Rule, Tape
from minitorch_viz.layers import Layer
from minitorch_viz.net import Net
from minitorch_viz.rules.shares import expect_whole, ratio, unknown


def gate_rule(net: Net, tape: Tape, kind: type[Layer], offset: bool = True) -> Rule:
    """Return the rule of all layers of one type on one tape. offset: keep back the share of what they give for 0.

    SettingError, when it is used, if the layer mixes places or channels.
    """
    nodes = [node for node in net.nodes if isinstance(node.layer, kind) and node.name in tape.saved]

    def rule(layer: Any, r: Array, saved: Any) -> Array:
        node = next((node for node in nodes if tape.saved[node.name] is saved), None)
        expect_whole(layer, r, None if node is None else tape[node.name])
        if node is None or not is_elementwise(layer, tape, node.name, node.inputs):
            unknown(layer, r, saved)
        x, y = tape[node.inputs[0]], tape[node.name]
        start = layer.forward(np.zeros_like(x))[0]
        return ratio(r * (y - start), y) if offset and start.any() else r

    return rule


def is_elementwise(layer: Any, tape: Tape, name: str, inputs: tuple[str, ...]) -> bool:
    """Return whether each output depends on the input at its own place alone, by the layer's own backward."""
    x, y = tape[inputs[0]], tape[name]
    if len(inputs) != 1 or x.shape != y.shape or x.dtype.kind != "f":
        return False
    return keeps_places(layer, y, tape.saved[name])


def keeps_places(layer: Any, y: Array, saved: Any) -> bool:
    """Return whether a signal shaped like y that is masked comes back masked, whatever the mask."""
    rng = np.random.default_rng(0)
    signal, mask = rng.uniform(1, 2, y.shape).astype(y.dtype), rng.random(y.shape) < 0.5
    try:
        full, part = (layer.backward(dy, saved) for dy in (signal, signal * mask))
    except NotImplementedError:
        return False
    if isinstance(full, tuple) or full.shape != y.shape:
        return False
    return bool(np.allclose(part, full * mask, rtol=1e-5, atol=0))
