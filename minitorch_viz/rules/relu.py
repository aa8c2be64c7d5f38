"""The three ways back through a ReLU: the gradient, the deconvnet's, and the guided one.

Where the forward pass let a signal through (`on`) and where the backward signal is positive:

    normal      dy * on              the derivative (Simonyan et al. 2013)
    deconvnet   max(dy, 0)           the forward gate is ignored (Zeiler and Fergus 2013)
    guided      max(dy, 0) * on      both gates (Springenberg et al. 2014)

A ReLU6 is open between 0 and 6; at its ceiling it is shut, as the gradient has it.

The papers know ReLUs only. GELU, SiLU and Hardswish are ReLUs that shut by degrees: nearly 0 far below 0, nearly x far
above. With d the derivative, which says by how much such a gate is open, and `on` where d > 0, the same reads

    normal      dy * d
    deconvnet   max(dy, 0)
    guided      max(dy, 0) * max(d, 0)

of which the three lines above are the case d = on. At all other activations (LeakyReLU, PReLU, ELU, tanh, sigmoid,
softplus, ...) all modes are the gradient.

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
from minitorch_viz.layers.gelu import GELU
from minitorch_viz.layers.hardswish import Hardswish
from minitorch_viz.layers.relu import ReLU
from minitorch_viz.layers.relu6 import ReLU6
from minitorch_viz.layers.silu import SiLU
from minitorch_viz.less_work.backward import KERNELS
from minitorch_viz.net import Net

ReluMode = Literal["normal", "deconvnet", "guided"]
HARD, SMOOTH = (ReLU, ReLU6), (GELU, SiLU, Hardswish)
Gate: TypeAlias = ReLU | ReLU6 | GELU | SiLU | Hardswish
Saved: TypeAlias = ReLU.Saved | ReLU6.Saved


@local
def normal(layer: Gate, dy: Array, saved: Any) -> Array:
    """Pass the gradient where the unit fired: the derivative."""
    return layer.backward(dy, saved)


@local
def deconvnet(layer: Gate, dy: Array, saved: Any) -> Array:  # noqa: ARG001 (it ignores the forward pass)
    """Pass where the backward signal is positive, whatever the unit did (Zeiler and Fergus 2013)."""
    return np.maximum(dy, 0)


@local
def guided(layer: Gate, dy: Array, saved: Saved) -> Array:  # noqa: ARG001 (every rule has this signature)
    """Pass where the unit fired and the backward signal is positive (Springenberg et al. 2014)."""
    return np.where(saved.on, np.maximum(dy, 0), 0)


@local
def guided_smooth(layer: Gate, dy: Array, saved: Any) -> Array:
    """Pass a positive signal by as much as the gate is open: max(dy, 0) max(d, 0)."""
    passed: Array = np.maximum(dy, 0) * np.maximum(layer.backward(np.ones_like(dy), saved), 0)
    return passed


def relu_mode(mode: ReluMode) -> Rules:
    """Return the backward rules of a mode: `net.backward(tape, seeds, rules=relu_mode("guided"))`."""
    modes: dict[str, tuple[Rule, Rule]] = {
        "normal": (normal, normal),
        "deconvnet": (deconvnet, deconvnet),
        "guided": (guided, guided_smooth),
    }
    if mode not in modes:
        raise SettingError(f"There is no ReLU mode {mode!r}; {near(mode, get_args(ReluMode), 'mode')}.")
    hard, smooth = modes[mode]
    return {**{gate: hard for gate in HARD}, **{gate: smooth for gate in SMOOTH}}  # noqa: C420 (fromkeys loses the type)


def relus(net: Net) -> list[str]:
    """Return the nodes at which the modes differ, in order."""
    return [node.name for node in net.nodes if rule_for(node, relu_mode("guided"))]


def hard_relus(net: Net) -> list[str]:
    """Return those of them that are either open or shut, in order."""
    hard: Rules = {gate: normal for gate in HARD}  # noqa: C420 (fromkeys loses the type)
    return [node.name for node in net.nodes if rule_for(node, hard)]


def is_on(layer: Gate, saved: Any, like: Array) -> Array:
    """Return where a gate lets the gradient through, a bool array of the shape of `like`, its output."""
    on: Array = layer.backward(np.ones_like(like), saved) > 0
    return on


# The same, going through memory once: what a net's pass calls for a ReLU.
KERNELS[deconvnet, ReLU] = lambda _layer, dy, _saved: kernels.relu_dx(dy, None, positive=True)
KERNELS[guided, ReLU] = lambda _layer, dy, saved: kernels.relu_dx(dy, saved.y, positive=True)
