"""Correspondence: does covering the same part in pictures of one kind change the codes alike?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.data.pictures import as_pictures
from minitorch_viz.errors import DataFileError, SettingError, need_whole
from minitorch_viz.rules.relu import relus
from minitorch_viz.techniques.activations._correspondence_comparison import Comparison
from minitorch_viz.techniques.activations._correspondence_measure import over_pairs
from minitorch_viz.techniques.activations._correspondence_parts import source_of
from minitorch_viz.techniques.activations._occlusion_fills import FILLS
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.run import how_far, looping
from minitorch_viz.techniques.subject import PICTURES, need_picture
from minitorch_viz.techniques.tally import Skipped, left_out

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

RANDOM, SHARED = "random places", "one random place for all"
MOST = 50
CLEAR = 2.0  # standard errors: a smaller difference may be chance


@dataclass(frozen=True, eq=False)
class Correspondence(Result):
    """Hold how differently codes change where a part is covered: 0 if all signs agree."""

    values: Array  # (conditions, layers): the mean over pairs of the share of units whose signs differ
    errors: Array  # (conditions, layers): its standard error; NaN of two pictures
    gains: Array  # (parts, layers): by how much it is lower than at random places
    gain_errors: Array  # (parts, layers)
    fixed_gains: Array  # (parts, layers): the same against one random place for all
    fixed_gain_errors: Array  # (parts, layers)
    conditions: tuple[str, ...]  # the parts, random places, one random place for all
    layers: tuple[str, ...]
    units: tuple[int, ...]  # numbers in a layer's code
    changed: Array  # (conditions, layers): the mean share of units that covering changes at all
    masked: Array  # (parts + 1, shown, h, w, 3) uint8: pictures with the part covered, the last row a random place
    pixel_aspects: tuple[float, ...]  # (shown,)
    kind: str
    source: str  # what the pictures are called
    side: int  # the square's side, in percent of the picture's shorter side
    fill: str
    draws: int
    remark: str  # how the places are known
    skipped: tuple[Skipped, ...]
    done: int
    total: int

    @property
    def parts(self) -> tuple[str, ...]:
        """Return the names of the parts."""
        return self.conditions[:-2]

    @property
    def facts(self) -> tuple[str, ...]:
        return (self.source, f"{self.done} pictures", *([self.kind] if self.kind else []), f"{len(self.layers)} layers")

    @property
    def caption(self) -> str:
        of = f" of {self.kind!r}" if self.kind else ""
        return (
            f"{self.done} pictures{of} of {self.source}; a {self.fill} square of {self.side} % of the shorter side "
            f"covers {', '.join(self.parts)}, or random places ({self.draws} a picture). Of each layer's code only the "
            "sign of its change counts: up, down, or none. Points: the share of units whose signs differ between two "
            "pictures, on a scale from 0, the mean over all pairs, with standard errors (jackknife over pictures). "
            "Low: covering this part changes the codes alike, so that the layer knows that the parts correspond. "
            "Beside it two controls: a random place in each picture, and one random place that is the same in all, "
            "which is the right one where the pictures were cut out alike, and where a code has places."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return (
            *how_far(self, "picture"),
            *(self._found(number) for number in range(len(self.layers))),
            self.remark,
            *left_out(self.skipped),
        )

    def _found(self, layer: int) -> str:
        """Say of one layer what corresponds."""
        name = self.layers[layer]
        base = f"{self.values[-2, layer]:.3f} for random places, {self.values[-1, layer]:.3f} for one place in all"
        if np.isnan(self.gain_errors[:, layer]).any():
            return f"{name}: {self._listed(layer, range(len(self.parts)))}; {base}. Two pictures give no error."
        clear = [
            part
            for part in range(len(self.parts))
            if min(
                self.gains[part, layer] - CLEAR * self.gain_errors[part, layer],
                self.fixed_gains[part, layer] - CLEAR * self.fixed_gain_errors[part, layer],
            )
            > 0
        ]
        if not clear:
            return f"{name}: no part is clearly below both controls ({base})."
        moved = f"{self.changed[clear, layer].mean():.0%} of its units change there, {self.changed[-2, layer]:.0%}"
        return (
            f"{name}: covering changes the codes alike for {self._listed(layer, clear)}, against {base} ({moved} at "
            "random places)."
        )

    def _listed(self, layer: int, parts: Sequence[int]) -> str:
        return ", ".join(f"{self.parts[part]} {self.values[part, layer]:.3f}" for part in parts)


@looping("picture")
def correspondence(
    model: Model,
    pictures: Any,
    *,
    parts: Path | None = None,
    kind: str | None = None,
    layers: str | None = None,
    most: int = 20,
    draws: int = 4,
    size: int = 20,
    fill: str = "grey",
    seed: int = 0,
) -> Iterator[Correspondence]:
    """Measure whether covering the same part, such as the left eye, changes the codes of pictures of one kind alike.

    Nothing in a net says that all dogs have two eyes and a nose, but if covering the left eye changes a late layer's
    code in the same way whatever the dog, the layer has an idea of what corresponds. For each picture the change of
    the code is reduced to its signs, and the signs of all pairs of pictures are compared; random places are the
    control.

    Args:
        parts: a table of where the parts are, a line each, file,part,row,column, in the pictures' own pixels; by
            default they are known of generated scenes, and of the faces; of others the same places of each are taken
        kind: of scenes the object (face, car, ...), of labelled pictures the class; by default a face, or the
            commonest class
        layers: the nodes whose codes are compared, with commas between; by default from the middle of the net to the
            scores
        most: how many pictures, 50 at most; each is compared with each
        draws: random places a picture
        size: the square's side, in percent of the picture's shorter side
        fill: what the square shows: grey, black, white, or mean (the picture's mean colour)
        seed: of the random places

    A change of less than 1e-5 of a layer's largest magnitude is rounding, and counts as none. The paper adds up the
    distances of all pairs, here is their mean, a share of the units.

    Returns a Correspondence with values (conditions, layers) in 0..1 and their standard errors.
    Raises DataFileError if there are fewer than two pictures of the kind or the table is damaged, SettingError for an
    unknown kind or a bad setting, NetError for an unknown node.

    Paper: Zeiler, Fergus 2013, section 4.3.
    """
    need_picture(model, "correspondence")
    need_whole("number of pictures", most, 2, MOST)
    need_whole("number of random places", draws, 1, 100)
    need_whole("square's side in percent", size, 1, 100)
    if fill not in (*FILLS, "mean"):
        raise SettingError(f"fill must be mean, {', '.join(FILLS)}, but got {fill!r}.")
    shown = as_pictures(pictures)
    nodes = _layers(model, layers)
    source = source_of(shown, parts, kind, most)
    rng = np.random.default_rng(need_whole("seed", seed, 0))
    fixed = rng.random((draws, 2))  # shares of the room that the square has, the same in every picture
    run = Comparison(model, shown, source, nodes, draws, size, fill)
    for number, marked in enumerate(source.marked):
        run.see(marked, rng.random((draws, 2)), fixed)
        if run.count >= 2 and (number + 1 == len(source.marked) or run.count <= 4 or number % 2):
            yield _result(run)
    if run.count < 2:
        raise DataFileError(
            f"Pairs of pictures are compared, but of {len(source.marked)} only {run.count} could be read. "
            f"{run.skipped[0].why if run.skipped else ''}"
        )


def _result(run: Comparison) -> Correspondence:
    """Return what is known after the pictures seen so far."""
    parts, pairs = len(run.source.parts), run.pairs
    mean = over_pairs(pairs)
    gain, fixed_gain = (over_pairs(pairs[:, [control]] - pairs[:, :parts]) for control in (-2, -1))
    return Correspondence(
        values=mean.values.T,
        errors=mean.errors.T,
        gains=gain.values.T,
        gain_errors=gain.errors.T,
        fixed_gains=fixed_gain.values.T,
        fixed_gain_errors=fixed_gain.errors.T,
        conditions=(*run.source.parts, RANDOM, SHARED),
        layers=run.nodes,
        units=tuple(signs[0].shape[1] for signs in run.signs),
        changed=run.changed.T,
        masked=np.stack(run.masked, axis=1),
        pixel_aspects=tuple(run.aspects),
        kind=run.source.kind,
        source=run.pictures.name,
        side=run.size,
        fill={"mean": "mean-coloured"}.get(run.fill, run.fill),
        draws=run.draws,
        remark=run.source.remark,
        skipped=tuple(run.skipped),
        done=run.count,
        total=len(run.source.marked) - len(run.skipped),
    )


def _layers(model: Model, layers: str | None) -> tuple[str, ...]:
    """Return the nodes whose codes are compared: those named, or four from the middle of the net to its scores."""
    if layers is not None:
        names = tuple(dict.fromkeys(name.strip() for name in layers.split(",")))
        for name in names:
            model.net[name]  # NetError with near names
        return names
    gates = relus(model.net)
    last = model.logits or model.net.output
    before = "" if model.net[last].layer.passes_on else model.net[last].inputs[0]
    while before in model.net and model.net[before].layer.passes_on:
        before = model.net[before].inputs[0]  # what the scores are made of, and no copy of it
    names = (gates[len(gates) // 2] if gates else "", model.last_conv, before if before in model.net else "", last)
    order = list(model.net.names)
    return tuple(sorted(dict.fromkeys(filter(None, names)), key=order.index))


def plot(result: Correspondence, figure: Figure) -> None:
    """Draw the covered pictures, a row a part, and below how differently the codes change, layer by layer."""
    from minitorch_viz.techniques.activations._correspondence_figure import draw

    draw(result, figure)


def example() -> Correspondence:
    """Cover the parts of the faces in a few generated scenes, on the bundled net for scenes."""
    from minitorch_viz.models import load_model

    return correspondence(load_model("scenes"), "scenes:120", most=6, draws=2)


TECHNIQUE = Technique(
    name="correspondence",
    compute=correspondence,
    plot=plot,
    title="Correspondence: does a layer know that parts correspond",
    paper="Zeiler, Fergus 2013",
    example=example,
    chapter="use",
    level=60,
    subject=PICTURES,
)
