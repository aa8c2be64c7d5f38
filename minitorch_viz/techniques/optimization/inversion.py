"""Inversion: the photo from its code at each layer: what is lost on the way there cannot come back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import MinitorchVizError, SettingError, near, need_whole
from minitorch_viz.objectives import CodeDistance
from minitorch_viz.optimize.units import Units
from minitorch_viz.techniques.base import Technique
from minitorch_viz.techniques.explain.view import PhotoResult, View, view
from minitorch_viz.techniques.optimization._inversion_descent import noise, steps_of
from minitorch_viz.techniques.optimization._inversion_nodes import depths
from minitorch_viz.techniques.optimization._inversion_page import Page
from minitorch_viz.techniques.optimization._inversion_problem import Problem
from minitorch_viz.techniques.optimization._inversion_rounds import rounds, states_from
from minitorch_viz.techniques.optimization._inversion_rows import Row, hog_of, hog_rows, rows_of
from minitorch_viz.techniques.optimization._inversion_weights import Method, trust_at
from minitorch_viz.techniques.run import how_far, looping
from minitorch_viz.techniques.state import State

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model


MOST_WORDS = 4  # sentences of the optimizer on one page
SAYS = {
    "lbfgs": "L-BFGS",
    "mahendran-2015": "momentum as in the paper of 2015",
    "mahendran-2016": "momentum and jitter as in the paper of 2016",
}


@dataclass(frozen=True, eq=False)
class Inversion(PhotoResult):
    """Hold pictures with the photo's code at L layers, from S starts each."""

    nodes: tuple[str, ...]  # (L,) in the order of the net
    layers: tuple[str, ...]  # (L,) their types: "Conv2d"
    begins: tuple[str, ...]  # (L,) what they start with, in words; "" is noise
    depths: Array  # (L,) int: layers with weights on the longest way there
    inversions: Array  # (L, S, h, w, 3) uint8; grey where there is none yet
    taken: Array  # (L, S) int: steps so far
    distances: Array  # (L, S): |phi(x) - phi0|^2 / |phi0|^2; NaN where nothing is measured
    psnr: Array  # (L, S): decibels, against the photo as the net sees it
    ssim: Array  # (L, S): structural similarity with it
    lost: Array  # (L, S): squared difference to the photo as a share of its variance
    spread: Array  # (L, h, w): how far the starts differ in the end, 0..255; NaN with one start
    whys: tuple[str, ...]  # (L,) why there is no picture of a layer; "" if there is
    words: tuple[str, ...]  # what the optimizer said
    picture: Array  # (h, w, 3) uint8: what the net saw
    pixel_aspect: float
    method: Method
    done: int
    total: int
    state: State | None = None  # what another run goes on from
    remarks: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def facts(self) -> tuple[str, ...]:
        return (f"{len(self.nodes)} layers", f"{self.inversions.shape[1]} starts", *super().facts)

    @property
    def best(self) -> Array:
        """Return (L,): the start whose code is nearest to the photo's."""
        best: Array = np.where(np.isnan(self.distances), np.inf, self.distances).argmin(axis=1)
        return best

    @property
    def frame(self) -> Array:
        """Return (h, w, 3) uint8: the photo and all layers side by side, for a film."""
        from minitorch_viz.techniques.optimization._inversion_figure import frame

        return frame(self)

    @property
    def caption(self) -> str:
        starts = self.inversions.shape[1]
        steps = f"{SAYS[self.method]}, {self.total // max(self.live * starts, 1)} steps from noise"
        shown = "the one whose code is nearest is shown" if starts > 1 else "one start a layer"
        differ = (
            f" Below, where the {starts} starts differ, their standard deviation in steps of 0 to 255: what the layer "
            "threw away, and the start filled in."
            if starts > 1
            else ""
        )
        return (
            f"Pictures that give a layer what the photo gives it, by {steps} ({shown}), smooth ones "
            f"being preferred, the more the deeper the layer. PSNR in decibels and SSIM are "
            "against the photo as the net sees it; the code's distance is |phi(x) - phi(photo)|^2 / |phi(photo)|^2, 0 "
            f"where the layer cannot tell the two apart. Colours are on the scale of pixels from 0 to 255, cut off "
            f"there.{differ}"
        )

    @property
    def live(self) -> int:
        """Return how many layers can be inverted."""
        return sum(not why for why in self.whys)

    @property
    def notes(self) -> tuple[str, ...]:
        notes = (*how_far(self, "step"), *super().notes, *self.remarks)
        notes += tuple(f"{node}: {why}" for node, why in zip(self.nodes, self.whys, strict=True) if why)
        left = len(self.words) - MOST_WORDS
        return notes + self.words[:MOST_WORDS] + ((f"And {left} more such sentences.",) if left > 0 else ())


@looping("step")
def inversion(
    model: Model,
    image: Any,
    *,
    nodes: str | None = None,
    starts: int = 1,
    steps: int | None = None,
    size: int | None = None,
    method: Method = "lbfgs",
    trust: float = 1.0,
    hog: bool = False,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[Inversion]:
    """Make the photo anew from what a layer says of it, layer by layer: what does not come back was thrown away.

    A picture of noise is moved until the layer gives what it gives for the photo, while a smooth picture is preferred.
    Early layers give the photo back; deep ones textures and parts, somewhere near their place. From several starts come
    several pictures that the layer cannot tell apart.

    Args:
        nodes: the layers, with commas between; all, every layer with weights, gate, pooling, normalization and join;
            by default about eight, evenly over the depth
        starts: pictures a layer, each from noise of its own; where they differ is what the layer threw away
        steps: of the optimizer, for each picture; by default 100 of L-BFGS, or those of the published schedule
        size: of the picture's shorter side in pixels; by default what the net was made for
        trust: in the code, against a smooth picture; 1 is by depth, the early layers' being trusted more; 10 gives
            stronger colours and more noise
        hog: in place of the net invert HOG, histograms of oriented gradients, written as layers: from noise, from the
            photo's negative and from another photo come pictures unlike the photo with the same HOG
        method: lbfgs; or the published ones, mahendran-2015 (momentum) and mahendran-2016 (momentum and jitter)
        seed: of the noise

    Returns Inversion: pictures, PSNR, SSIM and code distance of each layer and start. state= goes on from a result's.
    Raises SettingError for an unknown setting or a net of which no layer can be inverted, NetError for an unknown node,
    ImageFileError for a bad image.

    Paper: Mahendran and Vedaldi 2015.
    """
    if method not in get_args(Method):
        raise SettingError(f"There is no method {method!r}; {near(method, get_args(Method), 'method')}.")
    need_whole("number of starts", starts, 1, 16)
    need_whole("seed", seed, 0)
    if not 0 < trust < np.inf:
        raise SettingError(f"trust must be a number above 0, but got {trust!r}.")
    steps = need_whole("number of steps", steps_of(method) if steps is None else steps, 1, 100_000)
    if size is not None:
        need_whole("size", size, 1, 2048)
    model = hog_of(size, model) if hog else model if size is None else _sized(model, size)
    units = Units.of(model.reader())
    seen = view(model, image)
    photo = units.from_net(kernels.to_cpu(seen.x))
    rows = hog_rows(model, nodes, photo) if hog else rows_of(model, nodes)
    codes, whys = _codes(model, seen, rows)
    deep = depths(model)
    deepest = max(deep.values())
    problems: dict[str, Problem] = {}
    for number, row in enumerate(rows):
        for start in range(starts):
            if row.node not in codes:
                continue
            code = codes[row.node]
            stride = round(photo.shape[-1] / code.wanted.shape[-1]) if code.wanted.ndim == 3 else min(photo.shape[-2:])
            begin = noise(photo.shape, method, seed, start)
            begin = begin if row.start is None else row.start + (0.1 * begin if start else 0)
            trusted = trust * trust_at(method, deep[row.node], deepest)
            problems[f"{number}.{start}"] = Problem(model, code, trusted, begin, steps, stride, seed)
    if not problems:
        first = next(iter(whys.values()))
        raise SettingError(f"None of the layers can be inverted. {rows[0].node}: {first}")
    page = Page(model, seen, photo, rows, whys, starts, method, units, steps * len(problems))
    for descents, changed in rounds(problems, method, steps, states_from(problems, method, state)):
        yield page.result(descents, changed)


def _codes(model: Model, seen: View, rows: tuple[Row, ...]) -> tuple[dict[str, CodeDistance], dict[str, str]]:
    """Return the photo's code at each node, and of those without one why."""
    codes, whys = {}, {}
    for name in dict.fromkeys(row.node for row in rows):
        try:
            code = model.net.forward(seen.x, upto=(name,), fuse=True)[name][0]
            if not code.any():
                whys[name] = "for this photo its code is zero everywhere, so that nothing is known of the photo there."
            else:
                codes[name] = CodeDistance(name, code)
        except MinitorchVizError as error:
            whys[name] = str(error)
    return codes, whys


def _sized(model: Model, size: int) -> Model:
    """Return the model with pictures of another size, in the same proportions."""
    reader = model.preprocessing
    share = size / min(reader.size)
    sides = (round(reader.size[0] * share), round(reader.size[1] * share))
    return model.with_reader(dataclasses.replace(reader, size=sides))


def plot(result: Inversion, figure: Figure) -> None:
    """Draw the photo, each layer's picture, and how PSNR falls with the depth."""
    from minitorch_viz.techniques.optimization._inversion_figure import draw

    draw(result, figure)


def example() -> Inversion:
    """Invert two layers of the bundled net for digits."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_digit

    return inversion(load_model("digits"), sample_digit(), nodes="conv1,relu3", steps=12)


TECHNIQUE = Technique(
    name="inversion",
    compute=inversion,
    plot=plot,
    title="Inversion: the photo from its code, layer by layer",
    paper="Mahendran and Vedaldi 2015",
    example=example,
    level=60,
    budget=60.0,
    in_comparison={"steps": 2},
)
