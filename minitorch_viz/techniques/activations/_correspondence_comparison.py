"""The pictures of one kind, one after another: their parts are covered, and the signs compared with all before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.errors import ImageFileError
from minitorch_viz.io.images import load_image
from minitorch_viz.techniques.activations._correspondence_measure import signs_of
from minitorch_viz.techniques.activations._correspondence_parts import Marked, Source
from minitorch_viz.techniques.activations._occlusion_fills import FILLS
from minitorch_viz.techniques.tally import Skipped

if TYPE_CHECKING:
    from minitorch_viz.models import Model

SHOWN = 5  # pictures in the figure
BATCH = 4  # pictures a forward pass


class Comparison:
    """Keep the signs of the pictures seen so far, and how they differ."""

    def __init__(
        self, model: Model, pictures: Pictures, source: Source, nodes: tuple[str, ...], draws: int, size: int, fill: str
    ) -> None:
        self.model, self.pictures, self.source, self.nodes = model, pictures, source, nodes
        self.draws, self.size, self.fill = draws, size, fill
        self.count = 0
        self.skipped: list[Skipped] = []
        self.signs: list[list[Array]] = [[] for _ in nodes]  # of each layer, for each picture (K, D) int8
        most, conditions = len(source.marked), len(source.parts) + 2 * draws
        self.distances = np.zeros((len(nodes), conditions, most, most))
        self.moved = np.zeros((len(nodes), conditions))  # sums over pictures of the shares that covering changes
        self.masked: list[Array] = []
        self.aspects: list[float] = []

    def see(self, marked: Marked, random: Array, fixed: Array) -> None:
        """Cover one picture's parts and its random places, and compare the signs with those of all before."""
        try:
            picture = load_image(self.pictures[marked.number])
        except ImageFileError as problem:
            self.skipped.append(Skipped(marked.number, self.pictures.title(marked.number), str(problem)))
            return
        side = max(1, round(self.size / 100 * min(picture.shape[:2])))
        room = np.array(picture.shape[:2]) - side
        corners = [np.round(middle - (side - 1) / 2) for middle in marked.middles(picture.shape[:2])]
        corners += [np.floor(share * (room + 1)) for share in (*random, *fixed)]
        covered = [self._covered(picture, int(row), int(column), side) for row, column in corners]
        x = np.concatenate([kernels.to_cpu(self.model.preprocess(image)) for image in (picture, *covered)])
        for layer, codes in enumerate(self._codes(x)):
            signs = signs_of(codes[:1], codes[1:])
            for other, before in enumerate(self.signs[layer]):
                shares = (signs != before).mean(axis=1)
                self.distances[layer, :, self.count, other] = self.distances[layer, :, other, self.count] = shares
            self.signs[layer].append(signs)
            self.moved[layer] += (signs != 0).mean(axis=1)
        self.count += 1
        if len(self.masked) < SHOWN:
            parts = len(self.source.parts)
            self.masked.append(np.stack([self.model.restore(each[None]) for each in x[1 : parts + 2]]))
            stretched = self.model.preprocessing.resize == "stretch"
            tall = (picture.shape[0] / picture.shape[1]) / (x.shape[2] / x.shape[3])
            self.aspects.append(float(tall) if stretched else 1.0)

    def _codes(self, x: Array) -> list[Array]:
        """Return of each layer the codes (K, D) of pictures; a few at a time, since a pass keeps every map."""
        net, parts = self.model.net, []
        for begin in range(0, len(x), BATCH):
            tape = net.forward(kernels.to_device(x[begin : begin + BATCH], net.device), upto=self.nodes, fuse=True)
            parts.append([kernels.to_cpu(tape[node]).reshape(len(tape[node]), -1) for node in self.nodes])
        return [np.concatenate(codes) for codes in zip(*parts, strict=True)]

    def _covered(self, picture: Array, top: int, left: int, side: int) -> Array:
        """Return a picture with a square; where it hangs over the border it is cut off."""
        image = picture.copy()
        colour = picture.mean(axis=(0, 1)).round() if self.fill == "mean" else FILLS[self.fill]
        image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)] = colour
        return image

    @property
    def pairs(self) -> Array:
        """Return (layers, conditions, n, n): how the pictures differ, the draws of a control by their mean."""
        return self._joined(self.distances[:, :, : self.count, : self.count])

    @property
    def changed(self) -> Array:
        """Return (layers, conditions): the mean share of units that covering changes at all."""
        return self._joined(self.moved / self.count)

    def _joined(self, values: Array) -> Array:
        """Put the means of the controls' draws in their place: axis 1, parts + 2 * draws long, becomes parts + 2."""
        parts = len(self.source.parts)
        controls = [values[:, begin : begin + self.draws].mean(axis=1) for begin in (parts, parts + self.draws)]
        joined: Array = np.concatenate([values[:, :parts], np.stack(controls, axis=1)], axis=1)
        return joined
