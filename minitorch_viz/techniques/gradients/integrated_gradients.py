"""Integrated gradients: shares of a score's rise from a baseline, which add up to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing import LABEL_SIZE, TITLE_SIZE, axes_at, show_image
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.blank import why_blank
from minitorch_viz.techniques.explain.given import draw_numbers, level_of, steps_axis
from minitorch_viz.techniques.explain.maps import Form, PixelMap, draw_map, map_panels
from minitorch_viz.techniques.explain.path import Path, Rule, nodes_of, walk
from minitorch_viz.techniques.explain.signals import CHUNK_IMAGES
from minitorch_viz.techniques.explain.start import start_any
from minitorch_viz.techniques.explain.unit import Which
from minitorch_viz.techniques.explain.view import picture_of
from minitorch_viz.techniques.options import spelled_out
from minitorch_viz.techniques.run import Pace, how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import reads_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Baseline = Literal["black", "mean", "blurred", "noise"]

COMPLETE = 0.01  # the gap at which the shares count as adding up
FINEST = 8  # times the steps that were asked for
SAYS = {
    "black": "a black image",
    "mean": "an image of the net's mean colour",
    "blurred": "the photo out of focus",
    "noise": "an image of random pixels",
}
NUMBERS_SAY = {
    "black": "zeros",
    "mean": "the mean that the net's reader subtracts",
    "blurred": "the series smoothed over time",
    "noise": "random numbers",
}

CHART = 3.2  # inches: the height of the chart below the pictures, with its title and labels


@dataclass(frozen=True, eq=False)
class IntegratedGradients(PixelMap):
    """Hold shares of the difference between the photo's score and the baseline's."""

    baseline: Baseline
    baseline_picture: Array  # (h, w, 3) uint8
    rule: Rule
    asked: int  # steps that were asked for
    path: Path  # what was met on the way, as many steps as were needed
    done: int  # steps, in all walks
    total: int  # steps that there would be; it grows while a finer walk is needed
    state: State | None = field(default=None, kw_only=True)  # what another run goes on from

    @property
    def form(self) -> Form:
        return "attribution"

    def draw(self, figure: Figure) -> None:
        """Draw the chart of the way below, whatever was looked at."""
        plot(self, figure)

    @property
    def baseline_words(self) -> str:
        """Say what the image of nothing is."""
        return SAYS[self.baseline] if self.of_numbers is None else NUMBERS_SAY[self.baseline]

    @property
    def gap(self) -> float:
        """Return |sum of the shares - (score - baseline's score)| as a share of that difference: 0 is complete."""
        return self.path.gap

    @property
    def caption(self) -> str:
        base, value = self.path.ends
        return (
            f"{self.explains} Integrated gradients from {self.baseline_words}, {self.path.done} steps ({self.rule}). "
            f"The shares add up to {self.signal.sum():.4g}; the value rises by {value - base:.4g}, from {base:.4g} to "
            f"{value:.4g}: {self._gap_in_words}. {self.legend}"
        )

    @property
    def _gap_in_words(self) -> str:
        path = self.path
        if path.done < len(path.places):
            return f"only {path.done / len(path.places):.0%} of the way has been walked"
        return f"a gap of {self.gap:.2%}"

    @property
    def notes(self) -> tuple[str, ...]:
        notes, steps = (*how_far(self, "step"), *super().notes), len(self.path.places)
        if self.blank or self.path.done < steps:
            return notes
        if steps > self.asked:
            asked = f"{self.asked} step{'s' if self.asked != 1 else ''}"
            notes += (f"{asked} left a gap of more than {COMPLETE:.0%}, so {steps} were taken.",)
        if self.gap > COMPLETE:
            base, value = self.path.ends
            small = abs(value - base) < 0.05 * max(abs(value), abs(base))
            why = "the two values hardly differ" if small else "the gradient changes too often on the way"
            notes += (f"The shares do not add up: a gap of {self.gap:.1%} is left after {steps} steps; {why}.",)
        return notes


@looping("step")
@spelled_out
def integrated_gradients(
    model: Model,
    image: Any,
    *,
    baseline: Baseline = "black",
    steps: int = 50,
    rule: Rule = "gauss-legendre",
    refine: bool = True,
    chunk: int = CHUNK_IMAGES,
    seed: int = 0,
    state: State | None = None,
    **choice: Unpack[Which],
) -> Iterator[IntegratedGradients]:
    """Divide what a score has risen by, from an image of nothing to the photo, among the pixels.

    The gradients are averaged along the straight way from a baseline, an image of nothing, to the photo, and
    multiplied by how far each pixel has come. The shares add up to the difference of the two scores, which the figure
    checks. What counts as nothing is a choice, and it shows: a black cat has no shares on a black baseline.

    Args:
        baseline: black (of numbers zero); mean, the net's mean colour; blurred, the photo out of focus; noise, random
            pixels
        steps: images along the way
        rule: how the steps stand for the integral
        refine: take more steps, up to eight times as many, while the shares miss the score by more than 1 percent
        chunk: images computed at a time
        seed: of the noise

    Returns IntegratedGradients with signal (C, h, w) in units of the score, and the path. state= goes on from a
    result's.
    Raises SettingError for an unknown class, channel or setting, NetError for an unknown node, ImageFileError for a
    bad image.

    Paper: Sundararajan, Taly, Yan 2017.
    """
    for setting, chosen, choices in (("baseline", baseline, get_args(Baseline)), ("rule", rule, get_args(Rule))):
        if chosen not in choices:
            raise SettingError(f"There is no {setting} {chosen!r}; {near(chosen, choices, setting)}.")
    asked = steps = need_whole("number of steps", steps, 1, 10_000)
    need_whole("chunk", chunk, 1)
    need_whole("seed", seed, 0)
    seen, tape, unit, value, reading = start_any(model, image, **choice)
    base = baseline_image(model, seen.x, baseline, seed)
    same = not (seen.x != base).any()
    shown = picture_of(model, base)

    def result(path: Path, done: int, total: int, state: State) -> IntegratedGradients:
        blank = why_blank(model, tape, unit, path.shares)
        blank = f"the {seen.noun} is the baseline itself" if blank and same else blank
        about = (seen.picture, seen.pixel_aspect, unit.label, value, blank, baseline, shown, rule, asked)
        return IntegratedGradients(
            path.shares, *about, path, done, total, reading=reading, state=state, photo=seen.area, given=seen.given
        )

    before = 0  # steps of the walks so far
    coarser: Path | None = None  # the last whole walk: better than the beginning of a finer one
    begun: Path | None = None
    if state is not None:
        steps, before = int(state.numbers["steps"]), int(state.numbers["before"])
        begun = _path(state.arrays, "", rule, steps, int(state.numbers["done"]))
        if before:
            coarser = _path(state.arrays, "coarser/", rule, steps // 2, steps // 2)
    pace = Pace()
    while True:
        for path in walk(model.net, seen.x, base, unit, rule, steps, chunk, pace, begun):
            if path.done < steps:
                done = before + path.done
                yield result(coarser or path, done, before + steps, _state(path, coarser, steps, before))
        newest = _state(path, coarser, steps, before)
        before += steps
        finer = refine and path.gap > COMPLETE and 2 * steps <= FINEST * asked
        yield result(path, before, before + 2 * steps if finer else before, newest)
        if not finer:
            return
        coarser, begun, steps = path, None, 2 * steps


def _state(path: Path, coarser: Path | None, steps: int, before: int) -> State:
    """Return what a walk of `steps` goes on from, `before` steps of coarser walks behind it."""
    arrays = _arrays(path, "") | ({} if coarser is None else _arrays(coarser, "coarser/"))
    return State(arrays, {"steps": steps, "before": before, "done": path.done})


def _arrays(path: Path, prefix: str) -> dict[str, Array]:
    kept = {"shares": path.shares, "values": path.values, "slopes": path.slopes, "ends": np.array(path.ends)}
    return {f"{prefix}{name}": value for name, value in (kept | dict(path.state.arrays)).items()}


def _path(arrays: Mapping[str, Array], prefix: str, rule: Rule, steps: int, done: int) -> Path:
    shares, values, slopes, ends, signal = (
        arrays[prefix + name] for name in ("shares", "values", "slopes", "ends", "signal")
    )
    begun = State({"signal": signal}, {})
    return Path(shares, *nodes_of(rule, steps), values, slopes, (float(ends[0]), float(ends[1])), done, begun)


def baseline_image(model: Model, x: Array, baseline: Baseline, seed: int) -> Array:
    """Return the image of nothing (1, C, h, w), in the net's units, for the photo x.

    Of a row or a series: zeros in the user's units; the mean that its reader subtracts; a series smoothed over time;
    noise of the reader's mean and deviation.
    """
    photo = kernels.to_cpu(x)
    if reads_numbers(model):
        base = _numbers_of_nothing(model, photo, baseline, seed)
        return kernels.to_device(np.ascontiguousarray(base, photo.dtype), kernels.device_of(x))
    level = level_of(model)
    if baseline == "black":
        base = np.broadcast_to(level(0, photo.dtype), photo.shape)
    elif baseline == "mean":
        base = np.zeros_like(photo)
    elif baseline == "blurred":
        from skimage.filters import gaussian

        base = gaussian(photo[0], min(photo.shape[2:]) / 10, channel_axis=0, preserve_range=True)[None]
    else:
        pixels = np.random.default_rng(seed).integers(0, 256, photo.shape)
        base = level(pixels.astype(photo.dtype), photo.dtype)
    return kernels.to_device(np.ascontiguousarray(base, photo.dtype), kernels.device_of(x))


def _numbers_of_nothing(model: Model, x: Array, baseline: Baseline, seed: int) -> Array:
    """Return a baseline of a row or a series (1, ...), in the net's units."""
    if baseline == "black":
        zeros: Array = model.reader().read(np.zeros(x.shape[1:]), x.dtype)
        return zeros
    if baseline == "mean":
        return np.zeros_like(x)
    if baseline == "noise":
        return np.random.default_rng(seed).standard_normal(x.shape)
    if x.ndim != 3:
        raise SettingError("A row has no neighbours that could be blurred; take the baseline black, mean or noise.")
    from scipy.ndimage import gaussian_filter1d

    axis = 1 + steps_axis(model)
    blurred: Array = gaussian_filter1d(x, max(x.shape[axis] / 10, 1.0), axis=axis, mode="nearest")
    return blurred


def plot(result: IntegratedGradients, figure: Figure) -> None:
    """Draw the photo, the baseline and the shares in two ways; below, the way between the two images."""
    bottom = 0.0 if result.blank else CHART
    if result.of_numbers is not None:
        draw_numbers(figure, result.of_numbers, result.number_maps, ", ".join(result.heads), bottom)
        _chart(result, figure)
        return
    photo, baseline, *maps = map_panels(result, figure, [f"the baseline: {SAYS[result.baseline]}"], bottom).axes[0]
    draw_map(result, [photo, *maps])
    show_image(baseline, result.baseline_picture, pixel_aspect=result.pixel_aspect)
    _chart(result, figure)


def _chart(result: IntegratedGradients, figure: Figure) -> None:
    """Draw the way between the two images at the figure's bottom."""
    if not result.blank:
        width, height = figure.get_size_inches()
        _draw_path(result, axes_at(figure, 0.85, height - CHART + 0.35, width - 1.05, CHART - 1.0))


def _draw_path(result: IntegratedGradients, axes: Axes) -> None:
    """Draw the value on the way, and the sum of the shares so far; they meet where the shares add up."""
    path = result.path
    places = np.concatenate([[0], path.places, [1]])
    axes.plot(places, np.concatenate([path.ends[:1], path.values, path.ends[1:]]), color="#0072b2", lw=2, label="value")
    sums = path.ends[0] + np.cumsum(path.weights * path.slopes)  # NaN, and not drawn, where the walk has not been
    axes.plot(path.places, sums, ".", color="#d55e00", ms=7, label="baseline's value + shares so far")
    axes.set_xlim(0, 1)
    start, end = f"the {result.baseline} baseline", "the photo"
    if result.of_numbers is not None:
        start, end = result.baseline_words, f"the {result.of_numbers.kind}"
    axes.set_xlabel(f"from {start} (0) to {end} (1)", fontsize=LABEL_SIZE)
    axes.set_title(f"gap {result.gap:.2%} at {len(path.places)} steps", fontsize=TITLE_SIZE)
    axes.legend(fontsize=LABEL_SIZE, frameon=False, loc="best")
    axes.tick_params(labelsize=LABEL_SIZE - 1)
    axes.locator_params(axis="y", nbins=5)
    axes.spines[["top", "right"]].set_visible(False)


def example() -> IntegratedGradients:
    """Explain a digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return integrated_gradients(load_model("digits"), sample_digit())


TECHNIQUE = Technique(
    name="integrated-gradients",
    compute=integrated_gradients,
    plot=plot,
    title="Integrated gradients: shares of the score's rise from a baseline",
    paper="Sundararajan, Taly, Yan 2017",
    example=example,
    chapter="pixels",
    level=60,
    explains=True,
    takes_numbers=True,
    in_comparison={"baseline": "mean", "steps": 16, "refine": False},
    in_report=lambda model: [{"baseline": "mean", "steps": 25}],  # noqa: ARG005 (the signature of `in_report`)
)
