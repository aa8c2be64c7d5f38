"""A net that looks at several shifted views of a picture and takes the mean of its scores: a defence at test time.

The attack looks at the views, too: its gradient is that of the mean, so that what it leaves right is not a matter of
not knowing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.attacks import Aim
from minitorch_viz.optimize.attacks.aim import Pass

CORNERS = ((0, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))  # of the views: the middle, and up and down, left and right


@dataclass(frozen=True, eq=False)
class AimOfViews(Aim):
    """Aim at the mean of a net's scores over five views, each shifted by 0 or `shift` pixels both ways.

    What a shift brings in repeats the border, as in training on shifted pictures.
    """

    shift: int = 1

    def forward(self, pixels: Array) -> Pass:
        """Run a forward pass of the views of some pictures (n, C, H, W)."""
        views = np.concatenate([self.shifted(pixels, down, right) for down, right in CORNERS])
        seen = super().forward(views)
        logits = seen.logits.reshape(len(CORNERS), len(pixels), -1).mean(axis=0)
        return PassOfViews(self, seen.tape, logits)

    def shifted(self, pixels: Array, down: int, right: int) -> Array:
        """Return pictures (n, C, H, W) moved by `down` and `right` times the shift."""
        rows, columns = self._places(pixels, down, right)
        return pixels[:, :, rows[:, None], columns]

    def shifted_back(self, gradient: Array, down: int, right: int) -> Array:
        """Carry a gradient by shifted pictures back to the pictures: the adjoint of `shifted`."""
        rows, columns = self._places(gradient, down, right)
        down_sums, across = (np.eye(len(places))[places] for places in (rows, columns))  # (to, from), 0 and 1
        back: Array = down_sums.T @ gradient @ across
        return back

    def _places(self, pixels: Array, down: int, right: int) -> tuple[Array, Array]:
        """Return where each row and each column of the shifted picture comes from."""
        moves = (down * self.shift, right * self.shift)
        rows, columns = (
            np.clip(np.arange(side) - move, 0, side - 1) for side, move in zip(pixels.shape[2:], moves, strict=True)
        )
        return rows, columns


class PassOfViews(Pass):
    """Hold a forward pass of all views: `logits` (n, K) are means over them."""

    def back(self, seeds: Array) -> Array:
        """Return the gradient (n, C, H, W) by the pixels of a number with the gradient (n, K) by the mean scores."""
        gradients = super().back(np.tile(seeds / len(CORNERS), (len(CORNERS), 1)))
        parts = gradients.reshape(len(CORNERS), len(seeds), *gradients.shape[1:])
        aim = self.aim
        assert isinstance(aim, AimOfViews)  # `AimOfViews.forward` makes no others
        total: Array = np.sum(
            [aim.shifted_back(part, *corner) for part, corner in zip(parts, CORNERS, strict=True)], axis=0
        )
        return total
