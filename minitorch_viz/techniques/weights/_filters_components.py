"""The principal components of patches of pictures, beside the filters: waves over all of the window, and not Gabors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.data.pictures import Pictures, as_pictures
from minitorch_viz.drawing import NUMBER_SIZE, in_rows, panels
from minitorch_viz.errors import DataFileError, ImageFileError
from minitorch_viz.techniques.weights._filters_of import (
    Chosen,
    FilterResult,
    draw_filter,
    full_scale,
    left_out,
    need_pixels,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

MOST = 48  # components and filters
COLUMNS = 12
SIDE = 0.85  # inches
PATCHES = 20_000
PICTURES = 500  # that the patches are from, at most
NUMBERS, LEAST = 20_000_000, 64  # that the patches hold, at most; and how many there are all the same


@dataclass(frozen=True, eq=False)
class Components(FilterResult):
    """Hold filters, and the principal components of patches of pictures as large as these."""

    components: Array  # (m, C, kh, kw), each of length 1
    shares: Array  # (m,): of the patches' variance
    patches: int
    source: str  # what the pictures are called
    skipped: tuple[str, ...]  # pictures that could not be read

    @property
    def coverage(self) -> tuple[float, float]:
        """Return over which share of the window the components spread, and over which the filters; medians."""
        return float(np.median(_spread(self.components))), float(np.median(_spread(self.weights[self.norms > 0])))

    @property
    def caption(self) -> str:
        waves, own = self.coverage
        return (
            f"Above, the {len(self.components)} first principal components of {self.patches:,} patches of "
            f"{self.source}, as the net gets them, each with its share of their variance; below, {self.shown}. "
            f"The components spread over {waves:.0%} of the window, the filters over {own:.0%} (medians); a wave over "
            "all of it has 67%, a Gabor less. Mid-grey or white is 0, each has a scale of its own, the largest "
            "magnitude."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return (*super().notes, *left_out(self.skipped))

    def drawn(self, figure: Figure) -> None:
        """Draw the components, then the filters."""
        high, wide = self.weights.shape[2:]
        columns = min(COLUMNS, max(len(self.components), len(self.weights)))
        above = in_rows([f"{100 * share:.2g}%" for share in self.shares], columns)
        below = in_rows([f"filter {number}" for number in self.numbers], columns)
        heading = f"Principal components of patches of {self.source}, and below the filters of {self.node}"
        sheet = panels(figure, [*above, *below], high / wide, heading=heading, side=SIDE, size=NUMBER_SIZE, least=6.0)
        for axes, values in zip(sheet.axes[: len(above)].flat, self.components, strict=False):
            draw_filter(axes, values, full_scale(values), self.colour)
        for axes, values in zip(sheet.axes[len(above) :].flat, self.weights, strict=False):
            draw_filter(axes, values, full_scale(values), self.colour)


def components(model: Model, chosen: Chosen, pictures: Any, seed: int = 0) -> Components:
    """Return filters, and the principal components of patches drawn at random from pictures as the net gets them.

    pictures: as for techniques over many; None: those that suit the net.
    Raises SettingError unless the filters look at the net's own input, DataFileError if no picture can be read.
    """
    from sklearn.decomposition import PCA

    from minitorch_viz.techniques.subject import PICTURES as SUBJECT

    need_pixels(model, chosen, "components")
    source = as_pictures(SUBJECT.read(model, []) if pictures is None else pictures)
    patches, skipped = patches_from(model, source, chosen.weights.shape[2:], np.random.default_rng(seed))
    count = min(len(chosen.weights), patches.shape[0] - 1, patches[0].size)
    analysis = PCA(count, svd_solver="full").fit(patches.reshape(len(patches), -1))
    signs = np.sign(analysis.components_.sum(axis=1))
    waves = analysis.components_ * np.where(signs == 0, 1, signs)[:, None]  # of two signs the brighter one
    return Components(
        *chosen,
        waves.reshape(count, *patches.shape[1:]),
        analysis.explained_variance_ratio_,
        len(patches),
        source.name,
        skipped,
    )


def patches_from(model: Model, pictures: Pictures, size: tuple[int, int], rng: Any) -> tuple[Array, tuple[str, ...]]:
    """Return (patches (n, C, kh, kw) from random places, titles of pictures that could not be read).

    Raises DataFileError if none can be read, or if they leave fewer than two patches.
    """
    room = max(NUMBERS // (model.preprocessing.channels * math.prod(size)), LEAST)  # patches
    numbers = np.sort(rng.permutation(len(pictures))[: min(PICTURES, room)])
    each = math.ceil(min(PATCHES, room) / len(numbers))
    patches, skipped = [], []
    for number in numbers:
        try:
            image = kernels.to_cpu(model.preprocess(pictures[int(number)]))[0]
        except ImageFileError:
            skipped.append(pictures.title(int(number)))
            continue
        places = [side - part + 1 for side, part in zip(image.shape[1:], size, strict=True)]
        if min(places) < 1:
            skipped.append(pictures.title(int(number)))
            continue
        windows = np.lib.stride_tricks.sliding_window_view(image, size, axis=(1, 2))  # (C, places, places, kh, kw)
        rows, columns = (rng.integers(0, count, min(each, math.prod(places))) for count in places)
        patches.append(windows[:, rows, columns].transpose(1, 0, 2, 3))
    total = sum(map(len, patches))
    if total < 2:
        raise DataFileError(
            f"{pictures.name} gives {total} patches of {size[0]} x {size[1]}, and principal components need at least "
            f"2; {len(skipped)} of the {len(numbers)} pictures could not be read, or are smaller than a patch."
        )
    return np.concatenate(patches).astype(np.float64), tuple(skipped)


def _spread(values: Array) -> Array:
    """Return (n,): over which share of the window each of (n, C, kh, kw) spreads: 1 if all pixels have as much energy.

    It is the participation ratio (sum of e)^2 / (n sum of e^2), e a pixel's energy; one pixel alone has 1 / n, a sine
    over all of the window 2 / 3.
    """
    energy = (values.astype(np.float64) ** 2).sum(axis=1).reshape(len(values), -1)
    shares: Array = energy.sum(axis=1) ** 2 / (energy.shape[1] * (energy**2).sum(axis=1))
    return shares if len(shares) else np.zeros(1)
