"""What a page says of an occlusion map: its caption and its notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.activations._occlusion_fills import fill_sentence, fill_words
from minitorch_viz.techniques.explain.blank import blank_note
from minitorch_viz.techniques.tally import left_out

if TYPE_CHECKING:
    from minitorch_viz.techniques.activations._occlusion_reading import Fall
    from minitorch_viz.techniques.activations.occlusion import OcclusionMap

EFFECTS = {  # what a red cell means
    "probability": "without this place the class is less probable",
    "score": "without this place the class has a lower score",
    "value": "without this place the value is lower",
}


def caption_of(result: OcclusionMap) -> str:
    """Return what is to be seen, with the settings and what the colours mean."""
    if result.of_numbers is not None:
        reading = result.reading or f"{result.kind} {result.base:.3f}"
        return f"Explains {result.label}, {reading} on all of it. {_of_numbers(result)}"
    explained = "; ".join(f"{fall.label}, {fall.reading or f'{result.kind} {fall.base:.3f}'}" for fall in result.falls)
    scale = "on the scale of the bar, one for all" if len(result.falls) > 1 else "on the scale of the bar"
    words = (
        f"Explains {explained} on the whole photo. A {fill_words(result.fill)} square of "
        f"{result.size} x {result.size} pixels stood at {result.places} places, one every {_step(result.tops)} "
        f"pixels; each cell shows by how much the {result.kind} falls with the square centred there (the outer cells "
        f"reach to the border), {scale}: red cells matter, {EFFECTS[result.kind]}, white ones do "
        f"not; blue ones hold it down: without them the {result.kind} rises."
    )
    outlined = " Outlined cells raise it by what the notes say." if any(_marked(result)) else ""
    classes = ""
    if result.shows_classes and result.best is not None:
        classes = " Right: the most probable class at each place."
    return " ".join(
        filter(None, (words + outlined + classes, fill_sentence(result.fill, result.size), _strongest(result)))
    )


def _strongest(result: OcclusionMap) -> str:
    strongest = result.strongest
    if strongest is None:
        return ""
    search = result.search
    beside = ""
    if search is not None and search.others:
        names = ", ".join(f"{other.title} ({other.value:.3g})" for other in search.others)
        beside = f", and on those of {search.total} other pictures that excite it most, {names}"
    return (
        f"Below: {strongest.label}, the map of {strongest.layer} with the largest value, as it falls where covered, in "
        f"shares of its total {strongest.base:.3g} on the whole photo (red: it answers to what is there); and what "
        f"its strongest unit answers to, by the deconvnet, on this photo{beside}, each on a scale of its own."
    )


def _of_numbers(result: OcclusionMap) -> str:
    """End a caption: what was covered of a row or a series, and what the colours mean."""
    given = result.of_numbers
    assert given is not None  # asked before
    part = "One column at a time" if given.kind == "row" else f"A window of {result.size} steps of one curve at a time"
    signs = (
        f"red: without it the {result.kind} falls, so that it speaks for the value; blue: without it the {result.kind} "
        f"rises. The largest is {np.abs(result.heat).max():.3g}."
    )
    return (
        f"{part} was replaced by {result.fill} ({result.places} of {result.values.size} places) and the net asked "
        f"again; {signs}"
    )


def notes_of(result: OcclusionMap) -> tuple[str, ...]:
    """Return how far it is, why it is blank or flat, and where covering raises the number."""
    partial = (*result.given_notes, *_how_far(result))
    if result.blank:
        return (*partial, *blank_note(result.blank))
    instead = result.instead if result.of_numbers is None else result.instead.replace("the square stands", "one covers")
    rest = (*partial, f"{instead}.") if instead else partial
    even = tuple(filter(None, (_even(result, fall) for fall in result.falls)))
    return (*even, *rest, *_rises(result), *_remark(result))


def _how_far(result: OcclusionMap) -> tuple[str, ...]:
    """Return that places are missing, or pictures that were to be searched, and those that could not be read."""
    if result.places < result.values.size:
        return (f"This is the result after {result.places} of {result.values.size} places.",)
    search = result.search
    if search is None:
        return ()
    return (
        *(
            (f"Of the {search.total} other pictures {search.done} were searched, and none is shown yet.",)
            if search.done < search.total
            else ()
        ),
        *left_out(search.skipped),
    )


def _even(result: OcclusionMap, fall: Fall) -> str:
    """Return that a map is flat or even; "" if it is not."""
    values = fall.values[~np.isnan(fall.values)]
    least = 1e-3 * (1 if result.kind == "probability" else max(abs(fall.base), 1e-30))
    if np.ptp(values) >= least:
        return ""
    noun = f"The map of {fall.label}" if len(result.falls) > 1 else "The map"
    if np.abs(fall.base - values).max() >= least:
        change = (values - fall.base).mean()
        return f"{noun} is even: wherever the square stands, it changes the {result.kind} by {change:+.3g}."
    return (
        f"{noun} is flat: no place alone matters. The net is sure whatever is covered, or the occluder is too "
        "small; try a larger size."
    )


def _marked(result: OcclusionMap) -> list[bool]:
    return [bool(fall.rise is not None and fall.rise.marked.any()) for fall in result.falls]


def _rises(result: OcclusionMap) -> tuple[str, ...]:
    """Return for each number that covering raises: where most, by how much, at how many places, and what loses."""
    if result.of_numbers is not None:
        return ()
    notes = []
    for fall, marked in zip(result.falls, _marked(result), strict=True):
        rise = fall.rise
        if rise is None or not marked or _even(result, fall):
            continue
        row, column = rise.place
        high, wide = result.picture.shape[:2]
        place = (
            _span("rows", result.tops[row], result.size, high),
            _span("columns", result.lefts[column], result.size, wide),
        )
        count = int(rise.marked.sum())
        others = f"{count} of {result.places} places raise it by {rise.by:.2g} or more and are outlined"
        if count == 1:
            others = f"it is the only place of {result.places} that raises it by {rise.by:.2g} or more, and is outlined"
        notes.append(
            f"Covering raises {fall.label}: with the square over {' and '.join(place)} its {result.kind} rises from "
            f"{rise.before:.3g} to {rise.after:.3g}{_loser(result, fall)}; {others}."
        )
    return tuple(notes)


def _loser(result: OcclusionMap, fall: Fall) -> str:
    rise = fall.rise
    if rise is None or rise.loser is None:
        return ""
    return f" (and that of {result.class_names[rise.loser]!r} falls from {rise.lost[0]:.3g} to {rise.lost[1]:.3g})"


def _span(noun: str, first: int, size: int, side: int) -> str:
    return f"{noun} {max(int(first), 0)} to {min(int(first) + size, side) - 1}"


def _remark(result: OcclusionMap) -> tuple[str, ...]:
    if result.strongest is None:
        return ()
    projection = result.strongest.projection
    blank = f"The projection is blank because {projection.blank}." if projection.blank else ""
    return tuple(filter(None, (blank, projection.remark)))


def _step(tops: Array) -> int:
    return int(tops[1] - tops[0]) if len(tops) > 1 else 0
