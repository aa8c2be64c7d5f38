"""What is said of a net's errors: the caption, and what to know before one believes the charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minitorch_viz.techniques.recurrent._errors_kinds import RARE
from minitorch_viz.techniques.recurrent._errors_ladder import WARM, without_card
from minitorch_viz.techniques.run import how_far

if TYPE_CHECKING:
    from minitorch_viz.techniques.recurrent.errors import Errors

FEW = 2000  # judged letters: with fewer, shares and means are rough


def caption_of(result: Errors) -> str:
    """Return what is to be seen, with the scales."""
    wrong = int((result.kinds >= 0).sum())
    best = result.best
    grams = "" if best is None else f"; the best n-gram model, n = {best + 1}, {result.gram_means[best]:.3f}"
    share = f"{wrong / result.read:.1%}" if result.read else "none"
    return (
        f"{result.net} reads {result.read:,} letters: {result.mean:.3f} nats a letter{grams}. Errors are letters with "
        f"a probability below 1/2, {share} of all; each is named by the first kind that fits, from left to right: an "
        f"n-gram model had it above 1/2; a later letter of a word of the last {result.memory:,} letters; a word that "
        f"was counted at most {RARE} times; the first letter of a word; no letter or digit; the rest, by its "
        "probability. Upper bar: shares of errors, lower bar: shares of all nats (grey: letters that are right), both "
        "scales from 0 to 100 %. Letters: mean probability of the letter that came, the net's less the n-gram model's. "
        "Context: nats a letter when only so many letters before are known. Ladder: nats a letter against seconds, "
        "logarithmic; lines are nets in training, on their validation part; marks are on the letters read here."
    )


def notes_of(result: Errors) -> tuple[str, ...]:
    """Return what to know of this very result."""
    notes = [*how_far(result, "step")]
    if result.start > 1:
        notes.append(
            f"The n-gram models were counted on {result.training}, {result.counted:,} letters; only letters after "
            f"those are judged, from place {result.start:,} on."
        )
    else:
        notes.append(f"The n-gram models were counted on {result.training}, {result.counted:,} letters.")
    notes.append(
        "Whether the net was trained on the same letters is not known here: its own training text may be longer, or "
        "hold what is judged."
    )
    if result.unread:
        notes.append(f"{result.unread:,} further letters are not judged; count says how many are.")
    if len(result.text) < FEW:
        notes.append(f"Only {len(result.text):,} letters are judged: shares and means are rough.")
    if result.start > 1:
        notes.append(f"The net reads up to {WARM} letters before the first judged one.")
    if result.leaks:
        notes.append("What is judged stands in what was counted, so that the n-gram models know it by heart.")
    notes.append(
        f"The context is cut at {len(result.places)} letters: the net begins there with no memory, which it was not "
        "trained for."
    )
    if without := without_card(result.rungs):
        notes.append(
            f"No card beside the weights says how long {without} trained: on the ladder it is a line across all times."
        )
    if any(rung.seconds is not None for rung in result.rungs):
        notes.append(
            "Seconds of training are those of the cards, measured where the nets were trained; counting was measured "
            "here and now, in seconds of the processor."
        )
    return tuple(notes)
