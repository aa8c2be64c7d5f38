"""What is said of the pictures of planted units, whose truth is known, and of layers without a trust score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.models.scenes_liar import LIAR, MEANINGS, SHOWS, Plant

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
    fooled = [name for name, (pretended, showed) in zip(names, values, strict=True) if showed > pretended]
    honest = [name for name in names if name not in fooled]
    listed = "; ".join(
        f"{name} excites channel {LIAR} to {pretended:.0%} and channel {SHOWS} to {showed:.0%}"
        for name, (pretended, showed) in zip(names, values, strict=True)
    )
    words = f"Fooled: {', '.join(fooled) if fooled else 'no preset'}."
    words += f" Not fooled: {', '.join(honest)}." if honest else ""
    words += f" In the net without the lie (100% is the most that a natural picture excites each to): {listed}."
    if np.isfinite(trusts).any():
        words += f" Their trust scores are {np.nanmin(trusts):.2f} to {np.nanmax(trusts):.2f}."
    return words


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
