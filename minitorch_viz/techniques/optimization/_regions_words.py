"""What a caption and the notes say of regions: what is where, how sizes are measured, and what was not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.techniques.run import how_far

if TYPE_CHECKING:
    from minitorch_viz.techniques.optimization.regions import Regions

MUCH = 0.05  # share of the values beyond 0..255 of which a note speaks


def caption_of(result: Regions) -> str:
    """Return what is to be seen."""
    return " ".join(filter(None, [_map(result), _distances(result), _measure(result)]))


def _map(result: Regions) -> str:
    side = len(result.classes)
    plane = (
        f"What {result.net} answers to every pair of numbers around the {result.noun} in the middle ({result.answer})"
        if result.middle is not None
        else f"What {result.net} answers on a plane through the {result.noun} in the middle ({result.answer}): to the "
        f"right {result.axes[0]}, upwards {result.axes[1]}, at right angles to it"
    )
    return (
        f"{plane}. A colour is the answer, paler where its probability is less; the black line is the border of the "
        f"{result.noun}'s own answer, where its score equals the best other one; {side} x {side} points."
    )


def _distances(result: Regions) -> str:
    words = ("the attack's direction", "random directions", "the ways to real pictures")
    parts = []
    for kind, name in enumerate(words):
        rows = (result.kinds == kind) & result.searched
        if not rows.any():
            continue
        reached = result.distances[rows & (result.behind >= 0)]
        count = int(rows.sum())
        if kind == 0:
            parts.append(
                f"along {name} ({result.attack}) {number(float(reached[0]))}" if len(reached) else f"along {name} none"
            )
        elif len(reached):
            of = f"{count}" if len(reached) == count else f"the {len(reached)} of {count} that reach one"
            parts.append(f"along {name} {number(float(np.median(reached)))} (median of {of})")
        else:
            parts.append(f"along {count} {name} none")
    if not parts:
        return ""
    return f"Distance of the border from the {result.noun}: {'; '.join(parts)}."


def _measure(result: Regions) -> str:
    share = f"{result.precision:.2g}"
    bisected = (
        f"A border is looked for in 25 places of each way and then halved down to {share} of its distance; a strip "
        "narrower than the step between two places is missed."
    )
    if not result.pictures:
        return f"Sizes are {result.unit}. {bisected}"
    cut = (
        " What leaves 0 to 255 is cut off before the net sees it; axes and distances are those before the cut, the "
        "chart shows what is left of a change."
        if result.clip
        else " Nothing is cut off: what leaves 0 to 255 is no picture any more."
    )
    linf = " and ".join(f"{value:.3g}" for value in result.largest)
    return f"Sizes are {result.unit}; a move of size 1 along the axes has the L-infinity size {linf}.{cut} {bisected}"


def notes_of(result: Regions) -> tuple[str, ...]:
    """Return what is to be known of this result."""
    return (
        *how_far(result, "point"), *_coarse(result), *_unreached(result), *_cut(result), *_projected(result),
        *result.remarks,
    )  # fmt: skip


def _coarse(result: Regions) -> tuple[str, ...]:
    if result.stride == 1 or not result.points:
        return ()
    return (f"So far the map is drawn from every {_ordinal(result.stride)} point along both axes.",)


def _unreached(result: Regions) -> tuple[str, ...]:
    notes = [] if result.attack else ["The scores have no slope here, so that no attack has a direction."]
    missed = result.searched & (result.behind < 0)
    attack, random, real = (int((missed & (result.kinds == kind)).sum()) for kind in range(3))
    far = number(float(result.far[0]))
    if attack:
        notes.append(f"Along the attack's direction the answer is the same as far as {far}: no border was found.")
    if random:
        notes.append(
            f"In {random} of {int((result.kinds == 1).sum())} random directions there is no border as far as {far}."
        )
    if real:
        count = int((result.kinds == 2).sum())
        notes.append(f"On the way to {real} of {count} real pictures the answer stays the same, up to the picture.")
    return tuple(notes)


def _cut(result: Regions) -> tuple[str, ...]:
    if not result.pictures or np.isnan(result.outside).all():
        return ()
    shares = result.outside[~np.isnan(result.outside)]
    least, most = float(np.sort(shares)[:2].max()), float(shares.max())  # of the middle itself it is 0
    if least > MUCH:
        return (
            f"Everywhere but in the middle pixels leave 0 to 255, from {least:.0%} to {most:.0%} of the values: the "
            "photo has many at the ends of the range.",
        )
    return (f"On the map up to {most:.0%} of the values leave 0 to 255.",) if most > MUCH else ()


def _projected(result: Regions) -> tuple[str, ...]:
    if not len(result.asides):
        noun = "pictures" if result.noun == "photo" else "series" if result.noun == "series" else f"{result.noun}s"
        return (f"There are no other {noun} to compare with: give them with pictures=.",)
    if result.middle is not None:
        return ()
    inside, count = int((np.abs(result.places) <= result.reach).all(axis=1).sum()), len(result.asides)
    where = "beside it (the map" if count == 1 else f"beside it, {inside} of them over the map (which"
    subject = (
        "The real picture is not where its ring is: this is its projection onto the plane, and it lies"
        if count == 1
        else f"The {count} real pictures are not where their rings are: these are projections onto the plane; they lie"
    )
    return (f"{subject} {_span(result.asides)} {where} reaches {number(result.reach)}).",)


def _span(values: Array) -> str:
    low, high = number(float(values.min())), number(float(values.max()))
    return low if low == high else f"{low} to {high}"


def number(value: float) -> str:
    """Return a size in at most three digits."""
    return f"{value:.3g}"


def _ordinal(value: int) -> str:
    return {2: "second", 4: "fourth", 8: "eighth", 16: "16th", 32: "32nd"}.get(value, f"{value}th")
