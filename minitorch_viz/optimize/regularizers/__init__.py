"""Regularizers: what keeps a picture from pleasing the net by noise. Penalties, and steps.

A penalty is a number an image, with its gradient (`value`, `gradient`); the folder is their registry:

    lp_norm           no pixel far from the mean colour
    total_variation   no neighbours that differ
    patch_mixture     no patches that natural pictures do not have

A step is a plain function of the picture or of its gradient; it has no value of its own:

    decay, blur, bilateral   of the picture; blur of the gradient, too
    masks                    small pixels, or those that hardly count, are set to the mean colour
    denoised                 a picture with less total variation
    progress                 a rate at which the objective rises by what is asked
    normalized               a gradient of one size, whatever the score's steepness
    laplacian                every scale of a gradient is made as strong as the others
"""

from __future__ import annotations

import functools
import sys

from minitorch_viz.optimize.listing import classes_of
from minitorch_viz.optimize.regularizers.base import Penalty
from minitorch_viz.optimize.regularizers.bilateral import bilateral
from minitorch_viz.optimize.regularizers.blur import blur
from minitorch_viz.optimize.regularizers.decay import decay
from minitorch_viz.optimize.regularizers.denoised import denoised
from minitorch_viz.optimize.regularizers.laplacian import laplacian_normalized
from minitorch_viz.optimize.regularizers.lp_norm import LpNorm
from minitorch_viz.optimize.regularizers.masks import small_contributions, small_norms, small_values
from minitorch_viz.optimize.regularizers.normalized import normalized
from minitorch_viz.optimize.regularizers.patch_mixture import PatchMixture
from minitorch_viz.optimize.regularizers.progress import progress_rate
from minitorch_viz.optimize.regularizers.total_variation import TotalVariation

__all__ = [
    "LpNorm",
    "PatchMixture",
    "Penalty",
    "TotalVariation",
    "bilateral",
    "blur",
    "decay",
    "denoised",
    "laplacian_normalized",
    "normalized",
    "penalties",
    "progress_rate",
    "small_contributions",
    "small_norms",
    "small_values",
]


@functools.cache
def penalties() -> dict[str, type[Penalty]]:
    """Return every penalty by the name of its file: {"lp_norm": LpNorm, ...}."""
    return classes_of(sys.modules[__name__], Penalty)
