"""The caption and the notes of a linear explanation, and its numbers in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.optimize.attacks.norms import remark_on

if TYPE_CHECKING:
    from minitorch_viz.techniques.optimization.linear_explanation import LinearExplanation

MINUS, APPROACHES = "\N{MINUS SIGN}", "\N{RIGHTWARDS ARROW}"
ROUNDING = 1e-4  # of the change: what the sums of a net in single precision may be off


def short(value: float, digits: int = 3) -> str:
    """Return a number in so many digits, with a true minus sign."""
    text = f"{value:.{digits}g}" if abs(value) < 1e5 or not np.isfinite(value) else f"{value:,.0f}"
    return text.replace("-", MINUS)


def eps_words(result: LinearExplanation, eps: float | None = None) -> str:
    """Return a step in words: "5 of 255", or in the numbers' own units."""
    eps = result.eps if eps is None else eps
    return f"{short(eps)} of 255" if result.is_grey else short(eps)


def share_words(share: float) -> str:
    """Return a share in per cent, and not 0 where there is some."""
    return f"{share:.1%}" if share == 0 or share >= 0.0005 else "under 0.1%"


def sizes_words(result: LinearExplanation) -> str:
    """Return the size of the change in three norms."""
    largest, root, length = result.norms
    words = (f"L-infinity {short(largest)}", f"RMS {short(root)}", f"L2 {short(length, 4)}")
    return ", ".join(word.replace(" ", "\N{NO-BREAK SPACE}") for word in words)


def caption_of(result: LinearExplanation) -> str:
    """Return what is to be seen."""
    ten, walk, place = result.ten, result.along, result.at
    noun, unit = (result.noun, "grey levels of 0 to 255") if result.is_grey else (result.noun, "its own units")
    size = result.weights.size
    start, end = walk.values[0], walk.values[place]
    weights = "weights" if result.is_linear else "gradient"
    line = (
        "a weighted sum of its numbers"
        if result.is_linear
        else "near this input nearly a weighted sum of its numbers, the gradient being the weights"
    )
    needs = _needs(result)
    scales = (
        "each has a scale of its own"
        if result.of_numbers is not None
        else "those before and after share a scale, the others have their own, the 99.5th percentile"
    )
    return (
        f"Ten numbers first: each is moved by 0.5 in the direction of its weight, and the score goes from "
        f"{short(ten.scores[0])} to {short(ten.scores[1])}, the probability from {ten.probabilities[0]:.2f} to "
        f"{ten.probabilities[1]:.2f}. Then {size:,}: for {result.model} the {result.quantity} is {line}. Each number "
        f"of this {noun} is moved by eps = {short(result.eps)} in the direction of its weight's sign; the value "
        f"goes from {short(start)} to {short(end)}, where the straight line says {short(walk.straight[place])} = "
        f"{short(start)} + eps x L1 norm of the {weights}. The change is, in {unit}, {sizes_words(result)}. Its cosine "
        f"with the {weights} is {short(result.cosine)}, that of random signs {short(result.random_cosine, 2)}. {needs}"
        f"In maps of products red raises and blue lowers the value; {scales}."
    )


def _needs(result: LinearExplanation) -> str:
    """Return at what step, and at what mix, the answer turns."""
    ways = []
    if np.isfinite(result.turn):
        ways.append(f"at eps {short(result.turn)}")
    if np.isfinite(result.mix_turn):
        weights = "weights" if result.is_linear else "gradient"
        ways.append(f"with a mix of the {weights} at {short(result.mix_turn)} of the length of the {result.noun}")
    return f"The answer becomes {result.goal} {', and '.join(ways)}. " if ways else ""


def notes_of(result: LinearExplanation) -> tuple[str, ...]:
    """Return what is clipped, uncertain or unlike a linear net."""
    return (*result.given_notes, *_line_notes(result), *_turn_notes(result), *_eps_notes(result))


def _line_notes(result: LinearExplanation) -> list[str]:
    """Return what becomes of the straight line: at the bounds, and where the net is not linear."""
    walk, at, notes = result.along, result.at, []
    kept, full = (values[at] - values[0] for values in (walk.kept, walk.straight))
    if not result.weights.any():
        return [f"The gradient of the {result.quantity} is 0 everywhere, so that no small step changes anything."]
    if walk.clipped[at]:
        notes.append(
            f"Of the numbers {share_words(walk.clipped[at])} came to 0 or 255 and could not go on: "
            f"{share_words(1 - kept / full)} of the effect was cut off, and "
            f"what is left is {short(kept)} in place of eps times the L1 norm, {short(full)}."
        )
    if not result.is_linear:
        change, error, switched = walk.values[at] - walk.values[0], walk.errors[at], walk.switched[at]
        parts = [f"The straight line is the net's own only near the {result.noun}: at this eps the value changes by "]
        parts.append(f"{short(change)} where the gradient says {short(kept)}")
        parts.append(f", {error:+.0%}" if np.isfinite(error) else "")
        parts.append(f"; {switched:.1%} of the ReLUs have switched" if np.isfinite(switched) else "")
        parts.append(f". After the step the gradient's cosine with the one before is {short(result.end_cosine, 2)}.")
        notes.append("".join(parts))
    return notes


def _turn_notes(result: LinearExplanation) -> list[str]:
    """Return what is to be said of where the answer turns."""
    if not np.isfinite(result.border):
        return [
            "The net gives plain numbers: there is no answer that could turn, and eps is what was chosen to be seen."
        ]
    if not result.weights.any():
        return []
    notes = []
    if not np.isfinite(result.turn):
        far = (
            ""
            if result.is_linear
            else ": the line is not right that far. Small steps, each along a new gradient, do more"
        )
        notes.append(f"One step along the signs makes the answer {result.goal} at no eps tried{far}.")
    elif not result.along.turned[result.at]:
        notes.append(f"At this eps the answer is {result.along.says[result.at]}; at {short(result.turn)} it turns.")
    if not np.isfinite(result.mix_turn) and result.of_numbers is None:
        passed = result.mix.values.max() > result.border
        why = f": a third class is ahead of both ({result.mix.says[-1]} at a = 1)" if passed else ""
        notes.append(f"No mix up to the length of the photo makes the answer {result.goal}{why}.")
    return notes


def _eps_notes(result: LinearExplanation) -> list[str]:
    """Return what a picture file makes of so small a change."""
    if result.is_grey and result.eps < 0.5:
        remark = remark_on(result.eps, "linf", result.change.size)
        return [f"{remark} In a picture file, which has whole levels, nothing of it is left."]
    if result.is_grey and result.along.turned[result.at] and not result.survives:
        return ["Rounded to whole grey levels, as in a picture file, the changed photo has the old answer again."]
    return []
