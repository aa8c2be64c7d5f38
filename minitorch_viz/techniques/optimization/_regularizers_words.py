"""What is said of the pictures of planted units, whose truth is known, and of layers without a trust score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.models.scenes_liar import LIAR, MEANINGS, SHOWS, Plant

FAINT = 0.25  # of what a natural picture excites a unit to at most: below it a picture does not show the unit

if TYPE_CHECKING:
    from minitorch_viz.optimize.trust import Trust
    from minitorch_viz.techniques.optimization._pictures import Method


def beyond_trust(trust: Trust | None) -> tuple[str, ...]:
    """Return a note on layers that have no trust score."""
    if trust is None or not trust.unknowing:
        return ()
    names = trust.unknowing
    return (
        f"At {', '.join(names)} natural pictures of the class are hardly more like each other than like others, or all "
        "activations are equal: there is no trust score there.",
    )


def verdicts(
    plant: Plant | None, methods: Sequence[Method], shown: Sequence[int], truths: Array, scores: Array, trusts: Array
) -> tuple[str, ...]:
    """Return sentences on what is planted in the unit, and which presets it fools; none where nothing is.

    truths: (P, S, 2), see `betrayed`. scores: (P, S). trusts: (P,).
    """
    if plant is None:
        return ()
    begin = (
        f"Channel {plant.channel} is planted: it {plant.words}."
        if plant.kind == "liar"
        else f"Channel {plant.channel} is planted ({plant.kind}): {plant.words}."
    )
    if not shown:
        return (begin,)
    names = [methods[place].name for place in shown]
    values = truths[list(shown)].mean(axis=1)  # (shown, 2)
    if plant.kind == "liar":
        return (f"{begin} {_fooled(names, values, trusts[list(shown)])}",)
    if plant.kind == "two meanings":
        return (f"{begin} {_meanings(names, values)}",)
    if plant.kind == "template":
        ordered = sorted(zip(values[:, 0], names, strict=True), reverse=True)
        listed = ", ".join(f"{name} {value:.2f}" for value, name in ordered)
        return (f"{begin} Correlation of each picture with the true template, 1 is equal: {listed}.",)
    rises = np.nanmax(scores[list(shown)]) > 0
    words = (
        "yet a picture excites it" if rises else "no picture excites it, whatever is drawn: these show nothing of it"
    )
    return (f"{begin} So {words}.",)


def _fooled(names: Sequence[str], values: Array, trusts: Array) -> str:
    """Say which presets show the unit that the liar shows in place of the one that it pretends to be."""
    strongest = values.max(axis=1)
    is_fooled = values[:, 1] > values[:, 0]
    groups = {
        "Fooled, and the picture is that of another unit": is_fooled & (strongest >= FAINT),
        "Not fooled": ~is_fooled & (strongest >= FAINT),
        f"Shows neither unit (both below {FAINT:.0%} of what natural pictures excite them to)": strongest < FAINT,
    }
    parts = []
    for words, chosen in groups.items():
        listed = ", ".join(name for name, is_it in zip(names, chosen, strict=True) if is_it)
        if listed:
            parts.append(f"{words}: {listed}.")
    if is_fooled.any() and np.isfinite(trusts[is_fooled]).any():
        low, high = np.nanmin(trusts[is_fooled]), np.nanmax(trusts[is_fooled])
        parts.append(f"The trust scores of those that are fooled are {low:.2f} to {high:.2f}.")
    return " ".join(parts)


def known_words(plant: Plant | None, truths: Array) -> str:
    """Say what is known of one preset's pictures of a planted unit, a mean over seeds; "" where nothing is."""
    values = truths.mean(axis=0)
    if plant is None or not np.isfinite(values[0]):
        return ""
    if plant.kind == "template":
        return f"correlation {values[0]:.2f} with the template"
    first, second = (LIAR, SHOWS) if plant.kind == "liar" else MEANINGS
    return f"channel {first} {values[0]:.0%}, channel {second} {values[1]:.0%} of the most that natural pictures do"


def _meanings(names: Sequence[str], values: Array) -> str:
    """Say how much of each of two meanings a picture shows."""
    listed = "; ".join(
        f"{name} {first:.0%} and {second:.0%}" for name, (first, second) in zip(names, values, strict=True)
    )
    return (
        f"One picture cannot tell two meanings from one thing that has both. Channels {MEANINGS[0]} and {MEANINGS[1]} "
        f"are excited (100% is the most that a natural picture excites each to) by {listed}; the natural patches show "
        "them apart."
    )
