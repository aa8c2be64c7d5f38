"""What is asked for, as jobs: the losses, sizes and starts of each picture that is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array, Pair
from minitorch_viz.optimize.resizing import resized
from minitorch_viz.optimize.style.loss import PIXELS, StyleLoss
from minitorch_viz.optimize.style.methods import method_of
from minitorch_viz.optimize.style.scales import FROM_NOISE, FROM_PHOTO, Ladder, sides, size_at, steps_of
from minitorch_viz.optimize.style.statistics import Statistics, mixture, statistics
from minitorch_viz.optimize.style.terms import ContentTerm, GramTerm, Term, WassersteinTerm
from minitorch_viz.techniques.optimization._style_inputs import Inputs
from minitorch_viz.techniques.optimization._style_run import Job

if TYPE_CHECKING:
    from minitorch_viz.models import Model

Distance = Literal["gram", "wasserstein"]
TERMS: Mapping[str, type[GramTerm] | type[WassersteinTerm]] = {"gram": GramTerm, "wasserstein": WassersteinTerm}
NOISE = 0.2 * 255  # the deviation of a start from noise, about the mean colour


@dataclass(frozen=True, eq=False)
class Task:
    """Hold all that the losses are made of, whatever the size."""

    model: Model
    inputs: Inputs
    side: int  # of the finished picture, the longer one
    style_side: float  # the paintings' longer side over the picture's
    shares: tuple[float, ...]  # of each painting
    distance: Distance
    smooth: float
    seed: int

    def size(self, side: int) -> Pair:
        """Return (H, W) of the picture whose longer side has so many pixels."""
        return size_at(side, (self.inputs.photo.shape[0], self.inputs.photo.shape[1]))

    def photo(self, size: Pair) -> Array:
        """Return the photo as a picture (1, C, H, W)."""
        return self.inputs.picture(self.inputs.photo, size, self.model.dtype)

    def painting(self, size: Pair, number: int) -> Array:
        """Return a painting as a picture (1, C, h, w), at its scale beside a picture of this size."""
        pixels = self.inputs.styles[number]
        side = max(1, round(self.style_side * max(size)))
        return self.inputs.picture(pixels, size_at(side, (pixels.shape[0], pixels.shape[1])), self.model.dtype)

    def start(self, size: Pair, noise: bool) -> Array:
        """Return what the picture begins as."""
        photo = self.photo(size)
        if not noise:
            return photo
        rng = np.random.default_rng(self.seed)
        drawn: Array = (NOISE * rng.standard_normal(photo.shape)).astype(photo.dtype)
        return self.inputs.units.clip(drawn)

    def details(self, coarse: Pair, size: Pair, noise: bool) -> Array | float:
        """Return what the photo shows at a size and not at a coarser one: so only the change is enlarged.

        A picture that is enlarged as a whole is blurred, and half of the steps would go into making it sharp again.
        Noise has no details that are worth keeping: then 0.
        """
        return 0.0 if noise else self.photo(size) - resized(self.photo(coarse), size)

    def loss(self, size: Pair, style: Mapping[str, float], content: Mapping[str, float]) -> StyleLoss:
        """Return the loss at a size. style, content: weights by node; PIXELS is the picture itself."""
        terms: list[Term] = [*self._content(size, content), *self._style(size, style)]
        return StyleLoss(self.model, tuple(terms), self.smooth)

    def outputs(self, x: Array, nodes: Sequence[str]) -> dict[str, Array]:
        """Return what nodes give for a picture."""
        if not nodes:
            return {}
        net = self.model.net
        images = kernels.to_device(self.inputs.units.net(x), net.device)
        tape = net.forward(images, upto=tuple(nodes), fuse=True)
        return {node: tape[node] for node in nodes}

    def _content(self, size: Pair, content: Mapping[str, float]) -> list[Term]:
        photo = self.photo(size)
        wanted = self.outputs(photo, [node for node in content if node != PIXELS]) | {PIXELS: photo}
        return [ContentTerm(node, weight, wanted[node]) for node, weight in content.items() if weight]

    def _style(self, size: Pair, style: Mapping[str, float]) -> list[Term]:
        nodes = [node for node, weight in style.items() if weight]
        if not nodes:
            return []
        term, masks = TERMS[self.distance], self.inputs.masks
        targets = self.statistics(size, nodes)
        if not masks:
            return [term(node, style[node], mixture([part[node] for part in targets], self.shares)) for node in nodes]
        places = {node: output.shape[2:] for node, output in self.outputs(self.photo(size), nodes).items()}
        terms: list[Term] = []
        for node in nodes:
            guides = self.inputs.guides(places[node])
            for share, part, guide in zip(self.shares, targets, guides, strict=True):
                if share and guide.any():
                    on_device = kernels.to_device(guide.astype(self.model.dtype), self.model.net.device)
                    terms.append(term(node, style[node] * share / sum(self.shares), part[node], on_device))
        return terms

    def statistics(self, size: Pair, nodes: Sequence[str]) -> list[dict[str, Statistics]]:
        """Return the statistics of each painting, by node; the paintings are as large as the picture, times a scale."""
        parts = []
        for number in range(len(self.inputs.styles)):
            x = self.painting(size, number)
            parts.append({
                node: statistics(output[0]) for node, output in self.outputs(x, nodes).items()
            })  # fmt: skip
        return parts


def sizes_of(task: Task, ladder: Ladder | None) -> list[Pair]:
    """Return the sizes of one picture, from coarse to fine; without a ladder the finished one alone."""
    listed = [task.side] if ladder is None else sides(task.side, ladder)
    return list(dict.fromkeys(task.size(side) for side in listed))


def job_of(
    task: Task,
    title: str,
    style: Mapping[str, float],
    content: Mapping[str, float],
    *,
    steps: int,
    optimizer: str,
    rate: float | None,
    noise: bool,
    coarse_to_fine: bool,
) -> Job:
    """Return one picture to be made."""
    ladder = FROM_NOISE if noise else FROM_PHOTO
    sizes = sizes_of(task, ladder if coarse_to_fine else None)
    return Job(
        title, method_of(optimizer, task.inputs.units, rate), sizes, steps_of(steps, len(sizes), ladder),
        lambda size: task.loss(size, style, content), lambda size: task.start(size, noise),
        lambda coarse, size: task.details(coarse, size, noise),
    )  # fmt: skip
