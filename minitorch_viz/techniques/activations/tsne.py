"""t-SNE: the pictures of a data set on a map, those with like codes near one another."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np

from minitorch_viz._types import Array, Wholes
from minitorch_viz.data.pictures import Pictures, as_pictures
from minitorch_viz.errors import DataFileError, SettingError
from minitorch_viz.techniques.activations._tsne_figure import draw_map, draw_nearest
from minitorch_viz.techniques.activations._tsne_map import (
    FEWEST,
    Placed,
    embedded,
    first_two,
    need_perplexities,
    reduced,
)
from minitorch_viz.techniques.activations._tsne_query import NewPictures, Query, new_pictures, query_of
from minitorch_viz.techniques.activations._tsne_sheet import MOST_SNAPPED
from minitorch_viz.techniques.activations._tsne_words import code_in_words, map_caption, nearest_caption
from minitorch_viz.techniques.base import Result, Technique
from minitorch_viz.techniques.explain.classes_of_pictures import classes_of_pictures
from minitorch_viz.techniques.explain.codes import Metric, Places, as_compared, codes_tally
from minitorch_viz.techniques.explain.neighbours import Kept, kept, nearest, same_class
from minitorch_viz.techniques.explain.nothing import blank_tape
from minitorch_viz.techniques.explain.thumbnails import Thumbnails, none_yet, side_for, thumbnails
from minitorch_viz.techniques.run import how_far, looping
from minitorch_viz.techniques.state import State
from minitorch_viz.techniques.subject import PICTURES, Photos
from minitorch_viz.techniques.tally import Skipped, Tallied, left_out, tallied

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minitorch_viz.models import Model

Form = Literal["points", "pictures", "grid", "filled"]
K = 10  # neighbours that are looked at
HUB = 8  # times as often as others on average: a picture that is near to many
MOST_PIXELS = 1024  # random sums kept of a picture's pixels


@dataclass(frozen=True, eq=False)
class Tsne(Result):
    """Hold codes of n pictures, the maps of them, and how much of their neighbours is kept; or a picture's nearest."""

    no_numbers: ClassVar[tuple[str, ...]] = ("pixels",)

    codes: Array  # (n, d) float32
    pixels: Array  # (n, e) float32: the net's input, as it is or in random sums; (n, 0) where it is the code
    numbers: Array  # (n,) int: which pictures of the data set these are
    titles: tuple[str, ...]  # (n,)
    classes: Array  # (n,) int: the class of each; -1: none
    class_names: tuple[str, ...]
    classes_from: str  # in words; "" without classes
    code: str  # what a code is, in words
    source: str  # what the data set is called
    done: int
    total: int
    skipped: tuple[Skipped, ...]
    more_notes: tuple[str, ...] = ()
    metric: Metric = "cosine"
    asked_form: Form = "points"
    has_seams: bool = False
    seed: int = 0
    perplexities: tuple[int, ...] = ()  # (p,)
    maps: Array = field(default_factory=lambda: np.zeros((0, 0, 2)))  # (p, n, 2)
    components: int = 0  # that t-SNE was given
    share: float = float("nan")  # of the codes' variance in them
    k: int = K
    kept: tuple[Kept, ...] = ()  # (p,)
    near: Array = field(default_factory=lambda: np.zeros((0, 0), np.int64))  # (n, k): the nearest by codes
    ways: Array = field(default_factory=lambda: np.zeros((0, 0)))  # (n, k): their distances
    same_on_map: tuple[float, ...] = ()  # (p,): of the k nearest, the share of the same class
    same_by_codes: float = float("nan")
    same_by_pixels: float = float("nan")
    same_by_chance: float = float("nan")
    small: Thumbnails = none_yet()
    new: NewPictures | None = None  # pictures placed on the finished map
    placed: Placed | None = None
    query: Query | None = None  # the picture whose nearest are asked for
    state: State | None = None  # what another run goes on from

    @property
    def compared(self) -> Array:
        """Return the codes (n, d) whose distances are meant: as they are, or all of length 1."""
        return as_compared(self.codes, self.metric)

    @property
    def form(self) -> Form:
        """Return how it is drawn: as points where there are no pictures in small."""
        return self.asked_form if len(self.small.cells) else "points"

    @functools.cached_property
    def _components(self) -> tuple[Array, float]:
        codes = self.compared
        points = reduced(codes, self.seed).points
        total = float(((codes - codes.mean(axis=0, dtype=np.float64)) ** 2).sum())
        plane = first_two(points)
        return plane, float((plane**2).sum()) / total if total else 1.0

    @property
    def drawn_maps(self) -> Array:
        """Return the maps; before there is one, the codes' first two principal components."""
        return self.maps if len(self.maps) else self._components[0][None]

    @property
    def first_two_share(self) -> float:
        """Return the share of the codes' variance in their first two principal components."""
        return self._components[1]

    @property
    def facts(self) -> tuple[str, ...]:
        subject = f"nearest to {self.query.title[:40]}" if self.query else f"{len(self.codes)} pictures"
        return (self.source[:40], subject)

    @property
    def caption(self) -> str:
        return nearest_caption(self) if self.query is not None else map_caption(self)

    @property
    def notes(self) -> tuple[str, ...]:
        return (
            *how_far(self, "step"),
            *left_out(self.skipped),
            *((f"Classes: {self.classes_from}.",) if self.classes_from else ()),
            *self.more_notes,
            *self._notes_on_form(),
            *self._notes_on_placed(),
        )

    def _notes_on_form(self) -> Iterator[str]:
        if self.query is None and self.asked_form != self.form:
            why = "are too many to be shown in small" if self.done >= self.total else "are shown when all are seen"
            yield f"The pictures themselves {why}; here they are points."
        if self.form == "grid" and len(self.codes) > MOST_SNAPPED:
            yield f"The grid has {MOST_SNAPPED} of the {len(self.codes)} pictures, drawn at random (seed {self.seed})."
        if not np.ptp(self.codes, axis=0).any():
            yield "All codes are the same: the map shows nothing but chance."
        elif self.near.size and (times := np.bincount(self.near.ravel())).max() > HUB * self.k:
            advice = "; --metric cosine compares the codes' directions alone, which helps" * (self.metric == "l2")
            yield (
                f"{self.titles[int(times.argmax())]} is among the {self.k} nearest of {times.max()} of the "
                f"{len(self.codes)} pictures, a hub, as they are frequent where codes have many numbers{advice}."
            )

    def _notes_on_placed(self) -> Iterator[str]:
        if self.placed is None or self.new is None:
            return
        if self.form in ("grid", "filled"):
            yield "New photos are drawn among points and pictures; on a grid there is no room for them."
        for number, title in enumerate(self.new.titles):
            listed = ", ".join(self.titles[index] for index in self.placed.near.numbers[number])
            torn = self.placed.is_torn[:, number].any()
            warning = " These lie far apart on the map, so that the place between them means little." if torn else ""
            how = "at the mean of the places of its nearest by codes, weighted by 1 / distance^2"
            yield f"{title} lies {how}: {listed}.{warning}"

    def html(self) -> str:
        """Return the page: one file, in which one hovers, zooms, and follows neighbours."""
        from minitorch_viz.techniques.activations._tsne_page import render_page

        return render_page(self)


@looping("step", free=("metric", "perplexity", "show", "seams", "labels", "nearest", "place", "seed"))
def tsne(
    model: Model,
    pictures: Any,
    *,
    node: str | None = None,
    places: Places | None = None,
    metric: Metric | None = None,
    perplexity: Wholes | int | None = None,
    show: Form = "points",
    seams: bool = False,
    labels: Path | None = None,
    nearest: str | None = None,
    place: Photos | None = None,
    batch: int = 16,
    workers: int = 1,
    seed: int = 0,
    state: State | None = None,
) -> Iterator[Tsne]:
    """Show the pictures of a data set on a map, those near one another that the net finds alike.

    Each picture goes through the net once; what a node says to it is its code. t-SNE lays the codes out on the plane so
    that near ones stay near. How many of the true neighbours are kept is printed, and how many are of the same class:
    on the map, by codes, by pixels, and by chance. 7,000 pictures take t-SNE about half a minute, beside the net's
    time. Saved as .html it is a page in which one hovers and zooms. A step is a picture seen, or a map made; what
    --resume keeps serves other perplexities, forms, labels and neighbours, too.

    Args:
        node: whose outputs are the codes; by default what the last layer with weights reads; the net's input is the
            pixels
        places: of a node with maps the mean of each channel over its places, or all numbers (default: mean; of the
            input all)
        metric: by what codes are compared: cosine, their directions, or l2, their plain distances (default: cosine; of
            the input l2)
        perplexity: about how many neighbours of a picture count; up to four give as many maps (default: 30, or fewer
            for few pictures)
        show: points in the colours of classes; the pictures themselves, one over another; snapped to a grid, up to
            2,500; or every cell of a grid filled by its nearest
        seams: between the cells of a grid, the true distance of the codes in red
        labels: a .csv file with a picture's file and its class in each line (default: the folders, or the files' names)
        nearest: in place of a map the ten pictures nearest to this one, by codes and by pixels: its number in the data
            set, its file's name, or a photo
        place: new photos, put on the finished map where their nearest are
        batch: pictures a forward pass
        workers: processes that share the pictures
        seed: of t-SNE

    Returns a Tsne with codes (n, d), maps (p, n, 2), one for each perplexity, and the shares. state= goes on from a
    result's. Raises DataFileError if there is no such folder or no picture in it, SettingError if a setting does not
    fit, NetError for an unknown node, ImageFileError for a bad photo.

    Paper: van der Maaten, Hinton 2008; Karpathy 2014 (pictures, grid, seams); Krizhevsky et al. 2012 (nearest).
    """
    seen = as_pictures(pictures)
    if show not in get_args(Form):
        raise SettingError(f"show must be one of {', '.join(get_args(Form))}, but got {show!r}.")
    if seams and show not in ("grid", "filled"):
        raise SettingError(f"Seams are drawn between the cells of a grid: take show=grid or show=filled, not {show}.")
    if metric not in (None, *get_args(Metric)):
        raise SettingError(f"metric must be one of {', '.join(get_args(Metric))}, but got {metric!r}.")
    tally = codes_tally(model, node, places, len(seen))
    source = model.net.inputs[0]
    metric = metric or ("l2" if tally.node == source else "cosine")
    tallies = [tally] if (tally.node, tally.axis) == (source, None) else [tally, _pixels(model, len(seen))]
    query = None if nearest is None else query_of(model, seen, tally, tallies[-1], nearest)
    wanted = () if query else _perplexities(perplexity, len(seen))
    new = None if place is None else new_pictures(model, tally, place)
    total = len(seen) + len(wanted)
    code = code_in_words(tally, blank_tape(model, tally.upto))
    for step in tallied(model, seen, tallies, batch=batch, workers=workers, state=state):
        if not step.tallies[0].arrays:  # every picture so far was broken
            continue
        result = _of_codes(model, seen, step, code, total, labels)
        result = replace(result, metric=metric, asked_form=show, has_seams=seams, seed=seed)
        if step.done < len(seen):
            yield result
    if not step.tallies[0].arrays:
        raise DataFileError(f"There are no codes: none of the {len(seen)} could be read. {step.skipped[0].why}")
    if query is not None:
        yield _with_query(result, query, seen)
        return
    yield from _maps(result, seen, perplexity, new, state)


def _perplexities(perplexity: Any, count: int) -> tuple[int, ...]:
    """Return the perplexities; SettingError where there are too few pictures for any."""
    if count < FEWEST:
        words = "is 1 picture" if count == 1 else f"are {count} pictures"
        raise SettingError(f"A map needs at least {FEWEST} pictures, but there {words}.")
    return need_perplexities(perplexity, count)


def _pixels(model: Model, count: int) -> Any:
    """Return the empty tally of the pictures' pixels, as the net reads them."""
    tally = codes_tally(model, model.net.inputs[0], None, count)
    return replace(tally, most=min(tally.most, MOST_PIXELS))


def _of_codes(model: Model, pictures: Pictures, step: Tallied, code: str, total: int, labels: Path | None) -> Tsne:
    """Return the result of the pictures seen so far."""
    (numbers, codes), *rest = (tally.result() for tally in step.tallies)
    if not np.isfinite(codes).all():
        bad = int((~np.isfinite(codes).all(axis=1)).sum())
        raise SettingError(f"The codes of {bad} pictures are not finite (NaN or infinite); choose another node.")
    classes = classes_of_pictures(model, pictures, numbers, labels)
    return Tsne(
        codes=codes,
        pixels=rest[0][1] if rest else np.zeros((len(codes), 0), np.float32),
        numbers=numbers,
        titles=tuple(pictures.title(number) for number in numbers.tolist()),
        classes=classes.labels,
        class_names=classes.names,
        classes_from=classes.words,
        code=code,
        source=pictures.name,
        done=step.done,
        total=total,
        skipped=step.skipped,
        more_notes=classes.notes,
        k=min(K, max(len(codes) - 1, 1)),
        maps=np.zeros((0, len(codes), 2)),
        state=step.state,
    )


def _with_neighbours(result: Tsne) -> Tsne:
    """Return a result with the nearest by codes, and how many of them are of the same class."""
    by_codes = nearest(result.compared, K)
    same, chance = same_class(by_codes.numbers, result.classes)
    pixels = float("nan")
    if result.pixels.shape[1] and np.isfinite(chance):
        pixels, _ = same_class(nearest(result.pixels, K).numbers, result.classes)
    return replace(
        result,
        near=by_codes.numbers,
        ways=by_codes.distances,
        same_by_codes=same,
        same_by_pixels=pixels,
        same_by_chance=chance,
    )


def _with_query(result: Tsne, query: Query, pictures: Pictures) -> Tsne:
    """Return a picture's nearest neighbours, with these pictures in small."""
    answered = query.answered(result.numbers, result.codes, result.pixels, result.metric, K)
    return replace(_with_neighbours(result), query=answered.with_pictures(pictures, result.numbers))


def _maps(result: Tsne, pictures: Pictures, asked: Any, new: NewPictures | None, state: State | None) -> Iterator[Tsne]:
    """Yield the result with one map after the other."""
    count = len(result.codes)
    wanted = _perplexities(asked, count)  # of those that could be read
    points, share = reduced(result.compared, result.seed)
    side = side_for(count)
    small = none_yet() if side is None else thumbnails(pictures, result.numbers.tolist(), side)
    result = replace(_with_neighbours(result), small=small, components=points.shape[1], share=share)
    assert result.state is not None
    arrays = dict(result.state.arrays)
    if state is not None:
        arrays |= {name: value for name, value in state.arrays.items() if name.startswith("map/")}
    for number, perplexity in enumerate(wanted, start=1):
        key = f"map/{result.metric}/{perplexity}/{result.seed}"
        if key not in arrays:
            arrays = {**arrays, key: embedded(points, perplexity, result.seed)}
        positions = arrays[key]
        maps = np.concatenate([result.maps, positions[None]])
        same, _ = same_class(nearest(positions, K).numbers, result.classes)
        result = replace(
            result,
            done=result.total - len(wanted) + number,
            perplexities=(*result.perplexities, perplexity),
            maps=maps,
            kept=(*result.kept, kept(result.compared, result.near, positions)),
            same_on_map=(*result.same_on_map, same),
            new=new,
            placed=None if new is None else new.placed(result.codes, maps, result.metric),
            state=State(arrays, result.state.numbers),
        )
        yield result


def plot(result: Tsne, figure: Figure) -> None:
    """Draw the maps side by side, as points or as pictures; or a picture and its nearest."""
    if result.query is not None:
        draw_nearest(result, figure)
    else:
        draw_map(result, figure)


def example() -> Tsne:
    """Run it on some of scikit-learn's handwritten digits, as the bundled net sees them."""
    from minitorch_viz.data import load_digits
    from minitorch_viz.models import load_model

    return tsne(load_model("digits"), load_digits()[1][:150])


TECHNIQUE = Technique(
    name="tsne",
    compute=tsne,
    plot=plot,
    title="t-SNE: pictures on a map, the like near one another",
    paper="van der Maaten, Hinton 2008",
    example=example,
    pages=(".html",),
    chapter="look",
    level=70,
    subject=PICTURES,
    budget=20,
)
