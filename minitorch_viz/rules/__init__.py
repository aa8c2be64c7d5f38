"""Backward rules: functions with the signature of `Layer.backward`, exchanged for one pass.

`net.backward(tape, seeds, rules={ReLU: guided})` replaces the backward of a layer type, `{"conv1": rule}` of one node.
Presets are dicts and merge with `|`. Nothing is hooked, mutated or restored. A rule sees whole maps, unless it is
marked `@local`: then `net.backward` may compute it on the part of a map that a signal can reach.

    relu         three ways back through a ReLU: gradient, deconvnet, guided
    redirected   an ascent's first steps: where no unit is on, what would switch one on
    paths        along the paths whose derivatives are all positive, or along all by magnitude
    excitation   every unit hands its chance of winning to those that excited it
    lrp          the score is handed down in shares: epsilon, gamma, alpha-beta, z-box
    presets      LRP for a whole net: one rule everywhere, or the usual composite
    attention, statistics   what they multiply by is taken for given
    shares       what the ways of sharing have in common; contributions, gates: sums and activations
    accounts     what stayed on the way, and where
"""

from minitorch_viz.graph import is_local, local
from minitorch_viz.rules.accounts import Books
from minitorch_viz.rules.excitation import excitation_rules, excite, inhibit
from minitorch_viz.rules.lrp import alpha_beta, epsilon, gamma, z_box
from minitorch_viz.rules.paths import path_magnitudes, positive_paths
from minitorch_viz.rules.presets import composite, lrp_rules
from minitorch_viz.rules.redirected import redirected, redirected_relus
from minitorch_viz.rules.relu import deconvnet, guided, normal, relu_mode, relus

__all__ = [
    "Books",
    "alpha_beta",
    "composite",
    "deconvnet",
    "epsilon",
    "excitation_rules",
    "excite",
    "gamma",
    "guided",
    "inhibit",
    "is_local",
    "local",
    "lrp_rules",
    "normal",
    "path_magnitudes",
    "positive_paths",
    "redirected",
    "redirected_relus",
    "relu_mode",
    "relus",
    "z_box",
]
