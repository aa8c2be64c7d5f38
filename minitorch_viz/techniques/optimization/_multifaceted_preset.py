"""Nguyen, Yosinski, Clune 2016: stages from the mean picture of a facet, denoised after each step."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.optimize.presets import Preset
from minitorch_viz.optimize.presets._transforms import window
from minitorch_viz.optimize.stage import Moment, Stage
from minitorch_viz.optimize.steps import Clipped, Normalized
from minitorch_viz.techniques.optimization._climb import scaled

WHITE = 255.0
LARGEST = 6.0  # times the paper's steps


@dataclass(frozen=True)
class DenoisedMore:
    """Take total variation out of the picture after each step, with weights from `start` to `end` along the stage.

    The weight is of being like the picture, of pixels on the scale 0..255 and pictures of 224 pixels, as in the paper's
    program; there, the straight line from start to end misses its end by a slip of precedence. In a picture of s pixels
    the same edges are 224 / s times as large a part of it: the weight is so many times larger, and only so seldom a
    step is denoised.
    """

    start: float
    end: float

    def __call__(self, x: Array, gradient: Array, moment: Moment) -> Array:  # noqa: ARG002  # what every step is given
        larger = max(1.0, 224 / min(moment.size))
        if moment.step % round(larger):
            return x
        return flatter(x, WHITE * larger * moment.between(self.start, self.end))


def flatter(x: Array, weight: float) -> Array:
    """Return pictures (N, C, H, W) with less total variation, by as many iterations as the paper's program takes.

    Its pixels are 0..255, so that iterations that change them by 0.001 on average go on; with pixels 0..1, which is
    what `weight` is stated for, that is 0.001 / 255.
    """
    from skimage.restoration import denoise_tv_bregman

    settings = {"weight": weight, "max_num_iter": 100, "eps": 1e-3 / WHITE}
    flat = [[WHITE * denoise_tv_bregman(channel / WHITE, **settings) for channel in picture] for picture in x]
    return np.asarray(flat, x.dtype)


def stage(steps: int, side: float, rate: tuple[float, float], weights: tuple[float, float]) -> Stage:
    """Return one octave of the paper's program."""
    return Stage(
        steps, rate, side=side, transform=window, gradient=(Normalized(),), after=(Clipped(), DenoisedMore(*weights))
    )


# Steps, side, rate, weight of the total variation: "octaves" for mean pictures of the paper's program.
PRESET_FROM_MEANS = Preset(
    title="From the mean of a facet, total variation taken out after each step, in octaves",
    year=2016,
    family="data-set examples",
    source="Nguyen, Yosinski, Clune 2016, mfv",
    stages=(
        stage(190, 1 / 1.44, (1.0, 2.0), (0.4, 0.4)),
        stage(150, 1 / 1.2, (1.0, 1.0), (0.01, 2.0)),
        stage(20, 1.0, (2.0, 2.0), (0.1, 2.0)),
        stage(10, 1.0, (2.0, 2.0), (0.4, 2.0)),
    ),
    differs=(
        "4 facets unless --facets says more, where the paper takes 10; facets climb side by side; octaves grow by 1.2 "
        "twice, seen through a window as large as the net's pictures."
    ),
    name="multifaceted",
)


def stages_of(steps: int) -> tuple[Stage, ...]:
    """Return the stages in so many steps: fewer than the paper's 370 are larger ones, up to 6 times as large."""
    larger = min(max(PRESET_FROM_MEANS.steps / steps, 1.0), LARGEST)
    stages = scaled(PRESET_FROM_MEANS.stages, steps)
    return tuple(replace(stage, rate=(larger * stage.rate[0], larger * stage.rate[1])) for stage in stages)
