"""What inversion gives: pictures with the photo's code at each layer, and how like the photo they are."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.explain.view import PhotoResult
from minitorch_viz.techniques.optimization._inversion_weights import Method
from minitorch_viz.techniques.run import how_far
from minitorch_viz.techniques.state import State

MOST_WORDS = 4  # sentences of the optimizer on one page
SAYS = {
    "lbfgs": "L-BFGS",
    "mahendran-2015": "momentum as in the paper of 2015",
    "mahendran-2016": "momentum and jitter as in the paper of 2016",
}


@dataclass(frozen=True, eq=False)
class Inversion(PhotoResult):
    """Hold pictures with the photo's code at L layers, from S starts each."""

    nodes: tuple[str, ...]  # (L,) in the order of the net
    layers: tuple[str, ...]  # (L,) their types: "Conv2d"
    begins: tuple[str, ...]  # (L,) what they start with, in words; "" is noise
    depths: Array  # (L,) int: layers with weights on the longest way there
    inversions: Array  # (L, S, h, w, 3) uint8; grey where there is none yet
    taken: Array  # (L, S) int: steps so far
    distances: Array  # (L, S): |phi(x) - phi0|^2 / |phi0|^2; NaN where nothing is measured
    psnr: Array  # (L, S): decibels, against the photo as the net sees it
    ssim: Array  # (L, S): structural similarity with it
    lost: Array  # (L, S): squared difference to the photo as a share of its variance
    spread: Array  # (L, h, w): how far the starts differ in the end, 0..255; NaN with one start
    whys: tuple[str, ...]  # (L,) why there is no picture of a layer; "" if there is
    words: tuple[str, ...]  # what the optimizer said
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float
    method: Method
    done: int
    total: int
    state: State | None = None  # what another run goes on from
    remarks: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def facts(self) -> tuple[str, ...]:
        return (f"{len(self.nodes)} layers", f"{self.inversions.shape[1]} starts", *super().facts)

    @property
    def best(self) -> Array:
        """Return (L,): the start whose code is nearest to the photo's."""
        best: Array = np.where(np.isnan(self.distances), np.inf, self.distances).argmin(axis=1)
        return best

    @property
    def frame(self) -> Array:
        """Return (h, w, 3) uint8: the photo and all layers side by side, for a film."""
        from minitorch_viz.techniques.optimization._inversion_figure import frame

        return frame(self)

    @property
    def caption(self) -> str:
        starts = self.inversions.shape[1]
        steps = f"{SAYS[self.method]}, {self.total // max(self.live * starts, 1)} steps from noise"
        shown = "the one whose code is nearest is shown" if starts > 1 else "one start a layer"
        differ = (
            f" Below, where the {starts} starts differ, their standard deviation in steps of 0 to 255: what the layer "
            "threw away, and the start filled in."
            if starts > 1
            else ""
        )
        return (
            f"Pictures that give a layer what the photo gives it, by {steps} ({shown}), smooth ones "
            f"being preferred, the more the deeper the layer. PSNR in decibels and SSIM are "
            "against the photo as the net sees it; the code's distance is |phi(x) - phi(photo)|^2 / |phi(photo)|^2, 0 "
            f"where the layer cannot tell the two apart. Colours are on the scale of pixels from 0 to 255, cut off "
            f"there.{differ}"
        )

    @property
    def live(self) -> int:
        """Return how many layers can be inverted."""
        return sum(not why for why in self.whys)

    @property
    def notes(self) -> tuple[str, ...]:
        notes = (*how_far(self, "step"), *super().notes, *self.remarks)
        notes += tuple(f"{node}: {why}" for node, why in zip(self.nodes, self.whys, strict=True) if why)
        left = len(self.words) - MOST_WORDS
        return notes + self.words[:MOST_WORDS] + ((f"And {left} more such sentences.",) if left > 0 else ())
