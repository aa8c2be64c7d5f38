"""The microscope: one unit, its arithmetic laid open, forwards and backwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.plotting import show_image
from minitorch_viz.rules.relu import ReluMode, relu_mode
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.diagnose import not_finite
from minitorch_viz.techniques.gradients._coarse import before
from minitorch_viz.techniques.gradients._microscope_page import page_data, render_page
from minitorch_viz.techniques.gradients._unit import Place, Sum, Terms, opened, way_down
from minitorch_viz.techniques.receptive import Field, receptive_field
from minitorch_viz.techniques.target import resolve_target
from minitorch_viz.techniques.view import view

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

MODES: tuple[ReluMode, ...] = get_args(ReluMode)
TILES = 16  # channels drawn; the others are summed up in words
WRITTEN = 100  # with at most so many numbers in a row of tiles they are written into the cells


@dataclass(frozen=True, eq=False)
class UnitView(Result):
    """One unit: the way down to its sum, the products, and the signals that come back to it in each ReLU mode."""

    way: tuple[Place, ...]  # from the chosen unit (or the ReLU on top of it) down to the one that adds up
    sum: Sum  # the products of the last of them
    signals: dict[str, tuple[float, ...]]  # mode -> the signal at each of `way`: upstream first, behind the gate last
    field: Field  # the pixels that the unit can see
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float
    label: str  # the unit, in words
    top: str  # the number whose signal comes back, in words
    top_value: float
    chain: tuple[str, ...]  # the layers of `way`, in words
    page: dict[str, Any]  # the part of the net that the HTML page holds
    broken: str  # why the numbers are not finite; "" if they are

    @property
    def downstream(self) -> dict[str, tuple[Array, ...]]:
        """mode -> for each input of the sum (G, a, b): what the unit sends down, its signal times the weights."""
        return {mode: tuple(one[-1] * term.weight for term in self.sum.terms) for mode, one in self.signals.items()}

    @property
    def caption(self) -> str:
        last, count = self.way[-1], sum(term.x.size for term in self.sum.terms)
        steps = ", ".join(f"{place.node} {place.value:.5g}" for place in self.way[::-1])
        signals = "; ".join(f"{mode} {one[0]:.4g} becomes {one[-1]:.4g}" for mode, one in self.signals.items())
        return (
            f"{self.label[0].upper()}{self.label[1:]}: {count} products and a bias of {self.sum.bias:.5g} add up to "
            f"{last.value:.5g} at {last.node}; on the way up: {steps}. The signal of {self.top} (value "
            f"{self.top_value:.4g}) comes back: {signals}. Tiles: white is 0, red positive, blue negative, each row on "
            "its own scale, the largest magnitude. Save it as .html for a page in which every unit can be clicked."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        if self.broken:
            return (f"The numbers are not finite because {self.broken}.",)
        notes = []
        if not any(self.signals["normal"]):
            notes.append("No signal of the plain gradient reaches the unit: moving it would not move the value.")
        elif self.signals["normal"][-1] == 0:
            notes.append("The gate is closed: the unit did not fire, so that the plain gradient ends here.")
        return tuple(notes)

    def html(self) -> str:
        """The page: one file, in which one clicks from unit to unit, forwards and backwards."""
        return render_page(self.page)

    def save(self, path: str | Path, dpi: int = 120) -> Path:
        """Write the figure (.png, .svg, .pdf), or the page in which one clicks from unit to unit (.html)."""
        if Path(path).suffix.lower() != ".html":
            return super().save(path, dpi)
        from minitorch_viz.io.atomic import write_bytes_atomically

        write_bytes_atomically(Path(path), self.html().encode())
        return Path(path)


def microscope(
    model: Model,
    image: Any,
    *,
    target: str | None = None,
    node: str | None = None,
    channel: int | None = None,
    position: Pair | None = None,
) -> UnitView:
    """Show the whole arithmetic of one unit: inputs, weights, products, sum, gate, and the signals that come back.

    Forwards, what the unit reads is multiplied by its weights, added up with the bias, and passed by a ReLU or not.
    Backwards, a signal arrives from the class score; the three ReLU modes let it through or not, and the unit sends
    it on, times its weights. Saved as .html it is a page in which one clicks from unit to unit.

    Args:
        target: the class whose signal comes back, by number or name; by default the most probable one
        node: the unit's node; by default the first convolution
        channel: the unit's channel; by default the strongest on this image
        position: the unit's row and column; by default where the channel is strongest

    Returns a UnitView, computed in double precision: the products and the bias add up to the unit's value.
    Raises SettingError for an unknown class or channel, or a node after the scores, NetError for an unknown node,
    ImageFileError for a bad image.

    Paper: Springenberg et al. 2014 (the three modes); the arithmetic is that of the layers.
    """
    model = model.astype(np.float64)
    net, seen = model.net, view(model, image)
    tape = net.forward(seen.x)
    top = resolve_target(model, tape, target)
    if node is not None and node not in net.inputs:
        net[node]  # NetError with near names
    node = node if node is not None else model.first_conv or net.nodes[0].name
    if node not in (*before(net, top.node), top.node):
        raise SettingError(f"{node!r} does not lead to {top.node!r}, from which the signal comes back; name another.")
    unit = resolve_target(model, tape, None, node, channel, position)
    way = tuple(way_down(net, tape, _gate_above(net, tape, unit.node), unit.index))
    names = [name for name in net.names if name in {*before(net, top.node), top.node}]
    found: dict[str, dict[str, Array]] = {}
    for mode in MODES:
        back = net.backward(tape, top.seed(tape), wrt=names, rules=relu_mode(mode))
        found[mode] = {name: kernels.to_cpu(signal)[0] for name, signal in back.items()}
    signals = {mode: tuple(float(back[place.node][place.at]) for place in way) for mode, back in found.items()}
    field = receptive_field(net, tape, way[0].node, way[0].at[1:] or None)  # type: ignore[arg-type]  # (row, column)
    total = opened(net, tape, way[-1])
    finite = np.isfinite(total.value) and np.isfinite(list(signals.values())).all()
    return UnitView(
        way=way,
        sum=total,
        signals=signals,
        field=field,
        picture=seen.picture,
        pixel_aspect=seen.pixel_aspect,
        label=unit.label,
        top=top.label,
        top_value=top.value,
        chain=tuple(repr(net[place.node].layer) for place in way),
        page=page_data(model, tape, found, seen, way, (top.label, top.value)),
        broken="" if finite else not_finite(net, tape),
    )


def _gate_above(net: Any, tape: Any, node: str) -> str:
    """The ReLU that alone reads a node, if there is one: its gate belongs to the unit's arithmetic."""
    from minitorch_viz.layers import ReLU

    readers = [one for one in net.nodes if node in one.inputs and one.name in tape]
    return readers[0].name if len(readers) == 1 and isinstance(readers[0].layer, ReLU) else node


# ---------------------------------------------------------------------- the figure


def plot(result: UnitView, figure: Figure) -> None:
    """Above the way forwards: photo, inputs, weights, products; below the way back: the gates and what is sent down."""
    figure.set_size_inches(13.2, 8.6)
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.12, 1), squeeze=False).flat
    places = upper.subplot_mosaic([["photo", "x", "weight", "products"], ["crop", "x", "weight", "products"]])
    show_image(places["photo"], result.picture, "what the unit can see", result.pixel_aspect)
    _frame(places["photo"], result.field)
    crop = result.picture[result.field.top : result.field.bottom, result.field.left : result.field.right]
    show_image(places["crop"], crop, f"{crop.shape[0]} x {crop.shape[1]} pixels, enlarged", result.pixel_aspect)
    shown = _strongest(result.sum)
    rows = (("inputs", "x"), ("times weights", "weight"), ("are products", "products"))
    for title, what in rows:
        _tiles(places[what], [getattr(term, what) for term, _ in shown], title)
    upper.suptitle(f"{result.label}: forwards", fontsize=13)
    upper.supxlabel(forwards_in_words(result, shown), fontsize=10.5)
    table, *sent = lower.subplots(1, 4, width_ratios=(1.6, 1, 1, 1))
    _gates(table, result)
    scale = max(max(abs(one[-1]) for one in result.signals.values()), 1e-300)
    largest = max(float(np.abs(term.weight).max()) for term, _ in shown) or 1.0
    for axes, (mode, one) in zip(sent, result.signals.items(), strict=True):
        _tiles(axes, [one[-1] * term.weight for term, _ in shown], f"{mode}: sent down", scale * largest)
    lower.suptitle(f"backwards, from {result.top}", fontsize=13)
    lower.supxlabel("sent down to each input: the signal behind the gate, times the weight (one scale)", fontsize=10.5)


def forwards_in_words(result: UnitView, shown: Sequence[tuple[Terms, list[int]]]) -> str:
    """The sum and the way up, in numbers."""
    products = [float(term.products.sum()) for term in result.sum.terms]
    count = sum(term.x.size for term in result.sum.terms)
    channels = sum(len(term.groups) for term in result.sum.terms)
    drawn = sum(len(groups) for _, groups in shown)
    words = f"{count} products add up to {sum(products):.6g}, with the bias {result.sum.bias:+.6g}: "
    words += "  →  ".join(f"{place.node} {place.value:.6g}" for place in result.way[::-1])
    if drawn < channels:
        rest = sum(products) - sum(float(term.products.sum()) for term, _ in shown)
        words += f"\n(drawn: the {drawn} of {channels} channels with the largest products; the others add {rest:+.4g})"
    return words


def _strongest(total: Sum) -> list[tuple[Terms, list[int]]]:
    """Each input's terms cut down to the channels that weigh most, at most TILES in all, in their order."""
    sizes = [
        (float(np.abs(tile).sum()), t, g) for t, term in enumerate(total.terms) for g, tile in enumerate(term.products)
    ]
    keep = sorted((t, g) for _, t, g in sorted(sizes, key=lambda one: -one[0])[:TILES])
    found = []
    for t, term in enumerate(total.terms):
        groups = [g for one, g in keep if one == t]
        if groups:
            cut = term._replace(
                groups=tuple(term.groups[g] for g in groups), x=term.x[groups], weight=term.weight[groups]
            )
            found.append((cut, groups))
    return found


def _tiles(axes: Axes, parts: Sequence[Array], title: str, scale: float | None = None) -> None:
    """Tiles of one row of the picture side by side, red and blue around white, with numbers where they fit."""
    tiles = [np.nan_to_num(tile) for part in parts for tile in part]
    across = int(np.ceil(np.sqrt(len(tiles))))
    down = -(-len(tiles) // across)
    high, wide = (max(tile.shape[a] for tile in tiles) for a in (0, 1))
    gap = 1 if high * wide > 1 and len(tiles) > 1 else 0
    sheet = np.full((down * (high + gap) - gap, across * (wide + gap) - gap), np.nan)
    for k, tile in enumerate(tiles):
        row, column = (k // across) * (high + gap), (k % across) * (wide + gap)
        sheet[row : row + tile.shape[0], column : column + tile.shape[1]] = tile
    scale = scale or float(max(np.abs(tile).max() for tile in tiles)) or 1.0
    axes.set_facecolor("#d9d9d9")
    shown = np.ma.masked_invalid(sheet)
    show_image(axes, shown, f"{title}: ±{scale:.3g}", cmap="RdBu_r", vmin=-scale, vmax=scale)
    if sum(tile.size for tile in tiles) <= WRITTEN:
        size = min(9.0, 55 / max(sheet.shape))
        for (row, column), value in np.ndenumerate(sheet):
            if np.isfinite(value):
                ink = "white" if abs(value) > 0.6 * scale else "black"
                axes.text(column, row, f"{value:.2g}", ha="center", va="center", fontsize=size, color=ink)


def _frame(axes: Axes, field: Field) -> None:
    from matplotlib.patches import Rectangle

    size = (field.right - field.left, field.bottom - field.top)
    for colour, width in (("black", 4.0), ("#ffd400", 2.0)):
        axes.add_patch(
            Rectangle((field.left - 0.5, field.top - 0.5), *size, fill=False, edgecolor=colour, linewidth=width)
        )


def _gates(axes: Axes, result: UnitView) -> None:
    """The table of the three modes: what arrives, what the gate says, what goes on."""
    axes.axis("off")
    gate = len(result.way) > 1
    up_at, down_at = result.way[0].node, result.way[-1].node
    fired = result.way[-1].value > 0
    rows = []
    for mode, one in result.signals.items():
        up, down = one[0], one[-1]
        rows.append([mode, f"{up:.4g}", _gate_says(mode, fired, up) if gate else "no gate here", f"{down:.4g}"])
    table = axes.table(
        cellText=rows,
        colLabels=["mode", f"arrives at\n{_short(up_at)}", "gate", f"goes on at\n{_short(down_at)}"],
        colWidths=(0.2, 0.24, 0.32, 0.24),
        cellLoc="center",
        loc="center",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9.5)
    table.scale(1, 2.3)


def _gate_says(mode: str, fired: bool, up: float) -> str:
    """Why a ReLU lets a signal through in this mode, or not."""
    open_, positive = ("fired" if fired else "did not fire"), ("signal > 0" if up > 0 else "signal ≤ 0")
    says = {"normal": [open_], "deconvnet": [positive], "guided": [open_, positive]}[mode]
    passes = {"normal": fired, "deconvnet": up > 0, "guided": fired and up > 0}[mode]
    return f"{', '.join(says)}:\n{'passes' if passes else 'blocked'}"


def _short(name: str) -> str:
    return name if len(name) < 18 else f"…{name[-16:]}"


def example() -> UnitView:
    """The strongest unit of the bundled net's first convolution, for a digit of scikit-learn's."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return microscope(load_model("digits"), sample_digit())


TECHNIQUE = Technique(
    name="microscope",
    compute=microscope,
    plot=plot,
    title="Microscope: the arithmetic of one unit",
    paper="Springenberg et al. 2014",
    example=example,
)
