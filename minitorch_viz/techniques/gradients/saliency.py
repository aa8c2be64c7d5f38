"""Saliency: which pixels would change the score, by one backward pass to the image."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args

from minitorch_viz._types import Array
from minitorch_viz.drawing import panels, robust_max, show_blank, show_magnitude, show_signed
from minitorch_viz.drawing.number_maps import NumberMap
from minitorch_viz.errors import SettingError, near
from minitorch_viz.rules.relu import ReluMode, relu_mode
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.blank import blank_note, drawable, why_blank
from minitorch_viz.techniques.explain.gates import gates_note, has_relus
from minitorch_viz.techniques.explain.maps import MAGNITUDE, numbers_legend, one_map, sentence, sign_of, sign_title
from minitorch_viz.techniques.explain.signals import at_tape
from minitorch_viz.techniques.explain.start import start_any, with_value
from minitorch_viz.techniques.explain.unit import Which
from minitorch_viz.techniques.explain.view import PhotoResult, draw_photo, names_of, proportions_of
from minitorch_viz.techniques.gradients._saliency_crops import averaged_over_crops
from minitorch_viz.techniques.gradients._saliency_paths import MODE as PATHS
from minitorch_viz.techniques.gradients._saliency_paths import (
    Paths,
    draw_paths,
    in_words,
    path_titles,
    paths_at,
)
from minitorch_viz.techniques.options import spelled_out
from minitorch_viz.techniques.subject import need_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Mode = Literal["normal", "deconvnet", "guided", "positive-paths", "compare"]

SAYS = {
    "normal": "plain gradient: how the score changes when a pixel does",
    "deconvnet": "deconvnet: only positive signals go back, whatever fired",
    "guided": "guided backpropagation: only positive signals, and only through units that fired",
    PATHS: "positive paths: only the paths whose derivatives are all positive, through open gates and positive weights",
}
LEGEND = {  # below the photo; the key: whether the signs are drawn in red and blue, and not in colours
    grey: (
        "Magnitude: black is 0.",
        "Sign: white is 0; red means that a brighter pixel raises the value, blue that it lowers it."
        if grey
        else "Sign and colour: grey is 0; brighter means that more of this colour raises the value.",
        "Every panel has a scale of its own.",
    )
    for grey in (False, True)
}


@dataclass(frozen=True, eq=False)
class SaliencyMap(PhotoResult):
    """Hold the signals that came back to the pixels, one entry a ReLU mode."""

    gradients: dict[str, Array]  # mode -> (C, h, w): change of the value for one step of a pixel's normalized value
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float  # to draw it in the photo's proportions
    label: str  # what is explained, in words
    value: float  # the class score (before the softmax) or the unit's activation
    blank: dict[str, str]  # mode -> why there is nothing to draw, "" if there is something
    averaged: dict[str, Array] = field(default_factory=dict)  # mode -> (h, w): the mean over crops of their maps
    reading: str = ""  # the value in a caption's words
    remark: str = ""  # that the modes are one and the same, where they are
    paths: Paths | None = None  # the sums over the paths, where they were made

    @property
    def signals(self) -> dict[str, Array]:
        """Return {mode: (C, h, w)}: the gradients and, where they were made, the positive paths."""
        return self.gradients if self.paths is None else {**self.gradients, PATHS: self.paths.signal}

    def map(self, mode: str | None = None) -> Array:
        """Return (h, w): the largest magnitude over the colours, M = max_c |g_c|, or its mean over the crops."""
        mode = mode or next(iter(self.gradients))
        return self.averaged[mode] if self.averaged else one_map(self.signals[mode], "gradient")

    @property
    def heat(self) -> Array:
        """Return (h, w), nonnegative: the map of the first mode."""
        return drawable(self.map(), next(iter(self.blank.values())))

    @property
    def channels(self) -> int:
        """Return how many channels the net takes."""
        return len(next(iter(self.gradients.values())))

    @property
    def grey(self) -> bool:
        """Return whether the net takes grey images, so that there are signs but no colours."""
        return self.channels == 1

    @property
    def heads(self) -> tuple[str, ...]:
        return (with_value(self.label, self.reading, self.value),)

    @property
    def number_maps(self) -> list[NumberMap]:
        """Return the gradient of each mode, with its signs."""
        return [
            NumberMap(f"{mode}: red raises the value, blue lowers it", drawable(values, why), True, why)
            for mode, values in self.signals.items()
            for why in [self.blank[mode]]
        ]

    @property
    def caption(self) -> str:
        ways = "; ".join(SAYS[mode] for mode in self.signals)
        if self.of_numbers is not None:
            legend = numbers_legend(self.of_numbers, self.number_maps[0])
            ways = ways.replace("a pixel", f"a {self.of_numbers.noun}")
            cancelling = self._cancelling.replace("pixel", self.of_numbers.noun)
            return f"Explains {', '.join(self.heads)}. {ways[0].upper()}{ways[1:]}. {legend}{cancelling}"
        scales = ", ".join(f"{mode} {robust_max(drawable(self.map(mode))):.3g}" for mode in self.signals)
        crops = " Every map is the mean over ten crops of the photo." if self.averaged else ""
        return (
            f"Explains {self.heads[0]}. {ways[0].upper()}{ways[1:]}.{crops} "
            f"{sentence(MAGNITUDE)}. {sentence(sign_of(self.channels))}. "
            f"Each mode has a scale of its own, full scale of the magnitude at {scales}.{self._cancelling}"
        )

    @property
    def _cancelling(self) -> str:
        if self.paths is None or not self.paths.above.any():
            return ""
        magnitude = (self.paths.above + self.paths.below).sum()
        return (
            " The gradient is the sum of the paths of positive product less that of those of negative product. Over "
            f"all pixels the magnitudes of the paths add up to {magnitude:.3g}, those of the gradient to "
            f"{self.paths.left * magnitude:.3g}: {in_words(self.paths)}."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        remark: tuple[str, ...] = (self.remark,) if self.remark else ()
        remark = self.given_notes + remark
        if len({*self.blank.values()}) == 1:  # one mode, or one reason for all
            return blank_note(next(iter(self.blank.values()))) + remark
        return tuple(f"The {mode} map is blank because {why}." for mode, why in self.blank.items() if why) + remark


@spelled_out
def saliency(
    model: Model,
    image: Any,
    *,
    mode: Mode = "normal",
    compare: bool = False,
    average: bool = False,
    **choice: Unpack[Which],
) -> SaliencyMap:
    """Show which pixels would change a class score, or any unit inside the net.

    One backward pass carries the gradient of one number back to the image. Where it is large, a small change of the
    pixel changes that number much. It does not say that the pixel made the class likely. The gradient needs no ReLU;
    deconvnet and guided are ways through ReLUs and what is like them (GELU, SiLU, Hardswish); where there are none they
    are the gradient, which a note says.

    The gradient is a sum over paths through the net, each the product of the derivatives on it. The mode positive-paths
    keeps the paths on which all are positive; compared, the paths of positive and of negative product are shown apart,
    with the share of them that cancels: 1 - sum of |gradient| / sum over the paths of |product|, over all pixels.

    Args:
        mode: how to go back through the net (compare: all four side by side)
        compare: all four modes side by side, the same as the mode of this name
        average: average over ten crops of the photo (the corners and the centre, and each mirrored); classes only

    Returns a SaliencyMap with gradients (C, h, w) of the class score before the softmax.
    Raises SettingError for an unknown class, channel or mode, NetError for an unknown node, ImageFileError for a bad
    image.

    Paper: Simonyan, Vedaldi, Zisserman 2013 (normal, and the average); Zeiler, Fergus 2013 (deconvnet); Springenberg
    et al. 2014 (guided; the three side by side).
    """
    if mode not in get_args(Mode):
        raise SettingError(f"There is no mode {mode!r}; {near(mode, get_args(Mode), 'mode')}.")
    if average:
        need_picture(model, "saliency with average=, the mean over crops of a photo,")
    seen, tape, unit, value, reading = start_any(model, image, **choice)
    if average and set(unit.nodes) != {model.logits}:
        raise SettingError(
            f"Averaging over crops explains a class, not {unit.label}: a unit's place moves with the crop. Leave out "
            "average= or node=."
        )
    if average and mode == PATHS:
        raise SettingError("Sums over paths are of one photo: leave out average=, or choose another mode.")
    gradients, averaged, blank = {}, {}, {}
    compare = compare or mode == "compare"
    for way in get_args(ReluMode) if compare else ("normal",) if mode == PATHS else (mode,):
        rules = relu_mode(way)
        if average:
            over = averaged_over_crops(model, image, unit, way, seen.x.shape[2:])
            gradients[way], averaged[way] = over.gradient, over.magnitude
        else:
            gradients[way] = at_tape(model.net, tape, unit, rules)
        blank[way] = why_blank(model, tape, unit, gradients[way], rules)
    remark = "" if set(gradients) == {"normal"} else gates_note(model.net, tape, tuple(gradients))
    paths = None
    if mode == PATHS or (compare and not average):
        paths = paths_at(model, seen.x, tape, unit, gradients["normal"])
        blank[PATHS] = blank["normal"] or paths.blank
    if mode == PATHS:
        assert paths is not None
        gradients, blank = {PATHS: paths.signal}, {PATHS: blank[PATHS]}
    return SaliencyMap(
        gradients, seen.picture, seen.pixel_aspect, unit.label, value, blank, averaged, reading, remark, paths,
        photo=seen.area, given=seen.given,
    )  # fmt: skip


def plot(result: SaliencyMap, figure: Figure) -> None:
    """Draw the photo, and for each mode the magnitude above the signed colours (one mode: all in one row)."""
    tall, modes = proportions_of(result), list(result.signals)
    scales = {mode: _scales(result, mode) for mode in modes}
    sign = sign_title(result.channels)
    if len(modes) == 1:
        (mode,) = modes
        magnitude_scale, sign_scale = scales[mode]
        titles = [[result.label, f"{mode}: magnitude{magnitude_scale}", f"{mode}: {sign}{sign_scale}"]]
        sheet = panels(figure, titles, tall)
        places = {mode: sheet.axes[0, 1:]}
    else:
        magnitudes = [f"{mode}: magnitude{scales[mode][0]}" for mode in modes]
        signs = [f"{mode}: sign{' and colour' if result.channels == 3 else ''}{scales[mode][1]}" for mode in modes]
        rows: list[list[str | None]] = [[result.label, *magnitudes], [None, *signs], *path_titles(result)]
        sheet = panels(figure, rows, tall, side=2.7)
        places = {mode: sheet.axes[:2, column] for column, mode in enumerate(modes, 1)}
        sheet.write(sheet.axes[1, 0], LEGEND[result.channels != 3])
        draw_paths(result, sheet)
    draw_photo(sheet.axes[0, 0], result)
    for mode, (magnitude, signed) in places.items():
        if result.blank[mode]:
            for panel in (magnitude, signed):
                show_blank(panel, result.picture.shape[:2], result.blank[mode], pixel_aspect=result.pixel_aspect)
        else:
            show_magnitude(magnitude, result.map(mode), pixel_aspect=result.pixel_aspect)
            show_signed(signed, result.signals[mode], pixel_aspect=result.pixel_aspect, names=names_of(result))


def _scales(result: SaliencyMap, mode: str) -> tuple[str, str]:
    """Return what the titles say of a mode's two scales; nothing of a blank map."""
    if result.blank[mode]:
        return "", ""
    return f", white at {robust_max(result.map(mode)):.2g}", f", full at ±{robust_max(result.signals[mode]):.2g}"


def _modes(model: Model) -> list[dict[str, str]]:
    return [{"mode": "compare"}] if has_relus(model) is None else [{"mode": "normal"}]


def example() -> SaliencyMap:
    """Explain a digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return saliency(load_model("digits"), sample_digit(), mode="compare")


TECHNIQUE = Technique(
    name="saliency",
    compute=saliency,
    plot=plot,
    title="Saliency: which pixels would change the score",
    paper="Simonyan, Vedaldi, Zisserman 2013; Zeiler, Fergus 2013; Springenberg et al. 2014",
    example=example,
    chapter="pixels",
    level=10,
    explains=True,
    takes_numbers=True,
    in_report=_modes,
)
