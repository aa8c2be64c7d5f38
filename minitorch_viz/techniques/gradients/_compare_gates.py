"""What each way back through the ReLUs closes.

The forward gate (the unit did not fire), the backward gate (the signal is negative), or both.
"""

from __future__ import annotations

from typing import Any, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.graph import Node, Rule, Rules, Tape, rule_for
from minitorch_viz.net import Net
from minitorch_viz.objectives import Objective
from minitorch_viz.rules.relu import ReluMode, is_on, relu_mode, relus

FATES = ("nothing came", "passed", "forward gate", "backward gate", "both gates")
HAS = {"normal": (True, False), "deconvnet": (False, True), "guided": (True, True)}  # the gates of each mode


def gate_shares(net: Net, tape: Tape, unit: Objective) -> tuple[tuple[str, ...], dict[str, Array]]:
    """Return the ReLUs that the signal from `unit` meets, and for each mode what became of it there.

    Returns (names, {mode: (ReLUs, 5)}): shares of a ReLU's units, in the order of FATES; each row adds up to 1.
    "nothing came" counts units whose signal was 0 already; a gate that the mode does not have closes nothing.
    """
    names = relus(net)
    by_mode: dict[str, dict[str, Array]] = {}
    for mode in get_args(ReluMode):
        met: dict[str, Array] = {}
        rules: Rules = {name: _recording(met, net[name], mode) for name in names}
        net.backward(tape, unit.seeds(tape), rules=rules, crop=False)
        by_mode[mode] = met
    names = [name for name in names if name in by_mode["normal"]]
    shares = {mode: np.array([met[name] for name in names]).reshape(-1, len(FATES)) for mode, met in by_mode.items()}
    return tuple(names), shares


def _recording(met: dict[str, Array], node: Node, mode: ReluMode) -> Rule:
    """Return the mode's rule, which also notes what it does to the signal."""
    rule = rule_for(node, relu_mode(mode))
    assert rule is not None  # the nodes are those that the modes have rules for
    forward, backward = HAS[mode]

    def recording(layer: Any, dy: Array, saved: Any) -> Any:
        came = dy != 0
        off = came & ~is_on(layer, saved, dy) if forward else np.zeros_like(came)
        negative = came & (dy < 0) if backward else np.zeros_like(came)
        fates = (~came, came & ~off & ~negative, off & ~negative, negative & ~off, off & negative)
        met[node.name] = np.array([float(kernels.to_cpu(share.mean())) for share in fates])
        return rule(layer, dy, saved)

    return recording
