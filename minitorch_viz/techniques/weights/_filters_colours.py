"""Deeper filters in three colours: their many input channels summed up in three groups, by a one-sided NMF."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing import LABEL_SIZE, NUMBER_SIZE, in_rows, panels, show_image, show_signed, signed_colour
from minitorch_viz.errors import SettingError
from minitorch_viz.techniques.explain.patches import Patch, draw_patch
from minitorch_viz.techniques.weights._filters_expanded import pixel_weights
from minitorch_viz.techniques.weights._filters_of import Chosen, FilterResult, full_scale, left_out
from minitorch_viz.techniques.weights._filters_patches import top_patches

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

COLUMNS = 10
SIDE = 0.86  # inches
NAMES = "red", "green", "blue"
STEPS = 300
LEADING = 9  # channels that stand for a colour in its row


class Factors(NamedTuple):
    """Hold weights (O, C, kh, kw) as three maps a filter, and what each of the three is of the channels."""

    maps: Array  # (O, 3, kh, kw), signed
    channels: Array  # (3, C), nonnegative, each of length 1; the one that explains most first
    rests: Array  # (O,): the squares of each filter that are not explained
    most: float  # of all squares, what any three directions can explain at most


@dataclass(frozen=True, eq=False)
class Coloured(FilterResult):
    """Hold deeper filters with their input channels in three groups."""

    maps: Array  # (k, 3, kh, kw), signed: how much of each group, at each place
    channels: Array  # (3, C), nonnegative: what each group is made of
    shares: Array  # (k,): of each filter's squared weights, what the three groups explain
    whole_share: float  # the same of all filters of the layer
    most_share: float  # what any three directions could explain
    source: str  # the node whose channels they are
    leading: Array  # (3, l) int: the channels that weigh most in each group
    features: tuple[tuple[Array, ...], ...]  # (3, l) of (C, h, w): these channels' weights down to the pixels
    patches: tuple[tuple[Patch, ...], ...]  # (3, l): the patch that excites each of them most; none without pictures
    pictures: str  # what they are called
    skipped: tuple[str, ...]

    no_numbers = ("patches",)

    @property
    def caption(self) -> str:
        beside = (
            f"the patch of {self.pictures} that excites it most" if self.pictures else "its weights down to the pixels"
        )
        return (
            f"{self.shown} for each of {self.weights.shape[1]} channels of {self.source!r}, in three colours: each "
            "group of channels, found by a one-sided NMF of all filters, is one colour. Mid-grey is 0; red, green and "
            "blue are positive weights for a group, their opposites cyan, magenta and yellow negative ones; each "
            f"filter has a scale of its own, the largest magnitude. The groups explain {self.whole_share:.0%} of the "
            f"layer's squared weights (any three directions at most {self.most_share:.0%}); above each filter is the "
            f"share of its own. Below are the channels that weigh most in each group, each with {beside}."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        little = (
            f"Three colours hold {self.whole_share:.0%} of the squared weights: most of what these filters do is not "
            "in this picture. slices and expanded leave nothing out."
        )
        return (
            *super().notes,
            *((little,) if self.whole_share < 0.5 else ()),
            *left_out(self.skipped),
        )

    def drawn(self, figure: Figure) -> None:
        """Draw the filters in three colours, and below them what each colour stands for."""
        count = len(self.weights)
        columns = min(COLUMNS, max(count, self.leading.shape[1]))
        titles = [f"{number}: {share:.0%}" for number, share in zip(self.numbers, self.shares, strict=True)]
        above = in_rows(titles, columns)
        below = [
            *(in_rows([f"ch. {channel}" for channel in channels], columns)[0] for channels in self.leading.tolist()),
        ]
        heading = f"Filters of {self.node}; below, the channels of {self.source} that each colour stands for"
        sheet = panels(figure, [*above, *below], 1.0, heading=heading, side=SIDE, size=NUMBER_SIZE, left=0.55)
        for axes, values in zip(sheet.axes[: len(above)].flat, self.maps, strict=False):
            show_image(axes, signed_colour(values, full_scale(values)))
        for group, row in enumerate(sheet.axes[len(above) :]):
            for place, axes in zip(range(self.leading.shape[1]), row, strict=False):
                if self.pictures and place < len(self.patches[group]):
                    draw_patch(axes, self.patches[group][place])
                else:
                    feature = self.features[group][place]
                    show_signed(axes, feature, scale=full_scale(feature))
            row[0].set_ylabel(NAMES[group], fontsize=LABEL_SIZE, rotation=0, ha="right", va="center")


def coloured(model: Model, chosen: Chosen, all_weights: Array, pictures: Any) -> Coloured:
    """Return deeper filters in three colours, and what these stand for.

    all_weights (O, C, kh, kw): of all filters of the layer, which share the three groups.
    Raises SettingError if there are no more than three input channels.
    """
    count = all_weights.shape[1]
    if count <= len(NAMES):
        raise SettingError(
            f"show='colours' sums up many input channels in three colours, but {chosen.node!r} has {count}; "
            "show='filters' draws them as they are."
        )
    (source,) = model.net[chosen.node].inputs
    factors = one_sided_nmf(all_weights)
    squares = (all_weights.astype(np.float64) ** 2).sum(axis=(1, 2, 3))
    shares = 1 - factors.rests / np.where(squares > 0, squares, 1)
    leading = np.argsort(-factors.channels, axis=1, kind="stable")[:, : min(LEADING, count)]
    numbers = leading.ravel().tolist()
    features = pixel_weights(model, source, numbers)
    strongest = top_patches(model, pictures, {source: (numbers, 1)})
    patches = [patch[0] for patch in strongest.patches.get(source, ()) if patch]
    each = leading.shape[1]
    return Coloured(
        *chosen,
        factors.maps[chosen.numbers],
        factors.channels,
        shares[chosen.numbers],
        1 - float(factors.rests.sum()) / (float(squares.sum()) or 1.0),
        factors.most,
        source,
        leading,
        tuple(features[group * each : (group + 1) * each] for group in range(len(NAMES))),
        tuple(tuple(patches[group * each : (group + 1) * each]) for group in range(len(NAMES))),
        strongest.source,
        strongest.skipped,
    )


def one_sided_nmf(weights: Array, count: int = len(NAMES), seed: int = 0) -> Factors:
    """Return weights (O, C, kh, kw) as maps (O, 3, kh, kw) times groups of channels (3, C): only these nonnegative.

    A filter may be excited or inhibited by a group, so that its maps have signs; a group is a sum of channels, so that
    its weights have none. The groups are those of scikit-learn's NMF of the positive and the negative weights, one
    above the other; given the groups, the maps are those of least squares. (With signed maps in both steps the groups
    are not determined: any three that span the same space will do, and they come out nearly alike.)

    Paper: Voss et al., Visualizing Weights, Distill 2021.
    """
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    filters, channels, high, wide = weights.shape
    table = weights.astype(np.float64).transpose(0, 2, 3, 1).reshape(-1, channels)  # a row each place of each filter
    if not table.any():
        return Factors(np.zeros((filters, count, high, wide)), np.zeros((count, channels)), np.zeros(filters), 0.0)
    parts = np.concatenate([np.maximum(table, 0), np.maximum(-table, 0)])
    with warnings.catch_warnings():
        # A few steps more would not change the picture; what the groups explain is measured below.
        warnings.simplefilter("ignore", ConvergenceWarning)
        groups = NMF(count, init="nndsvda", max_iter=STEPS, random_state=seed).fit(parts).components_
    lengths = np.sqrt((groups**2).sum(axis=1, keepdims=True))
    groups = groups / np.where(lengths > 0, lengths, 1)
    maps = table @ np.linalg.pinv(groups)
    order = np.argsort(-(maps**2).sum(axis=0), kind="stable")
    maps, groups = maps[:, order], groups[order]
    rests = ((table - maps @ groups) ** 2).reshape(filters, -1).sum(axis=1)
    strengths = np.linalg.eigvalsh(table.T @ table)[::-1]
    most = float(strengths[:count].sum() / strengths.sum())
    return Factors(maps.reshape(filters, high, wide, count).transpose(0, 3, 1, 2), groups, rests, most)
