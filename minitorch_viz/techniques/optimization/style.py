"""Style transfer: a photo painted in the manner of a painting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.errors import SettingError
from minitorch_viz.optimize.resizing import resized
from minitorch_viz.optimize.style.closed_form import Fast
from minitorch_viz.optimize.style.methods import Name
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.optimization._style_gram import Gram
from minitorch_viz.techniques.optimization._style_inputs import refuses
from minitorch_viz.techniques.optimization._style_plan import Asked, Colours, Show, Start, plan_of
from minitorch_viz.techniques.optimization._style_task import Distance
from minitorch_viz.techniques.optimization._style_words import caption_of, notes_of
from minitorch_viz.techniques.run import looping
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
    titles: tuple[str, ...]  # of all pictures that are to be made
    photo: Array  # (h, w, 3) uint8: at the finished picture's size
    styles: tuple[Array, ...]  # (h, w, 3) uint8 each: the paintings
    losses: Array  # (jobs, steps): NaN for steps that were not taken
    evaluations: Array  # (jobs, steps): of the loss and its gradient, at each size counted anew
    sizes: tuple[tuple[int, int], ...]  # (H, W) of the pictures on the way, from coarse to fine
    steps: tuple[int, ...]  # at each size
    parts: tuple[Mapping[str, float], ...]  # of each picture what a term adds to the last loss; empty before the end
    words: tuple[str, ...]  # what is to be known, in sentences
    about: str  # the settings, in a sentence
    show: Show
    done: int  # steps
    total: int
    gram: Gram | None = None
    masks: tuple[Array, ...] = ()  # (H, W) float32 each: where each style goes
    fast: bool = False  # whether it was decoded, level by level, and not optimized
    state: State | None = field(default=None, kw_only=True)  # what another run goes on from

    @property
    def picture(self) -> Array:
        """Return (h, w, 3) uint8: the newest picture."""
        return self.pictures[-1]

    @property
    def frame(self) -> Array:
        """Return (H, W, 3) uint8: the newest picture at the finished one's size, or a multiple of it."""
        high, wide = self.sizes[-1]
        values = self.picture.astype(np.float32).transpose(2, 0, 1)[None]
        pixels = np.round(resized(values, (high, wide))[0].transpose(1, 2, 0)).astype(np.uint8)
        times = -(-SMALLEST_FRAME // min(high, wide))
        enlarged: Array = pixels.repeat(times, axis=0).repeat(times, axis=1)
        return enlarged

    @property
    def loss(self) -> float:
        """Return the newest loss of the newest picture; NaN where there is none."""
        losses = self.losses[len(self.pictures) - 1]
        taken = losses[np.isfinite(losses)]
        return float(taken[-1]) if len(taken) else float("nan")

    @property
    def facts(self) -> tuple[str, ...]:
        high, wide = self.picture.shape[:2]
        return (f"{len(self.styles)} style{'s' if len(self.styles) > 1 else ''}", f"{high} x {wide} pixels")

    @property
    def caption(self) -> str:
        return caption_of(self)

    @property
    def notes(self) -> tuple[str, ...]:
        return notes_of(self)


@looping("step")
def style(
    model: Model,
    image: Any,
    *,
    style: Photos | None = None,
    size: int | None = None,
    steps: int = 40,
    content_weight: float = 0.03,
    style_layers: str | None = None,
    style_weights: str | None = None,
    content_layer: str | None = None,
    smooth: float = 0.1,
    style_scale: float = 1.0,
    blend: str | None = None,
    distance: Distance = "gram",
    optimizer: Name = "lbfgs",
    rate: float | None = None,
    start: Start = "content",
    coarse_to_fine: bool = True,
    colours: Colours = "style",
    masks: Photos | None = None,
    fast: Fast | None = None,
    strength: float = 1.0,
    show: Show = "picture",
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
        steps: of a picture that begins with noise at each size, at the coarsest twice as many; of one that begins with
            the photo at the coarsest, a quarter between, twice as many at the finished size; these where that is alone
        content_weight: how much the photo counts, the deepest layer's style being 1; 0.1 keeps more of the photo
        style_layers: the nodes whose textures are compared, with commas between them; by default the first ReLU at each
            resolution
        style_weights: how much each of these counts, with commas between them, the last being 1; by default 256, 64, 16
            (as 16, 4, 1), or equal ones of a net that has all five of the paper's
        content_layer: the node that keeps the photo's shapes; by default the deepest of these
        smooth: how much differences between neighbouring pixels cost (total variation)
        style_scale: the painting's longer side over the picture's: 0.5 makes strokes half as large
        blend: how much each of several paintings counts, with commas between them; by default the same
        distance: of styles: gram, or wasserstein, that of two normal distributions
        optimizer: lbfgs, adam or adagrad
        rate: of adam and adagrad, in steps of 0 to 255; by default 5 and 20
        start: what the picture begins as: content (the photo) or noise
        coarse_to_fine: whether it grows from 128 pixels or somewhat more, by a factor of 2 from the photo, of 1.41 from
            noise; otherwise it has its size from the start
        colours: the style's; or the photo's, by histogram (the painting is recoloured before) or luminance (only how
            bright pixels are is painted)
        masks: pictures that are white where each style goes, one a style
        fast: whitening or adain: the style's statistics set at once, and decoded; VGG-19 to conv3_1 alone has decoders
        strength: of fast, from 0 (the photo) to 1
        show: the picture; or optimizers, content (by pixels beside by activations), layers (style alone and content
            alone), gram (the Gram matrix and its strongest pairs of channels)
        seed: of the noise

    Returns Style with pictures and losses. state= goes on from a result's.
    Raises SettingError for settings that do not fit, or where there is too little memory, NetError for an unknown node,
    ImageFileError for a bad image.

    Paper: Gatys, Ecker, Bethge 2016, "Image style transfer using convolutional neural networks".
    """
    from minitorch_viz.techniques.optimization._style_loop import results

    if why := refuses(model):
        raise SettingError(f"style does not apply to {model.name}: {why}.")
    asked = Asked(
        style, size, steps, content_weight, style_layers, style_weights, content_layer, smooth, style_scale, blend,
        distance, optimizer, rate, start, coarse_to_fine, colours, masks, fast, strength, show, seed,
    )  # fmt: skip
    yield from results(plan_of(model, image, asked), asked, state)


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
