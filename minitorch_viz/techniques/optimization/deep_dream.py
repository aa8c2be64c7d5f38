"""DeepDream: whatever a net's node answers to a photo, the photo is changed so that it answers more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.errors import SettingError
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.optimization._deep_dream_figure import plot
from minitorch_viz.techniques.optimization._dream_settings import dreams_on, recipe_of, sought_of, start_of
from minitorch_viz.techniques.optimization._dreaming import ZOOM, dreaming, pixels_of
from minitorch_viz.techniques.run import how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import Photo

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Start = Literal["photo", "noise"]

FRAME = 128  # pixels that the shorter side of a frame has at least


@dataclass(frozen=True, eq=False)
class DeepDream(Result):
    """Hold a dream, and how it came about."""

    start: Array  # (h, w, 3) uint8: what was dreamt on
    dream: Array  # (h, w, 3) uint8: what has become of it
    octaves: Array  # (K, h, w, 3) uint8: the present dream after each of its finished octaves
    zooms: Array  # (h, w, 3) uint8: the last finished dream of a zoom; before that `start`
    sizes: Array  # (octaves, 2) int: height and width that the net was shown in each octave
    scores: Array  # (total,): what is climbed, a pixel, before each step; NaN for steps to come
    label: str  # what is climbed
    net: str
    iterations: int  # in each octave
    step: float  # mean change of a pixel in each, in steps of 0..255
    zoom: int  # dreams of the dream before, enlarged
    guide: Array | None  # (h', w', 3) uint8: the picture that guides
    from_noise: bool
    remarks: tuple[str, ...]  # what is to be known of this run
    done: int
    total: int
    state: State | None = None  # what another run goes on from

    @property
    def picture(self) -> Array:
        """Return the dream."""
        return self.dream

    @property
    def frame(self) -> Array:
        """Return (h, w, 3) uint8, at least 128 pixels a side: the dream so far; of a zoom the last finished dream."""
        picture = self.zooms if self.zoom else self.dream
        times = -(-FRAME // min(picture.shape[:2]))
        return picture.repeat(times, axis=0).repeat(times, axis=1) if times > 1 else picture

    @property
    def caption(self) -> str:
        height, width = self.dream.shape[:2]
        guided = ", each place towards what it is most like in the guide" if self.guide is not None else ""
        zoomed = f" Then {self.zoom} dreams more, each of the one before, enlarged by {ZOOM:.0%}." if self.zoom else ""
        return (
            f"What {self.net} sees in {'noise' if self.from_noise else 'the photo'}, and more of it: {self.label} is "
            f"climbed{guided}, in {_counted(len(self.sizes), 'octave')} of {_counted(self.iterations, 'step')}, each "
            f"of which changes a pixel by {self.step:g} on average on the scale of 0 to 255.{zoomed} Pictures of "
            f"{height} x {width} pixels in their own colours; the chart's scale is the score a pixel."
        )

    @property
    def notes(self) -> tuple[str, ...]:
        return (*how_far(self, "step"), *self.remarks)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


@looping("step")
def deep_dream(
    model: Model,
    image: Any,
    *,
    node: str | None = None,
    channel: int | None = None,
    position: Pair | None = None,
    guide: Photo | None = None,
    size: int | None = None,
    octaves: int = 4,
    scale: float = 1.4,
    iterations: int = 10,
    step: float = 1.5,
    jitter: int = 32,
    blur: float = 0.0,
    laplacian: int = 0,
    start: Start = "photo",
    zoom: int = 0,
    tile: int = 512,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[DeepDream]:
    """Change a photo so that a node of the net answers more to it, whatever it is that it answers to.

    The gradient of half the sum of squares is the activation itself: what fires a little is made to fire more, and
    what the net thinks it sees comes out. Low nodes give strokes and ornaments, high ones parts of animals and things
    on which the net was trained. A small copy of the photo is changed first, so that there are large shapes, and what
    is added to it is carried to the next larger copy. In each step the picture is rolled by some pixels.

    With --film FILE.gif (.mp4) the dream is a film, with --zoom N a flight into it.

    Args:
        node: what is made to fire more; by default GoogLeNet's inception_4c/output, of other nets one behind the middle
        channel: only this channel of the node
        position: only the unit at this row and column of the picture, in its pixels; without a channel all of them
        guide: a picture: at each place more of what it has in common with some place of this one
        size: pixels of the longer side; by default 512, of nets for small pictures eight times what they take
        octaves: sizes that are worked on, one after the other
        scale: of an octave over the one before
        iterations: steps in each octave
        step: mean change of a pixel in a step, in steps of 0 to 255
        jitter: the picture is rolled by at most so many pixels; those under 224 pixels in proportion
        blur: of the gradient, in pixels; within each octave it falls to a third
        laplacian: make so many scales of the gradient equally strong, such as 4
        start: photo, or noise of the photo's size
        zoom: dreams more, each of the one before, enlarged by a twentieth
        tile: larger pictures are looked at in tiles of about so many pixels a side
        seed: of the jitter and the noise

    Returns DeepDream with the pictures (h, w, 3) and the scores. state= goes on from a result's.
    Raises SettingError for an unknown channel or setting, NetError for an unknown node, ImageFileError for a bad image.

    Paper: Mordvintsev, Olah, Tyka 2015, Inceptionism.
    """
    if why := dreams_on(model):
        raise SettingError(f"deep-dream does not apply to {model.name}: {why}.")
    ground = start_of(model, image, start, size, seed)
    final = (ground.shape[-2], ground.shape[-1])
    sought, guide_picture = sought_of(model, final, node, channel, position, guide)
    steps = {"octaves": octaves, "scale": scale, "iterations": iterations, "step": step, "jitter": jitter}
    more = {"blur": blur, "laplacian": laplacian, "zoom": zoom, "tile": tile}
    recipe, remarks = recipe_of(model, sought, final, steps | more)
    given, sizes = pixels_of(Units.of(model.reader()), ground), np.array(recipe.sizes)
    facts = (sought.objective().label, model.name, recipe.iterations, recipe.step, recipe.zoom, guide_picture)
    for dream in dreaming(model, sought, recipe, ground, seed, state):
        yield DeepDream(
            given, dream.picture, dream.octaves, dream.zooms, sizes, dream.scores, *facts, start == "noise",
            (*remarks, *dream.words), dream.done, recipe.total, dream.state,
        )  # fmt: skip


def example() -> DeepDream:
    """Dream on a digit of scikit-learn's, with the bundled net."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return deep_dream(load_model("digits"), sample_digit(), octaves=2, size=64)


TECHNIQUE = Technique(
    name="deep-dream",
    compute=deep_dream,
    plot=plot,
    title="DeepDream: more of what a net sees in a photo",
    paper="Mordvintsev, Olah, Tyka 2015",
    example=example,
    applies=dreams_on,
    shown_by="cifar10",
    level=60,
    budget=20,
    in_comparison={"octaves": 1, "iterations": 2},
)
