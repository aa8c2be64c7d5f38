"""Style transfer: a photo painted in the manner of a painting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError, near, need_whole
from minitorch_viz.optimize.style.methods import Name
from minitorch_viz.optimize.style.scales import at_size
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.optimization._style_inputs import inputs_of, need_room, refuses, side_of
from minitorch_viz.techniques.optimization._style_layers import layers_of, shares
from minitorch_viz.techniques.optimization._style_run import Progress, begun, gone_on, walked
from minitorch_viz.techniques.optimization._style_task import Distance, Task, job_of
from minitorch_viz.techniques.run import how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import Photos

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

SMALLEST_FRAME = 128  # pixels of a frame's shorter side


@dataclass(frozen=True, eq=False)
class Style(Result):
    """Hold a photo that is painted like other pictures."""

    pictures: tuple[Array, ...]  # (h, w, 3) uint8 each: what was made, the newest the last
    titles: tuple[str, ...]  # of the pictures
    photo: Array  # (h, w, 3) uint8: at the finished picture's size
    styles: tuple[Array, ...]  # (h, w, 3) uint8 each: the paintings
    losses: Array  # (jobs, steps): NaN for steps to come
    evaluations: Array  # (jobs, steps): of the loss and its gradient, at each size counted anew
    sizes: tuple[tuple[int, int], ...]  # (H, W) of the pictures on the way, from coarse to fine
    steps: tuple[int, ...]  # at each size
    parts: dict[str, float]  # what each term adds to the last loss; empty before the end
    words: tuple[str, ...]  # what is to be known, in sentences
    about: str  # the settings, in a sentence
    done: int  # steps
    total: int
    state: State | None = None  # what another run goes on from

    @property
    def picture(self) -> Array:
        """Return (h, w, 3) uint8: the newest picture."""
        return self.pictures[-1]

    @property
    def frame(self) -> Array:
        """Return (H, W, 3) uint8: the newest picture at the finished one's size, or a multiple of it."""
        high, wide = self.sizes[-1]
        values = self.picture.astype(np.float32).transpose(2, 0, 1)[None]
        pixels = np.round(at_size(values, (high, wide))[0].transpose(1, 2, 0)).astype(np.uint8)
        times = -(-SMALLEST_FRAME // min(high, wide))
        enlarged: Array = pixels.repeat(times, axis=0).repeat(times, axis=1)
        return enlarged

    @property
    def loss(self) -> float:
        """Return the newest loss."""
        losses = self.losses[len(self.pictures) - 1]
        return float(losses[np.isfinite(losses)][-1])

    @property
    def facts(self) -> tuple[str, ...]:
        high, wide = self.picture.shape[:2]
        return (f"{len(self.styles)} style{'s' if len(self.styles) > 1 else ''}", f"{high} x {wide} pixels")

    @property
    def caption(self) -> str:
        shares = "; ".join(f"{name} {value:.3g}" for name, value in self.parts.items())
        parts = f" Of it: {shares}." if shares else ""
        return (
            f"The photo painted like the style: {self.about} Pixels are on their own scale, 0 to 255. The loss is "
            f"{self.loss:.4g}; each term is a share of its target's own size, 0 being met, times its weight.{parts}"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return (*how_far(self, "step"), *self.words)


@looping("step")
def style(
    model: Model,
    image: Any,
    *,
    style: Photos | None = None,
    size: int | None = None,
    steps: int = 40,
    content_weight: float = 0.05,
    style_layers: str | None = None,
    style_weights: str | None = None,
    content_layer: str | None = None,
    smooth: float = 0.05,
    style_scale: float = 1.0,
    blend: str | None = None,
    distance: Distance = "gram",
    optimizer: Name = "lbfgs",
    rate: float | None = None,
    start: Literal["content", "noise"] = "content",
    coarse_to_fine: bool = True,
    masks: Photos | None = None,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[Style]:
    """Paint the photo in the manner of a painting: its shapes stay, colours and strokes are the painting's.

    The photo's pixels are moved until two things hold as well as they can: a deep layer gives for the picture what it
    gives for the photo, and the products of every two feature maps, over all places alike (the Gram matrix), are those
    of the painting. The picture grows from coarse to fine: large strokes are found where steps cost little.

    Args:
        style: the painting, or several (up to eight), whose manners are mixed; by default generated brush strokes
        size: the finished picture's longer side in pixels; by default 256, of nets for small pictures less
        steps: at each size; at the first, the coarsest, twice as many
        content_weight: how much the photo counts, the style being 1
        style_layers: the nodes whose textures are compared, with commas between them; by default the first ReLU at each
            resolution
        style_weights: how much each of these counts, with commas between them; by default 256, 64, 16, or equal ones of
            a net that has all five of the paper's
        content_layer: the node that keeps the photo's shapes; by default the deepest of these
        smooth: how much differences between neighbouring pixels cost (total variation)
        style_scale: the painting's longer side over the picture's: 0.5 makes strokes half as large
        blend: how much each of several paintings counts, with commas between them; by default the same
        distance: of styles: gram, or wasserstein, that of two normal distributions
        optimizer: lbfgs, adam or adagrad
        rate: of adam and adagrad, in steps of 0 to 255; by default 5 and 20
        start: what the picture begins as: content (the photo) or noise
        coarse_to_fine: whether it grows from 128 pixels by a factor of 1.41; otherwise it has its size from the start
        masks: pictures that are white where each style goes, one a style
        seed: of the noise

    Returns Style with pictures and losses. state= goes on from a result's.
    Raises SettingError for settings that do not fit, or where there is too little memory, NetError for an unknown node,
    ImageFileError for a bad image.

    Paper: Gatys, Ecker, Bethge 2016, "Image style transfer using convolutional neural networks".
    """
    for setting, chosen, choices in (
        ("distance", distance, get_args(Distance)), ("optimizer", optimizer, get_args(Name)),
        ("start", start, ("content", "noise")),
    ):  # fmt: skip
        if chosen not in choices:
            raise SettingError(f"There is no {setting} {chosen!r}; {near(chosen, choices, setting)}.")
    need_whole("number of steps", steps, 1)
    need_whole("seed", seed, 0)
    inputs = inputs_of(model, image, style, masks)
    side = need_whole("size", side_of(model, size), 16)
    layers = layers_of(model, style_layers, style_weights, content_layer)
    count = len(inputs.styles)
    of_styles = tuple([1.0] * count if blend is None else shares(blend, count, "blend", "style"))
    scale, roughness = _least(style_scale, "style_scale", strict=True), _least(smooth, "smooth")
    task = Task(model, inputs, side, scale, of_styles, distance, roughness, seed)
    need_room(model, (*layers.style, layers.content), task.size(side))
    content = {layers.content: _least(content_weight, "content_weight")}
    job = job_of(
        task, "the picture", layers.style, content, steps=steps, optimizer=optimizer, rate=rate, noise=start == "noise",
        coarse_to_fine=coarse_to_fine,
    )  # fmt: skip
    jobs = [job]
    words = (*inputs.words, *layers.words)
    if len(job.sizes) > 1:
        words = (*words, job.method.enlarges)
    about = (
        f"{job.method.name} from {'noise' if start == 'noise' else 'the photo'}, "
        f"{' to '.join(f'{h} x {w}' for h, w in dict.fromkeys((job.sizes[0], job.sizes[-1])))} pixels, style from "
        f"{', '.join(f'{node} ({weight:.2g})' for node, weight in layers.style.items())}, content from "
        f"{layers.content} ({content_weight:g})."
    )
    finished = task.size(side)

    def result(progress: Progress) -> Style:
        pictures = tuple(_pixels(task, x) for x in progress.all_pictures)
        parts = job.loss(finished).parts(progress.all_pictures[-1]) if progress.done == progress.total else {}
        return Style(
            pictures, tuple(each.title for each in jobs[: len(pictures)]), _pixels(task, task.photo(finished)),
            inputs.styles, progress.losses, progress.evaluations, tuple(job.sizes), tuple(job.steps), parts,
            (*words, *progress.words), about, progress.done, progress.total, progress.state,
        )  # fmt: skip

    first = begun(jobs) if state is None else gone_on(jobs, state)
    if first.done:
        yield result(first)
    for progress in walked(first):
        yield result(progress)


def _pixels(task: Task, x: Array) -> Array:
    """Return a picture as (h, w, 3) uint8: clipped to 0..255."""
    units = task.inputs.units
    pixels: Array = np.round(units.pixels(units.clip(x)))[0].astype(np.uint8).transpose(1, 2, 0)
    return pixels.repeat(3, axis=2) if pixels.shape[2] == 1 else pixels


def _least(value: float, name: str, strict: bool = False) -> float:
    """Return a finite number of at least 0; SettingError if it is not."""
    good = isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and np.isfinite(value)
    if not good or value < 0 or (strict and value == 0):
        raise SettingError(f"{name} must be a number {'above' if strict else 'of at least'} 0, but got {value!r}.")
    return float(value)


def plot(result: Style, figure: Figure) -> None:
    """Draw the photo, the paintings, what was made of them, and how the loss fell."""
    from minitorch_viz.techniques.optimization._style_figure import draw

    draw(result, figure)


def example() -> Style:
    """Paint a digit of scikit-learn's, by the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return style(load_model("digits"), sample_digit(), size=32, steps=6)


TECHNIQUE = Technique(
    name="style",
    compute=style,
    plot=plot,
    title="Style: the photo painted like a painting",
    paper="Gatys, Ecker, Bethge 2016",
    example=example,
    applies=refuses,
    in_comparison={"steps": 3},
    shown_by="cifar10",
    level=80,
    budget=20,
)
