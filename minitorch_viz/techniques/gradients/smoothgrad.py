"""SmoothGrad: the mean of a map over noisy copies of the photo, in which the map's own noise cancels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Unpack, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.drawing import show_image
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.net import Net
from minitorch_viz.objectives import Objective
from minitorch_viz.rules.relu import ReluMode, relu_mode
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.blank import why_blank
from minitorch_viz.techniques.explain.gates import gates_note
from minitorch_viz.techniques.explain.maps import Form, PixelMap, draw_map, map_panels
from minitorch_viz.techniques.explain.path import follow
from minitorch_viz.techniques.explain.signals import CHUNK_IMAGES, Running, at_pixels, parts, running_mean
from minitorch_viz.techniques.explain.start import start_any
from minitorch_viz.techniques.explain.unit import Which
from minitorch_viz.techniques.explain.view import picture_of
from minitorch_viz.techniques.gradients.integrated_gradients import baseline_image
from minitorch_viz.techniques.options import spelled_out
from minitorch_viz.techniques.run import Pace, how_far, looping
from minitorch_viz.techniques.state import State, generator_at

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Method = Literal["saliency", "deconvnet", "guided-backprop", "gradient-x-input", "integrated-gradients"]
Variant = Literal["mean", "square", "variance"]

MODES: dict[str, ReluMode] = {"saliency": "normal", "deconvnet": "deconvnet", "guided-backprop": "guided"}
STEPS = 16  # of integrated gradients, for each noisy copy
SAYS = {
    "mean": "The mean of {} over {} noisy copies of the {}",
    "square": "The mean square of {} over {} noisy copies of the {}",
    "variance": "The variance of {} over {} noisy copies of the {}",
}


@dataclass(frozen=True, eq=False)
class SmoothMap(PixelMap):
    """Hold a map's mean, mean square or variance over noisy copies of the photo."""

    noisy: Array  # (h, w, 3) uint8: one of the copies
    method: Method
    variant: Variant
    samples: int  # that were asked for
    noise: float
    done: int  # the copies that are in the map
    state: State | None = field(default=None, kw_only=True)  # what another run goes on from
    remark: str = field(default="", kw_only=True)  # what the method is where not all gates on the way are ReLUs

    @property
    def total(self) -> int:
        """Return the number of copies at the end."""
        return self.samples

    @property
    def notes(self) -> tuple[str, ...]:
        return (*how_far(self, "sample"), *super().notes, *((self.remark,) if self.remark else ()))

    @property
    def form(self) -> Form:
        return "gradient" if self.method in MODES or not self.signed else "attribution"

    @property
    def signed(self) -> bool:
        return self.variant == "mean"

    @property
    def caption(self) -> str:
        words = SAYS[self.variant].format(self.method, self.done, self.noun)
        return f"{self.explains} {words}, with noise of {self.noise:g} times the range of its values. {self.legend}"


@looping("sample")
@spelled_out
def smoothgrad(
    model: Model,
    image: Any,
    *,
    method: Method = "saliency",
    samples: int = 50,
    noise: float = 0.15,
    variant: Variant = "mean",
    chunk: int = CHUNK_IMAGES,
    seed: int = 0,
    state: State | None = None,
    **choice: Unpack[Which],
) -> Iterator[SmoothMap]:
    """Average a map over noisy copies of the photo, so that what holds for the neighbourhood remains.

    A gradient of a net with ReLUs jumps from one image to the next that looks the same. The mean over such images is
    calmer, and often clearer to a person.

    Args:
        method: the map to average
        samples: noisy copies of the photo
        noise: its standard deviation, as a share of the range of the photo's values
        variant: mean; square, the mean of the squares; variance, of the map over the copies
        chunk: images computed at a time
        seed: of the noise; the same seed gives the same map

    Returns a SmoothMap with signal (C, h, w). state= goes on from a result's.
    Raises SettingError for an unknown class, channel or setting, NetError for an unknown node, ImageFileError for a
    bad image.

    Paper: Smilkov et al. 2017; the square and the variance: Hooker et al. 2019 and Adebayo et al. 2018.
    """
    for setting, chosen, choices in (("method", method, get_args(Method)), ("variant", variant, get_args(Variant))):
        if chosen not in choices:
            raise SettingError(f"There is no {setting} {chosen!r}; {near(chosen, choices, setting)}.")
    need_whole("number of samples", samples, 1, 10_000)
    need_whole("chunk", chunk, 1)
    need_whole("seed", seed, 0)
    is_number = isinstance(noise, (int, float, np.number)) and not isinstance(noise, bool)
    if not is_number or not 0 <= noise <= 10:
        raise SettingError(f"noise must be a share of the photo's range from 0 to 10, but got {noise!r}.")
    seen, tape, unit, value, reading = start_any(model, image, **choice)
    x = seen.x
    width = float(noise) * float(x.max() - x.min())
    begun = state or State({}, {})
    count = int(begun.numbers.get("done", 0))
    generator = generator_at(begun.numbers, seed)
    # Integrated gradients are a loop of their own: this one yields after each.
    copies = noisy_copies(x, width, samples - count, 1 if method == "integrated-gradients" else chunk, generator)
    shown = picture_of(model, next(noisy_copies(x, width, 1, 1, seed)))
    mode = MODES.get(method, "normal")
    rules, remark = relu_mode(mode), "" if mode == "normal" else gates_note(model.net, tape, (mode,))
    sums = {name: kernels.to_device(value, model.net.device) for name, value in begun.arrays.items()}
    if count == samples:  # nothing is left to do
        averages = iter([Running(samples, lambda: sums["signal"][None], sums)])
    elif method in MODES and variant == "mean":
        averages = running_mean(model.net, copies, unit, rules, count, sums)
    else:
        averages = running_moment(signals_of(model, unit, method), copies, variant, count, sums)
    pace = Pace()
    for average in averages:
        if average.images < samples and not pace.due():
            continue
        signal = kernels.to_cpu(average.signal())[0]
        left = average.images < samples
        kept = {name: kernels.to_cpu(value) for name, value in average.sums.items()} if left else {"signal": signal}
        numbers = {"done": average.images, "generator": generator.bit_generator.state}
        yield SmoothMap(
            signal,
            seen.picture,
            seen.pixel_aspect,
            unit.label,
            value,
            why_blank(model, tape, unit, signal, rules),
            shown,
            method,
            variant,
            samples,
            float(noise),
            average.images,
            reading=reading,
            state=State(kept, numbers),
            remark=remark,
            photo=seen.area,
            given=seen.given,
        )


def noisy_copies(
    x: Array, width: float, samples: int, chunk: int, seed: int | np.random.Generator
) -> Iterator[Array]:  # fmt: skip
    """Yield copies of x (1, C, h, w) with Gaussian noise of standard deviation `width`, `chunk` at a time.

    The copies do not depend on the chunk. seed: of the noise, or a generator, which is moved on.
    """
    rng = np.random.default_rng(seed)
    for part in parts(samples, chunk):
        noise = rng.standard_normal((part.stop - part.start, *x.shape[1:]), np.float32)
        noise *= width
        yield x + kernels.to_device(noise.astype(x.dtype, copy=False), kernels.device_of(x))


def signals_of(model: Model, unit: Objective, method: Method) -> Callable[[Array], Array]:
    """Return the map of each image of a batch: (N, C, h, w) -> (N, C, h, w)."""
    net: Net = model.net

    def of(xs: Array) -> Array:
        if method == "integrated-gradients":
            base = baseline_image(model, xs[:1], "black", 0)
            shares = [follow(net, x[None], base, unit, "gauss-legendre", STEPS).shares for x in xs]
            return kernels.to_device(np.stack(shares), kernels.device_of(xs))
        pixels = at_pixels(net, xs, unit, MODES.get(method, "normal"), len(xs)).pixels
        return pixels * xs if method == "gradient-x-input" else pixels

    return of


def running_moment(
    of: Callable[[Array], Array], copies: Iterator[Array], variant: Variant, count: int, sums: Mapping[str, Array]
) -> Iterator[Running]:
    """Yield after each batch of copies the mean, mean square or variance (1, C, h, w) of what `of` gives so far.

    count, sums: the copies of an earlier run, whose `Running.sums` are gone on from; 0 and none at the start.
    """
    mean: Any = sums.get("mean", 0)
    # The sum of squared distances from the mean so far (Welford); for squares, from 0.
    spread: Any = sums.get("spread", 0)
    for xs in copies:
        for signal in of(xs):
            count += 1
            before = signal - mean
            mean = mean + before / count
            spread = spread + (signal * signal if variant == "square" else before * (signal - mean))
        moment: Array = (mean if variant == "mean" else spread / count)[None]
        yield Running(count, partial(np.copy, moment), {"mean": mean, "spread": spread})


def plot(result: SmoothMap, figure: Figure) -> None:
    """Draw the photo, one of its noisy copies, and the map in two ways."""
    photo, noisy, *maps = map_panels(result, figure, [f"one of {result.done} noisy copies"]).axes[0]
    draw_map(result, [photo, *maps])
    show_image(noisy, result.noisy, pixel_aspect=result.pixel_aspect)


def example() -> SmoothMap:
    """Explain a digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return smoothgrad(load_model("digits"), sample_digit())


TECHNIQUE = Technique(
    name="smoothgrad",
    compute=smoothgrad,
    plot=plot,
    title="SmoothGrad: the map that noise does not change",
    paper="Smilkov et al. 2017",
    example=example,
    chapter="pixels",
    level=50,
    explains=True,
    takes_numbers=True,
    in_comparison={"samples": 16},
    in_report=lambda model: [{"samples": 25}],  # noqa: ARG005 (the signature of `in_report`)
)
