"""All methods side by side on one photo: where they agree, and which of them notice that the class has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError, near
from minitorch_viz.layers import ReLU
from minitorch_viz.plotting import colour_bar, show_image
from minitorch_viz.techniques.base import Result, Technique, explainers
from minitorch_viz.techniques.gradients._gates import FATES, gate_shares
from minitorch_viz.techniques.gradients._maps import show_blank, show_heat, wrapped
from minitorch_viz.techniques.start import start

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

    from minitorch_viz.models import Model

COLUMNS = 7
UNCHANGED = (
    0.85  # rank correlation between the maps of two classes from which on a method is said not to tell them apart
)
COLOURS = ("#e8e8e8", "#009e73", "#0072b2", "#d55e00", "#cc79a7")


@dataclass(frozen=True, eq=False)
class Comparison(Result):
    """The maps of M methods for one number, and for a second class."""

    methods: tuple[str, ...]
    maps: Array  # (M, h, w): each method's heat
    other_maps: Array | None  # (M, h, w): the same for the second class
    remarks: tuple[str, ...]  # what the methods' own results warn of
    ranks: Array  # (M, M): Spearman's correlation of the magnitudes of two methods' maps; NaN where one is constant
    across: (
        Array  # (M,): Spearman's, with signs, between one method's maps of the two classes; NaN without a second one
    )
    relus: tuple[str, ...]  # the ReLUs on the way
    gates: dict[str, Array]  # mode -> (ReLUs, 5): shares of their units, see FATES
    picture: Array  # (h, w, 3) uint8
    pixel_aspect: float
    label: str
    other_label: str  # "" without a second class

    @property
    def caption(self) -> str:
        second = ""
        if self.other_label:
            values = ", ".join(f"{n} {r:.2f}" for n, r in zip(self.methods, self.across, strict=True))
            second = (
                f" Below each map is the one for {self.other_label}, with the rank correlation between the two, in "
                f"which signs count: {values}."
            )
        return (
            f"{len(self.methods)} methods explain {self.label}. Every map has a scale of its own, full scale at the "
            f"99.5th percentile: black is 0 and white the most, or, of signed maps, red speaks for it, blue against it "
            f"and white is 0.{second} The matrix holds Spearman's rank correlations between the magnitudes of the "
            f"methods' maps (1: they rank the pixels alike, 0: they have nothing in common).{self._gates_legend}"
        )

    @property
    def _gates_legend(self) -> str:
        if not self.relus:
            return ""
        return (
            " The bars show for each ReLU, from the input (below) to the output, the share of its units at which the "
            "signal passed, or was set to 0 by the forward gate (the unit did not fire), the backward gate (the signal "
            "is negative) or both."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        same = [f"{n} ({r:.2f})" for n, r in zip(self.methods, self.across, strict=True) if r >= UNCHANGED]
        found: tuple[str, ...] = ()
        if same:
            found = (
                f"Hardly change with the class, so they show what is in the photo rather than why it is "
                f"{self.label}: {', '.join(same)}.",
            )
        return found + self.remarks


def compare(
    model: Model,
    image: Any,
    *,
    target: str | None = None,
    node: str | None = None,
    channel: int | None = None,
    position: Pair | None = None,
    other: str | None = None,
    only: str | None = None,
) -> Comparison:
    """Run every method that explains a class on one photo, for two classes, and compare the maps.

    Methods that claim to say the same rank the pixels differently, and some give nearly the same map for every class.
    Both are to be seen here, and measured. The methods run with cheap settings; run one alone for its best.

    Args:
        target: the class, by number or name; by default the most probable one
        node: explain a unit of this node instead of a class
        channel: the unit's channel; by default the strongest on this image
        position: the unit's row and column; by default where the channel is strongest
        other: the second class; by default the next most probable one; not with a node
        only: compare these methods only, with commas between their names

    Returns a Comparison with maps (methods, h, w).
    Raises SettingError for an unknown class, channel or method, NetError for an unknown node, ImageFileError for a bad
    image.

    Paper: after Springenberg et al. 2014 (the ways back), Adebayo et al. 2018 (rank correlations between maps).
    """
    methods = _chosen(model, only)
    seen, tape, unit = start(model, image, target, node, channel, position)
    second = _second(model, kernels.to_cpu(tape[unit.node])[0], unit.node, unit.index[0], other)
    maps: list[Array] = []
    other_maps: list[Array] = []
    remarks: list[str] = []
    for name, method in methods.items():
        chosen = {"target": target, "node": node, "channel": channel, "position": position}
        result = method.compute(model, image, **chosen, **method.in_comparison)
        maps.append(_heat(result))
        remarks += [f"{name}: {note}" for note in result.notes if "blank" in note]
        if second is not None:
            other_maps.append(_heat(method.compute(model, image, target=second, **method.in_comparison)))
    has_relus = any(isinstance(one.layer, ReLU) for one in model.net.nodes)
    relus, gates = gate_shares(model.net, tape, unit) if has_relus else ((), {})
    # A red pixel that turns blue has changed, though its magnitude has not: between classes the signs count.
    across = [rank_correlations(both, signed=True)[0, 1] for both in zip(maps, other_maps, strict=bool(other_maps))]
    return Comparison(
        tuple(methods),
        np.stack(maps),
        np.stack(other_maps) if other_maps else None,
        tuple(remarks),
        rank_correlations(maps),
        np.array(across) if other_maps else np.full(len(maps), np.nan),
        relus,
        gates,
        seen.picture,
        seen.pixel_aspect,
        unit.label,
        "" if second is None else f'class "{model.class_names[second]}" ({second})',
    )


def rank_correlations(maps: Sequence[Array], signed: bool = False) -> Array:
    """Spearman's rank correlations (M, M), -1..1, between maps or their magnitudes; NaN where one is constant."""
    from scipy.stats import rankdata

    ranks = np.array([rankdata((one if signed else np.abs(one)).ravel()) for one in maps])
    ranks -= ranks.mean(axis=1, keepdims=True)
    sizes = np.sqrt((ranks**2).sum(axis=1))
    ranks /= np.where(sizes > 0, sizes, np.nan)[:, None]
    found: Array = ranks @ ranks.T
    return found


def _heat(result: Result) -> Array:
    heat = result.heat
    assert heat is not None  # what `Technique.explains` promises
    return heat


def _chosen(model: Model, only: str | None) -> dict[str, Technique]:
    known = explainers(model)
    if only is None:
        return known
    names = [name.strip() for name in only.split(",")] if isinstance(only, str) else [only]
    for name in names:
        if name not in known:
            raise SettingError(f"only= names the method {name!r}; {near(name, known, 'method')}.")
    return {name: known[name] for name in names}


def _second(model: Model, scores: Array, node: str, first: int, other: str | None) -> int | None:
    """The second class, or None where no class is explained."""
    if node != model.logits:
        if other is not None:
            raise SettingError(f"other={other!r} is a class, but a unit of node {node!r} is explained; leave it out.")
        return None
    if other is None:
        ranked = [int(i) for i in np.argsort(-scores, kind="stable") if i != first]
        return ranked[0] if ranked else None
    second = model.class_index(other)
    if second == first:
        raise SettingError(f"other={other!r} is the class that is explained already; name another one.")
    return second


def plot(result: Comparison, figure: Figure) -> None:
    """The photo and the maps, two rows for two classes; below, the correlations and the gates."""
    count = len(result.methods)
    columns = min(COLUMNS, count + 1)
    lines = -(-(count + 1) // columns)
    rows = lines * (2 if result.other_maps is not None else 1)
    tall = result.pixel_aspect * result.picture.shape[0] / result.picture.shape[1]
    upper, lower = rows * (2.05 * min(max(tall, 0.5), 1.6) + 0.32) + 0.2, max(4.4, 0.36 * count + 1.4)
    figure.set_size_inches(14.4, upper + lower)
    top, bottom = figure.subfigures(2, 1, height_ratios=(upper, lower), squeeze=False)[:, 0]
    _draw_maps(result, top, (rows, columns))
    left, right = bottom.subfigures(1, 2, width_ratios=(1, 1.25), squeeze=False)[0]
    _draw_ranks(result, left)
    if result.relus:
        _draw_gates(result, right)


def _draw_maps(result: Comparison, part: SubFigure, shape: Pair) -> None:
    axes = part.subplots(*shape, squeeze=False)
    for axis in axes.ravel():
        axis.axis("off")
    sets = [(result.maps, result.label)]
    if result.other_maps is not None:
        sets.append((result.other_maps, result.other_label))
    for kind, (maps, label) in enumerate(sets):
        for place, (name, heat) in enumerate(zip(("", *result.methods), (None, *maps), strict=True)):
            axis = axes[place // shape[1] * len(sets) + kind, place % shape[1]]
            axis.axis("on")
            if heat is None:
                show_image(axis, result.picture, wrapped(label, 24), result.pixel_aspect)
                continue
            title = name if kind == 0 else f"rank correlation {result.across[place - 1]:.2f}"
            if not heat.any():
                show_blank(axis, heat.shape, "see the notes", result.pixel_aspect, title)
            else:
                show_heat(axis, heat, title, result.pixel_aspect)
            axis.title.set_fontsize(10)


def _draw_ranks(result: Comparison, part: SubFigure) -> None:
    count = len(result.methods)
    axis = part.subplots()
    drawn = axis.imshow(result.ranks, cmap="RdBu_r", vmin=-1, vmax=1)
    axis.set_xticks(range(count), result.methods, rotation=45, ha="right", fontsize=9)
    axis.set_yticks(range(count), result.methods, fontsize=9)
    axis.set_title("do the methods rank the pixels alike?", fontsize=11)
    for i in range(count):
        for j in range(count):
            value = result.ranks[i, j]
            colour = "white" if abs(value) > 0.6 else "black"
            text = "-" if np.isnan(value) else f"{value:.2f}"
            axis.text(j, i, text, ha="center", va="center", fontsize=8, color=colour)
    colour_bar(part, drawn, axis, "rank correlation")  # type: ignore[arg-type]  # a SubFigure has a colorbar too


def _draw_gates(result: Comparison, part: SubFigure) -> None:
    places = np.arange(len(result.relus))
    step = -(-len(places) // 26)  # names that would overlap are left out
    axes = part.subplots(1, len(result.gates), sharey=True)
    for axis, (mode, shares) in zip(axes, result.gates.items(), strict=True):
        left = np.zeros(len(places))
        for fate, share, colour in zip(FATES, shares.T, COLOURS, strict=True):
            axis.barh(places, share, left=left, color=colour, label=fate, height=0.85)
            left += share
        axis.set_xlim(0, 1)
        axis.set_title(mode, fontsize=11)
        axis.tick_params(labelsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(places[::step], [_short(name) for name in result.relus[::step]], fontsize=7.5)
    axes[1].set_xlabel("share of each ReLU's units", fontsize=9)
    handles, labels = axes[0].get_legend_handles_labels()
    part.legend(handles, labels, loc="outside lower center", ncols=len(FATES), fontsize=8.5, frameon=False)


def _short(name: str, most: int = 26) -> str:
    return name if len(name) <= most else name[: most - 3] + "..."


def example() -> Comparison:
    """A digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return compare(load_model("digits"), sample_digit())


def applies(model: Model) -> str | None:
    """There must be methods to compare."""
    return None if explainers(model) else "no method here explains this net"


TECHNIQUE = Technique(
    name="compare",
    compute=compare,
    plot=plot,
    title="All methods side by side, for two classes",
    paper="after Springenberg et al. 2014; Adebayo et al. 2018",
    example=example,
    applies=applies,
)
