"""Factors: the few concepts that a layer's activations are made of, shared by all photos, with their classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import minitorch_viz_kernels as kernels
from minitorch_viz._types import Array
from minitorch_viz.errors import need_whole
from minitorch_viz.techniques.activations._factors_figure import draw
from minitorch_viz.techniques.activations._factors_parts import lowest, parts_of, rises
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.blank import not_finite
from minitorch_viz.techniques.explain.layer_maps import chosen_layer, has_maps
from minitorch_viz.techniques.explain.tokens import as_maps, grid_of
from minitorch_viz.techniques.explain.view import several, view
from minitorch_viz.techniques.options import Images
from minitorch_viz.techniques.subject import PHOTOS, need_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

MOST_PHOTOS = 24
MOST_FACTORS = 8
NAMED = 3  # classes a factor


@dataclass(frozen=True, eq=False)
class Factors(Result):
    """Hold what the activations of a layer are made of; the tuples have one entry a photo."""

    maps: tuple[Array, ...]  # (k, h', w') each, nonnegative: how much of each factor is at each place
    directions: Array  # (k, C), nonnegative, of unit length: the factors in the space of the layer's channels
    shares: Array  # (k,): each factor's share of all that the factors hold
    rises: Array  # (k, classes): how much a factor alone raises each score; (k, 0) where that is not known
    class_names: tuple[str, ...]
    error: float  # what the factors leave out: ||X - W H|| / ||X||
    least: float  # the least that so many directions leave out, if they may have signs
    lows: Array  # (C,), at most 0: what was taken off each channel
    layer: str
    pictures: tuple[Array, ...]  # (h, w, 3) uint8 each: what the net saw
    pixel_aspects: tuple[float, ...]
    photos: tuple[Array, ...]  # (H, W, 3) uint8 each: the photos' own pixels
    blank: str  # why there is nothing to draw; "" if there is something
    settled: bool  # whether the factorization ended by itself
    asked: int  # how many factors were asked for
    seed: int

    @property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """Return for each factor the classes that it raises most, at most three; none where it is nowhere."""
        ranked = np.argsort(-self.rises, axis=1, kind="stable")[:, :NAMED]
        return tuple(
            tuple(self.class_names[c] for c in row if self.rises[k, c] > 0) for k, row in enumerate(ranked.tolist())
        )

    @property
    def tops(self) -> Array:
        """Return (k,): the largest strength of each factor in any photo, at which its colour is full; 1 for none."""
        tops: Array = np.max([maps.reshape(len(maps), -1).max(axis=1) for maps in self.maps], axis=0)
        return np.where(tops > 0, tops, 1)

    @property
    def legend(self) -> tuple[str, ...]:
        """Return for each factor its number, its share, and the classes that it speaks for."""
        lines = []
        for k, (share, names) in enumerate(zip(self.shares, self.names, strict=True)):
            rise = [f"{name} +{self.rises[k, self.class_names.index(name)]:.2g}" for name in names]
            words = f": {', '.join(rise)}" if rise else ""
            lines.append(f"{k + 1}, {share:.0%}{words}")
        return tuple(lines)

    @property
    def facts(self) -> tuple[str, ...]:
        return (f"{len(self.shares)} factors of {self.layer}", f"{_photos(len(self.maps))}")

    @property
    def caption(self) -> str:
        names = (
            " The legend names the classes whose scores a factor raises most, and by how much, when the layer is given "
            "that factor alone, where it is in the photos."
            if self.rises.size
            else ""
        )
        largest = ", ".join(f"{top:.3g}" for top in self.tops)
        return (
            f"What the activations of {self.layer} are made of in {_photos(len(self.maps))}: {len(self.shares)} "
            f"factors of {self.directions.shape[1]} channels, by nonnegative matrix factorization; the same colour is "
            f"the same factor in every photo. At each place the colour is that of the strongest factor, the more "
            f"opaque the stronger: each has a scale of its own, from 0 (clear) to its largest strength in any photo, "
            f"{largest}. Shares are of the sum of what the factors hold; together they leave out {self.error:.1%} of "
            f"the length of the activations (as many directions with signs would leave out {self.least:.1%}).{names}"
        )

    @property
    def notes(self) -> tuple[str, ...]:
        nowhere = [str(k + 1) for k, share in enumerate(self.shares) if not share]
        return (
            *((f"The maps are blank because {self.blank}.",) if self.blank else ()),
            *(
                ("Some channels are negative: the smallest value of each was taken off before.",)
                if self.lows.any()
                else ()
            ),
            *((f"Nothing is left for {'factor' if len(nowhere) == 1 else 'factors'} {', '.join(nowhere)}: fewer would "
               "do.",) if nowhere and not self.blank else ()),
            *(
                (f"So few places and channels have {len(self.shares)} factors, and not the {self.asked} asked for.",)
                if len(self.shares) < self.asked
                else ()
            ),
            *(() if self.settled else ("The factorization was still improving when its rounds were over.",)),
        )  # fmt: skip


def factors(model: Model, image: Images, *, components: int = 5, layer: str | None = None, seed: int = 0) -> Factors:
    """Show the few concepts that a layer's activations are made of, in colours over one photo or several.

    At each place of a layer a vector of activations says what the net finds there. A nonnegative factorization writes
    all these vectors, of all photos together, as sums of a few directions: each is a concept, such as fur, sky or legs,
    and has a map in every photo. What a concept means to the net is asked of the net itself: the layer is given that
    factor alone, and the classes whose scores rise most are its names.

    Args:
        components: how many factors
        layer: the node whose activations are taken apart; by default the last one with maps of features
        seed: of the factorization's start

    Returns a Factors with maps (k, h', w') for each photo and the directions (k, C).
    Raises SettingError for a bad setting or a layer without maps, NetError for an unknown node, ImageFileError for a
    bad image.

    Paper: Collins, Achanta, Süsstrunk 2018 (Deep feature factorization); the names after Olah et al. 2018.
    """
    need_whole("number of factors", components, 1, MOST_FACTORS)
    need_whole("seed", seed, 0)
    need_picture(model, "factors")
    images: list[Any] = several(image, MOST_PHOTOS)
    views = [view(model, photo) for photo in images]
    answer = model.logits or model.maps or model.net.output
    tape = model.net.forward(views[0].x, upto=answer)
    layer = chosen_layer(model, tape, answer, layer)
    outputs = [tape[layer], *(model.net.predict(seen.x, upto=layer) for seen in views[1:])]
    activations = [kernels.to_cpu(as_maps(model.net, tape, layer, output))[0] for output in outputs]
    finite = all(np.isfinite(maps).all() for maps in activations)
    blank = "" if finite else not_finite(model.net, tape)
    if blank:
        activations = [np.zeros_like(maps) for maps in activations]
    lows = lowest(activations)
    values = np.concatenate([(maps - lows[:, None, None]).reshape(len(maps), -1).T for maps in activations])  # (P, C)
    blank = blank or ("" if values.any() else f"no unit of {layer} fired")
    count = min(components, *values.shape)
    parts = parts_of(values, count, seed)
    maps = _by_photo(parts.strengths, [maps.shape[1:] for maps in activations])
    is_named = bool(model.logits) and not blank and grid_of(model.net, tape, layer) is None and layer in model.net
    inputs = [seen.x for seen in views]
    scores = rises(model, layer, maps, parts.directions, lows, inputs) if is_named else np.zeros((count, 0))
    return Factors(
        maps, parts.directions, parts.shares, scores, model.class_names if is_named else (), parts.error,
        parts.least, lows, layer,
        tuple(seen.picture for seen in views), tuple(seen.pixel_aspect for seen in views),
        tuple(seen.area for seen in views), blank, parts.settled, components, seed,
    )  # fmt: skip


def _by_photo(strengths: Array, sizes: Sequence[tuple[int, ...]]) -> tuple[Array, ...]:
    """Return strengths (P, k) of the places of all photos as maps (k, h', w'), one a photo."""
    ends = np.cumsum([high * wide for high, wide in sizes])
    pieces = np.split(strengths, ends[:-1])
    return tuple(piece.T.reshape(-1, *size) for piece, size in zip(pieces, sizes, strict=True))


def _photos(count: int) -> str:
    return "one photo" if count == 1 else f"{count} photos"


def plot(result: Factors, figure: Figure) -> None:
    """Draw each photo and the factors over it, and the legend below; of one photo each factor alone, too."""
    draw(result, figure)


def example() -> Factors:
    """Take apart a scene of an umbrella, a tree and a house, as the bundled net for scenes sees it."""
    from minitorch_viz.models import load_model
    from minitorch_viz.models.samples import sample_scene

    return factors(load_model("scenes"), sample_scene().image)


TECHNIQUE = Technique(
    name="factors",
    compute=factors,
    plot=plot,
    title="Factors: the few concepts that a layer's activations are made of",
    paper="Collins, Achanta, Süsstrunk 2018; Olah et al. 2018",
    example=example,
    chapter="look",
    level=70,
    applies=has_maps,
    subject=PHOTOS,
)
