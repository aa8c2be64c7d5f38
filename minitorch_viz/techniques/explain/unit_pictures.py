"""The pictures of a passport: patches of the strongest answers with what came back to their pixels, picture by picture.

Of many units the patches are gathered by picture: each is read and looked at once, and the answers of all units in it
go back together, as seeds of one tape.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from minitorch_viz._types import Array, Pair
from minitorch_viz.data.pictures import Pictures
from minitorch_viz.errors import ImageFileError
from minitorch_viz.techniques.explain.fields import spread_of
from minitorch_viz.techniques.explain.passport import FieldFacts
from minitorch_viz.techniques.explain.patches import GREY, Answer, Patch, cut, patches_in, signals_of
from minitorch_viz.techniques.explain.receptive import Field
from minitorch_viz.techniques.explain.strongest import position_of
from minitorch_viz.techniques.explain.tenths import TENTHS
from minitorch_viz.techniques.explain.unit_survey import Ground, Survey
from minitorch_viz.techniques.explain.view import view

TOGETHER = 24  # answers of one picture that go back at once
PROBED = 24  # units of a layer whose strongest answers tell how wide its effective field is
MIDDLE = 2.0  # of a field that is most of the picture so many sigmas of the effective one are shown, at either side


class Wanted(NamedTuple):
    """Name an answer whose patch is to be shown."""

    channel: int
    number: int  # of the picture
    position: Pair | int | None
    value: float


class Effective(NamedTuple):
    """Hold an effective field: where the gradient's energy of strong answers lies, around the field's middle."""

    energy: Array  # (2 H - 1, 2 W - 1), adds up to 1; the middle of the field is in the middle
    sigma: float  # pixels: its width, the mean of both axes
    share: float  # of the energy within one sigma of its middle, along both axes
    answers: int  # that it is the mean of


def top_of(survey: Survey, channel: int, most: int) -> list[Wanted]:
    """Return a channel's strongest answers."""
    top = survey.top
    count = min(top.count(channel), most)
    return [
        Wanted(channel, int(top.numbers[channel, r]), top.position(channel, r), float(top.values[channel, r]))
        for r in range(count)
    ]


def tenths_of(survey: Survey, channel: int) -> list[Wanted]:
    """Return one answer out of each tenth of a channel's answers, the highest tenth first."""
    spread = survey.spread
    wanted = []
    for tenth in range(TENTHS, 0, -1):
        for index in spread.tenth(channel, tenth, 1).tolist():
            position = position_of(spread.rows[index, channel], spread.columns[index, channel])
            wanted.append(Wanted(channel, int(spread.numbers[index]), position, float(spread.values[index, channel])))
    return wanted


class Shown(NamedTuple):
    """Hold what is shown of one unit."""

    patches: list[Patch]  # its strongest answers
    tenths: list[Patch]  # one of each tenth of its answers
    field: Effective | None


def shown(
    ground: Ground,
    pictures: Pictures,
    tops: Sequence[Sequence[Wanted]],
    tenths: Sequence[Sequence[Wanted]],
    reach: float | None = None,
) -> list[Shown]:
    """Return what is shown of several units; each of their pictures is read and looked at once for all of them.

    tops, tenths: of each unit the answers whose patches are wanted. A picture that cannot be read any more is left out.
    reach: sigma of the layer's effective field, by which the patches of fields are cut that are most of the picture.
    """
    flat = [(unit, rank, each) for unit, wanted in enumerate(tops) for rank, each in enumerate(wanted)]
    more = [(unit, rank, each) for unit, wanted in enumerate(tenths) for rank, each in enumerate(wanted)]
    fields = [Energy(ground) for _ in tops]
    patches: dict[tuple[int, int], Patch] = {}
    samples: dict[tuple[int, int], Patch] = {}
    model, node = ground.model, ground.node
    for number, (strong, weak) in _by_picture(flat, more):
        try:
            seen = view(model, pictures[number])
        except ImageFileError:
            continue
        tape = model.net.forward(seen.x, upto=node, fuse=True) if strong else None
        for begin in range(0, len(strong) if tape else 0, TOGETHER):
            portion = strong[begin : begin + TOGETHER]
            answers = [Answer(each.channel, each.position, each.value) for _, _, each in portion]
            guided = signals_of(model, tape, node, answers, "guided")  # type: ignore[arg-type]  # there is one
            gradients = signals_of(model, tape, node, answers, "normal")  # type: ignore[arg-type]
            crops = patches_in(model, pictures, seen, node, number, answers, list(guided))
            for (unit, rank, each), patch, gradient in zip(portion, crops, gradients, strict=True):
                fields[unit].add(each, gradient)
                patches[unit, rank] = focused(ground, patch, reach)
        answers = [Answer(each.channel, each.position, each.value) for _, _, each in weak]
        crops = patches_in(model, pictures, seen, node, number, answers, [None] * len(weak))
        for (unit, rank, _), patch in zip(weak, crops, strict=True):
            samples[unit, rank] = focused(ground, patch, reach)
    return [
        Shown(
            [patches[unit, rank] for rank in range(len(tops[unit])) if (unit, rank) in patches],
            [samples[unit, rank] for rank in range(len(tenths[unit])) if (unit, rank) in samples],
            fields[unit].result(),
        )
        for unit in range(len(tops))
    ]


def focused(ground: Ground, patch: Patch, reach: float | None) -> Patch:
    """Return a patch that shows the middle of a field that is most of the picture, where its gradient's energy lies."""
    height, width = size = patch.part.bottom, patch.part.right
    middle = middle_of(ground, patch.position, size)
    half = 0 if reach is None else max(round(MIDDLE * reach), 8)
    if middle is None or not half or patch.part != Field(0, 0, *size) or 2 * half >= max(size):
        return patch
    top, left = (
        int(np.clip(round(place) - half, 0, max(side - 2 * half, 0))) for place, side in zip(middle, size, strict=True)
    )
    part = Field(top, left, min(top + 2 * half, height), min(left + 2 * half, width))
    beside = None if patch.beside is None else cut(patch.beside, part, GREY)
    return patch._replace(crop=cut(patch.crop, part, GREY), beside=beside, part=part, field=part)


def middle_of(ground: Ground, position: Pair | int | None, size: Pair) -> tuple[float, float] | None:
    """Return the middle of a unit's field, (row, column) in pixels; None for a unit without a place."""
    if not isinstance(position, tuple):
        return None
    if ground.geometry is not None:
        return ground.geometry.centre(position)
    shape = ground.tape[ground.node].shape[2:]
    rows, columns = (
        (place + 0.5) * side / count - 0.5 for place, side, count in zip(position, size, shape, strict=True)
    )
    return rows, columns


class Energy:
    """Sum up an effective field: the energy of gradients, each moved so that its field's middle is in the middle.

    Luo et al. 2016, "Understanding the effective receptive field": the energy is the gradient's square.
    """

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.size = ground.model.preprocessing.size
        self.sum: Array | None = None
        self.count = 0

    def add(self, answer: Wanted, gradient: Array) -> None:
        """Take in the gradient (C, h, w) of an answer; units without a place have no field, nor have other sizes."""
        middle = middle_of(self.ground, answer.position, self.size)
        if middle is None or gradient.shape[1:] != tuple(self.size):
            return
        energy = np.square(gradient, dtype=np.float32).sum(axis=0, dtype=np.float32)
        total = float(energy.sum())
        if not total > 0 or not np.isfinite(total):
            return
        height, width = self.size
        row, column = (int(np.clip(round(place), 0, side - 1)) for place, side in zip(middle, self.size, strict=True))
        if self.sum is None:
            self.sum = np.zeros((2 * height - 1, 2 * width - 1), np.float32)
        top, left = height - 1 - row, width - 1 - column
        self.sum[top : top + height, left : left + width] += energy / np.float32(total)
        self.count += 1

    def result(self) -> Effective | None:
        """Return the field; None if nothing was summed up."""
        return None if self.sum is None else _measured(self.sum.astype(np.float64), self.count)


def reach_of(survey: Survey, pictures: Pictures) -> float | None:
    """Return sigma of a layer's effective field, over the strongest answers of some of its units."""
    ground = survey.ground
    model, total = ground.model, Energy(ground)
    channels = np.unique(np.linspace(0, ground.channels - 1, PROBED).round().astype(int))
    wanted = [(0, 0, each) for channel in channels.tolist() for each in top_of(survey, channel, 1)]
    for number, (strong, _) in _by_picture(wanted, []):
        try:
            seen = view(model, pictures[number])
        except ImageFileError:
            continue
        tape = model.net.forward(seen.x, upto=ground.node, fuse=True)
        answers = [Answer(each.channel, each.position, each.value) for _, _, each in strong]
        for (_, _, each), gradient in zip(strong, signals_of(model, tape, ground.node, answers, "normal"), strict=True):
            total.add(each, gradient)
    field = total.result()
    return None if field is None else field.sigma


def field_facts(
    ground: Ground, field: Effective | None, covered: Effective | None = None, patches: Sequence[Patch] = ()
) -> FieldFacts:
    """Return what a unit can see, and what it does see; covered: its empirical field, where it was measured."""
    geometry, size = ground.geometry, ground.model.preprocessing.size
    return FieldFacts(
        None if geometry is None else geometry.size,
        None if geometry is None else geometry.stride,
        size,
        None if field is None else round(field.share, 4),
        None if field is None else round(field.sigma, 2),
        None if covered is None else round(covered.sigma, 2),
        any(patch.is_whole and max(patch.crop.shape[:2]) < max(size) for patch in patches),
    )


def _measured(energy: Array, answers: int) -> Effective:
    """Return the width of an energy map, and the share of it within one sigma."""
    spread = spread_of(energy, np.arange(energy.shape[0]), np.arange(energy.shape[1]))
    return Effective(energy / energy.sum(), float(np.mean(spread.sigma)), spread.share, answers)


Place = tuple[int, int, Wanted]  # (unit, rank, answer)


def _by_picture(
    strong: Sequence[Place], weak: Sequence[Place]
) -> Iterator[tuple[int, tuple[list[Place], list[Place]]]]:
    """Yield (number of a picture, those of both sorts of answers that are in it)."""
    places: dict[int, tuple[list[Place], list[Place]]] = {}
    for sort, answers in enumerate((strong, weak)):
        for place in answers:
            places.setdefault(place[2].number, ([], []))[sort].append(place)
    yield from sorted(places.items())
