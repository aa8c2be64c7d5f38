"""Layer-wise relevance propagation: the score is handed down to the pixels, layer by layer.

Bach et al. 2015; the rules as in the overview by Montavon et al. 2019. A unit j of a layer z_j = sum_i x_i w_ij + b_j
has the relevance R_j. Its contributions c_ij = x_i w_ij (and its bias) are split by their sign; z⁺_j and z⁻_j are the
sums of those above and below 0, so that z_j = z⁺_j + z⁻_j. Where z_j > 0, input i gets

    epsilon     R_i = sum_j  c_ij / (z_j + epsilon)  R_j               epsilon 0 is the basic rule, LRP-0
    gamma       R_i = sum_j  (c_ij + gamma c⁺_ij) / (z_j + gamma z⁺_j)  R_j
    alpha-beta  R_i = sum_j  (alpha c⁺_ij / z⁺_j  -  beta c⁻_ij / z⁻_j)  R_j      with alpha - beta = 1
    z-box       R_i = sum_j  (x_i w_ij - l_i w⁺_ij - h_i w⁻_ij) / (the sum of these)  R_j,  for pixels from l to h

**Where a sum is negative** (a negative score, a branch of a residual sum, a unit before a LeakyReLU or a tanh) the
formulas of the papers, which were written for nets of ReLUs, break: z + gamma z⁺ passes through 0, so that a share may
be any number. What speaks for a negative sum is its negative contributions, so there the signs change places:

    epsilon     c_ij / (z_j - epsilon)
    gamma       (c_ij + gamma c⁻_ij) / (z_j + gamma z⁻_j)
    alpha-beta  alpha c⁻_ij / z⁻_j  -  beta c⁺_ij / z⁺_j

Now z + gamma z⁻ is never nearer to 0 than z, as z + gamma z⁺ is not above 0, and a unit whose contributions are all
negated divides its relevance in the same parts. (For gamma this is the generalized rule of Andéol et al. 2021,
"Learning domain invariant representations by joint Wasserstein distance minimization".) The z-box needs no second form:
none of its terms is below 0.

Two things take relevance away: the bias's share stays at the bias, and epsilon absorbs a little. The input's relevance
is therefore the score less what stayed (`lrp_rules` writes it down); for a net without biases and epsilon 0 it is the
score itself. On a net of ReLUs LRP-0 is nothing else than gradient x input.

    R = net.backward(tape, {"logits": scores * one_hot}, rules=composite(net, tape, low, high))["input"]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.graph import local
from minitorch_viz.rules.contributions import BoxRule, SplitRule
from minitorch_viz.rules.shares import away_from_zero, ratio

EPSILON = 1e-9  # keeps a quotient finite and changes nothing that one could see


def epsilon(value: float = EPSILON) -> SplitRule:
    """Return LRP-epsilon: shares of z = x W + b, with |z| larger by `value` (in z's units), which damps noisy units."""
    value = _at_least("epsilon", value, 0.0)

    def split(r: Array, pro: Array, con: Any) -> tuple[Array, Array]:
        z = pro + con
        s = ratio(r, away_from_zero(z, value) if value else z)
        return s, s

    return local(SplitRule(split, whole=True))


def gamma(value: float = 0.25) -> SplitRule:
    """Return LRP-gamma: contributions that speak for a unit count 1 + gamma times. Large ones come to alpha-beta(1)."""
    value = _at_least("gamma", value, 0.0)

    def split(r: Array, pro: Array, con: Array) -> tuple[Array, Array]:
        z = pro + con
        s = ratio(r, z + value * np.where(z < 0, con, pro))
        larger = s + value * s
        return np.where(z < 0, s, larger), np.where(z < 0, larger, s)

    return local(SplitRule(split))


def alpha_beta(alpha: float = 2.0) -> SplitRule:
    """Return LRP-alpha-beta: what speaks for a unit gets alpha of its relevance, what speaks against it 1 - alpha.

    alpha 1 is the z⁺ rule. A unit against which nothing speaks hands all to what speaks for it, so that nothing is lost
    there.
    """
    alpha = _at_least("alpha", alpha, 1.0)

    def split(r: Array, pro: Array, con: Array) -> tuple[Array, Array]:
        negative = pro + con < 0
        unopposed = (pro == 0) | (con == 0)
        to_pro = np.where(negative, np.where(unopposed, 0, 1 - alpha), np.where(unopposed, 1, alpha)).astype(r.dtype)
        return ratio(to_pro * r, pro), ratio((1 - to_pro) * r, con)

    return local(SplitRule(split))


def z_box(low: Array | float, high: Array | float) -> BoxRule:
    """Return the z-box rule, for the layer that reads pixels: shares of what lies above the darkest a pixel could be.

    low, high: a number or (C, 1, 1), the least and the largest value of the net's input (black and white).
    """
    if not np.all(np.asarray(low) <= 0) or not np.all(np.asarray(high) >= 0):
        raise SettingError(f"A z-box holds the value 0 (low <= 0 <= high), but got low {low} and high {high}.")
    same_everywhere = all(set(np.shape(limit)[-2:]) <= {1} for limit in (low, high))
    return local(BoxRule(low, high)) if same_everywhere else BoxRule(low, high)


def _at_least(name: str, value: float, least: float) -> float:
    valid = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not valid or not np.isfinite(value) or value < least:
        raise SettingError(f"LRP's {name} must be a finite number of at least {least:g}, but got {value!r}.")
    return float(value)
