"""The three ways back through a ReLU: the gradient, the deconvnet's, and the guided one.

Where the forward pass let a signal through (`on`) and where the backward signal is positive:

    normal      dy * on              the derivative (Simonyan et al. 2013)
    deconvnet   max(dy, 0)           the forward gate is ignored (Zeiler and Fergus 2013)
    guided      max(dy, 0) * on      both gates (Springenberg et al. 2014)

A ReLU6 is open between 0 and 6; at its ceiling it is shut, as the gradient has it. Smooth gates (GELU, SiLU, ...) have
no two states: at them all modes are the gradient.

Only the first is a gradient. The other two are pictures of what a unit looks for; they do not say how the output
changes when a pixel does.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near
from minitorch_viz.graph import Rule, Rules, local, rule_for
from minitorch_viz.layers.relu import ReLU
from minitorch_viz.layers.relu6 import ReLU6
from minitorch_viz.less_work.backward import KERNELS
from minitorch_viz.net import Net

ReluMode = Literal["normal", "deconvnet", "guided"]
Gate: TypeAlias = ReLU | ReLU6
Saved: TypeAlias = ReLU.Saved | ReLU6.Saved


@local
def normal(layer: Gate, dy: Array, saved: Any) -> Array:
    """Pass the gradient where the unit fired: the derivative."""
    return layer.backward(dy, saved)


@local
def deconvnet(layer: Gate, dy: Array, saved: Saved) -> Array:  # noqa: ARG001 (it ignores the forward pass)
    """Pass where the backward signal is positive, whatever the unit did (Zeiler and Fergus 2013)."""
    return np.maximum(dy, 0)


@local
def guided(layer: Gate, dy: Array, saved: Saved) -> Array:  # noqa: ARG001 (every rule has this signature)
    """Pass where the unit fired and the backward signal is positive (Springenberg et al. 2014)."""
    return np.where(saved.on, np.maximum(dy, 0), 0)


def relu_mode(mode: ReluMode) -> Rules:
    """Return the backward rules of a mode: `net.backward(tape, seeds, rules=relu_mode("guided"))`."""
    modes: dict[str, Rule] = {"normal": normal, "deconvnet": deconvnet, "guided": guided}
    if mode not in modes:
        raise SettingError(f"There is no ReLU mode {mode!r}; {near(mode, get_args(ReluMode), 'mode')}.")
    return {ReLU: modes[mode], ReLU6: modes[mode]}


def relus(net: Net) -> list[str]:
    """Return the nodes at which the modes differ, in order."""
    return [node.name for node in net.nodes if rule_for(node, relu_mode("guided"))]


# The same, going through memory once: what a net's pass calls for a ReLU.
KERNELS[deconvnet, ReLU] = lambda _layer, dy, _saved: kernels.relu_dx(dy, None, positive=True)
KERNELS[guided, ReLU] = lambda _layer, dy, saved: kernels.relu_dx(dy, saved.y, positive=True)
