"""Colours without correlation: three numbers that vary independently in photos, mixed to red, green and blue.

In photos the three channels rise and fall together. A step along an axis of decorrelated colours is as likely in a
photo as one along any other, so that no axis wins only for being bright.
"""

from __future__ import annotations

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near

# Square root of the covariance of ImageNet's colours. Paper: Lucid, Olah et al. 2017.
_LUCID = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
# Paper: MaCo, Fel et al. 2023 (Xplique writes the transpose, as it multiplies rows from the left).
_MACO = np.array(
    [
        [0.56282854, 0.19482528, 0.04329450],
        [0.58447580, 0.00000000, -0.10823626],
        [0.58447580, -0.19482528, 0.06494176],
    ]
)
MATRICES = {"lucid": _LUCID / np.linalg.norm(_LUCID, axis=0).max(), "maco": _MACO, "none": np.eye(3)}


def colour_matrix(name: str, channels: int) -> Array:
    """Return M (C, C), float64: colour = M decorrelated. Only three channels have known colours; others get identity.

    Raises SettingError for an unknown name.
    """
    if name not in MATRICES:
        raise SettingError(f"There are no colours called {name!r}; {near(name, MATRICES, 'name')}.")
    return MATRICES[name] if channels == 3 else np.eye(channels)


def mixed(matrix: Array, values: Array) -> Array:
    """Return colours M v (N, C, H, W) of decorrelated values v. The adjoint mixes by M', the inverse by 1 / M."""
    colours: Array = np.einsum("oc,nchw->nohw", matrix.astype(values.dtype), values)
    return colours
