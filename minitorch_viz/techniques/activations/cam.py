"""Class activation maps: of a net that averages its last maps, what each place adds to a class's score."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, need_whole
from minitorch_viz.graph import Tape
from minitorch_viz.objectives import Objective, stacked_seeds
from minitorch_viz.techniques.activations._cam_finer import against_nearest
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.averaged import Averaged, averaged_maps, cure, find_averaged
from minitorch_viz.techniques.explain.blank import why_blank
from minitorch_viz.techniques.explain.boxes import Box, box_above
from minitorch_viz.techniques.explain.layer_maps import LayerMaps, Scaling, draw_coarse, in_words, need_scaling
from minitorch_viz.techniques.explain.start import start_several
from minitorch_viz.techniques.explain.unit import MAPS_A_PAGE, Which, need_sum, resolve_several
from minitorch_viz.techniques.options import spelled_out

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

BOX_COLOUR = "#56b4e9"  # seen on the map's black, red and yellow, by the colour-blind too


@dataclass(frozen=True, eq=False)
class Cam(LayerMaps):
    """Hold the map sum_k w_k A_k for each target: its mean over the places, plus the bias, is the target's value."""

    quantity: ClassVar[str] = "score at a place"

    weights: Array  # (T, C): how much the mean of each map counts
    biases: tuple[float, ...]  # what of each value is of no place
    weighted: bool  # whether maps are added up; else each target has one of its own
    boxes: tuple[Box | None, ...]  # around the largest piece of each map, in the net's pixels; () if not asked for
    threshold: float  # of the boxes, percent of the map's maximum

    @property
    def means(self) -> tuple[float, ...]:
        """Return the mean of each map over its places."""
        return tuple(float(signed.mean(dtype=np.float64)) for signed in self.signed)

    @property
    def caption(self) -> str:
        maps = (
            f"the {self.weights.shape[1]} maps of {self.layer}, weighted as the score weighs their means and added up"
            if self.weighted
            else f"the map of {self.layer} whose mean is the score"
        )
        sums = "; ".join(
            f"{mean:.4g} {'-' if bias < 0 else '+'} {abs(bias):.4g} = {value:.4g}"
            for mean, bias, value in zip(self.means, self.biases, self.values, strict=True)
        )
        return (
            f"{self.explains} Class activation map: {maps}. Its mean over the places, plus the bias, is the score: "
            f"{sums}. What is below 0 speaks against the class and is drawn as 0. {self.legend}{self._box_words}"
        )

    @property
    def _box_words(self) -> str:
        if not self.boxes:
            return ""
        places = [
            "none" if box is None else f"rows {box.y0} to {box.y1}, columns {box.x0} to {box.x1}" for box in self.boxes
        ]
        return (
            f" The box holds the largest piece above {self.threshold:g} % of the map's maximum, in the net's pixels: "
            f"{'; '.join(places)}."
        )


@spelled_out
def cam(
    model: Model,
    image: Any,
    *,
    top: int = 1,
    box: bool = False,
    threshold: float = 20.0,
    finer: bool = False,
    alpha: float = 1.0,
    scale: Scaling = "one",
    **choice: Unpack[Which],
) -> Cam:
    """Show what each place adds to a class's score, of a net that averages its last maps.

    Such a net takes the mean of each of its last maps and adds them up with a class's weights. It can as well add up
    the maps with these weights first and take one mean: the map in it says what each place adds to the score, and
    nothing is lost. Where the net ends in a map for each class, that map is it. Other than in the paper the maps are
    not stretched from their smallest value to their largest: 0 stays 0, so that several classes compare.

    A net of another shape gets such a head by `minitorch-viz train FOLDER --from NET --head gap`.

    Args:
        target: the class, by number or name, or several with commas between; by default the most probable one
        top: so many of the most probable classes, on one scale
        box: draw a box around the largest piece of the map above the threshold
        threshold: of the box, in percent of the map's largest value
        finer: set the class against the three whose scores are nearest: what tells it from them
        alpha: of finer, how much of the others' scores is taken off
        scale: of several classes: one for all maps, so that they compare; each: a scale a map, so that weak ones show

    Returns a Cam with signed (T, h', w') at the places of the maps; `map(i)` is enlarged to the pixels.
    Raises SettingError for a net that does not average maps, an unknown class or what is no class score, ImageFileError
    for a bad image.

    Paper: Zhou et al. 2016; the box at 20 % is theirs. finer: Zhang et al. 2025 (Finer-CAM).
    """
    scaling = need_scaling(scale)
    need_whole("number of classes", top, 1, MAPS_A_PAGE)
    share = _percent(threshold)
    seen, tape, units = start_several(model, image, **choice)
    if top > 1:
        units = _most_probable(model, tape, top, choice)
    heads = {averaged_maps(model, node, need_sum(unit).label): None for unit in units for node in unit.nodes}
    if len(heads) > 1:
        raise SettingError(f"What is shown together must be made of the same maps, not of {_listed(heads)}.")
    (head,) = heads
    if finer:
        units = [against_nearest(model, tape, unit, _number(alpha)) for unit in units]
    signed, weights, blanks = weighted_maps(model, tape, units, head)
    labels, values, readings = in_words(model, tape, units)
    result = Cam(
        signed, head.maps, seen.picture, seen.pixel_aspect, labels, values, blanks, weights, _biases(model, units, head,
        tape), head.weighted, (), threshold,
        readings=readings, scaling=scaling, photo=seen.area, given=seen.given,
    )  # fmt: skip
    return _with_boxes(result, share) if box else result


def weighted_maps(
    model: Model, tape: Tape, units: Sequence[Objective], head: Averaged
) -> tuple[Array, Array, tuple[str, ...]]:
    """Return sum_k w_k A_k of each target (T, h', w'), the weights (T, C), and why there is no map ("": there is).

    w_k is the derivative of the target by the mean of map k: that of its gradient by the map, summed over the places.
    """
    gradients = model.net.backward(tape, stacked_seeds(units, tape), wrt=head.maps)[head.maps]
    weights = gradients.reshape(*gradients.shape[:2], -1).sum(axis=2)
    maps = tape[head.maps][0]
    signed = kernels.to_cpu((weights @ maps.reshape(len(maps), -1)).reshape(len(units), *maps.shape[1:]))
    blanks = tuple(
        why_blank(model, tape, unit, gradient) or ("no place speaks for it" if sums.max() <= 0 else "")
        for unit, gradient, sums in zip(units, gradients, signed, strict=True)
    )
    return signed, kernels.to_cpu(weights), blanks


def _biases(model: Model, units: Sequence[Objective], head: Averaged, tape: Tape) -> tuple[float, ...]:
    """Return what the targets are where all maps are 0."""
    nodes = list(dict.fromkeys(node for unit in units for node in unit.nodes))
    nothing = model.net.forward(given={head.maps: np.zeros_like(tape[head.maps])}, upto=nodes)
    return tuple(float(kernels.to_cpu(unit.value(nothing))[0]) for unit in units)


def _most_probable(model: Model, tape: Tape, top: int, choice: Which) -> list[Objective]:
    """Return the classes of the largest scores, the largest first."""
    named = [name for name in ("target", "node") if choice.get(name) is not None]
    if named:
        raise SettingError(f"top= takes the most probable classes; leave out {named[0]}=, or top=.")
    order = np.argsort(-kernels.to_cpu(tape[model.logits])[0], kind="stable")[:top]
    return resolve_several(model, tape, target=[int(number) for number in order])


def _with_boxes(result: Cam, share: float) -> Cam:
    """Return the result with a box for each map."""
    if result.of_numbers is not None:
        raise SettingError("box= is for pictures; a series has no box.")
    boxes = tuple(None if why else box_above(result.map(i), share) for i, why in enumerate(result.blanks))
    return dataclasses.replace(result, boxes=boxes)


def _listed(heads: Iterable[Averaged]) -> str:
    """Return the names of the maps."""
    return " and ".join(head.maps for head in heads)


def _percent(threshold: float) -> float:
    """Return a threshold as a share of 1."""
    value = _number(threshold, "threshold")
    if not 0 <= value <= 100:
        raise SettingError(f"threshold= is a percentage from 0 to 100, but got {threshold!r}.")
    return value / 100


def _number(value: object, name: str = "alpha") -> float:
    """Return a setting as a finite number."""
    fits = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not fits or not np.isfinite(value):  # type: ignore[call-overload]  # fits says that it is a number
        raise SettingError(f"{name}= must be a number, but got {value!r}.")
    return float(value)  # type: ignore[arg-type]  # as above


def plot(result: Cam, figure: Figure) -> None:
    """Draw the photo and each map over it, with its box."""
    from matplotlib.patches import Rectangle

    for axes, box in zip(draw_coarse(result, figure), result.boxes, strict=False):
        if box is not None:
            corner, size = (box.x0 - 0.5, box.y0 - 0.5), (box.x1 - box.x0, box.y1 - box.y0)
            axes.add_patch(Rectangle(corner, *size, facecolor="none", edgecolor=BOX_COLOUR, lw=2.5, clip_on=False))


def applies(model: Model) -> str | None:
    """Return why a net has no class activation maps; None if it has."""
    head = find_averaged(model)
    return f"{head}; {cure(model, model.logits)}" if isinstance(head, str) else None


def example() -> Cam:
    """Explain a digit of scikit-learn's, by the bundled net for larger ones: three classes, with boxes."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return cam(load_model("mnist"), sample_digit(), top=3, box=True)


TECHNIQUE = Technique(
    name="cam",
    compute=cam,
    plot=plot,
    title="Class activation maps: what each place adds to the score",
    paper="Zhou et al. 2016",
    example=example,
    chapter="places",
    level=15,
    applies=applies,
    explains=True,
    takes_numbers=True,
    in_report=lambda model: [{"top": min(3, len(model.class_names)), "box": True}],
    shown_by="allcnn",
)
