"""What a figure of style transfer says in words: its caption and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minitorch_viz.techniques.run import how_far

if TYPE_CHECKING:
    from minitorch_viz.techniques.optimization.style import Style

SHOWN = {
    "picture": "The photo painted like the style",
    "optimizers": "The photo painted by three optimizers, with the same loss",
    "content": "The photo painted with its shapes kept by activations, and by pixels",
    "layers": "What each layer keeps of a style and of a content, each alone, from noise",
    "gram": "The Gram matrix: what is left of the painting when places are forgotten",
}
UNITS = "Pixels are on their own scale, 0 to 255."
TERMS = "each term is a share of its target's own size, 0 being met, times its weight."
SOME = 4  # notes of single steps; the others are counted


def caption_of(result: Style) -> str:
    """Return what is to be seen, with the settings and the scale."""
    if result.gram is not None:
        return (
            f"{SHOWN['gram']}, {result.about} Left the painting's, right the photo's, for {result.gram.node}: the "
            "cosine of every two channels over all places, on a scale from 0 to 1; like channels are neighbours. Below "
            "are the pairs of channels with the largest products, each channel in one pair alone, and the places of "
            "the painting where both answer most."
        )
    losses = f"The loss is {result.loss:.4g}; {TERMS}"
    if len(result.titles) > 1:
        ends = [sum(part.values()) for part in result.parts]
        listed = ", ".join(f"{title} {loss:.4g}" for title, loss in zip(result.titles, ends, strict=False))
        losses = f"Losses: {listed or 'none yet'}; {TERMS}"
    elif result.parts:
        listed = "; ".join(f"{name} {value:.3g}" for name, value in result.parts[0].items())
        losses += f" Of it: {listed}."
    return f"{SHOWN[result.show]}: {result.about} {UNITS} {losses}"


def notes_of(result: Style) -> tuple[str, ...]:
    """Return what is to be known of this result."""
    steps = [words for words in result.words if words.startswith("Step ")]
    others = [words for words in result.words if not words.startswith("Step ")]
    more = len(steps) - SOME
    if more > 0:
        steps = [*steps[:SOME], f"{more} more steps have such a note."]
    return (*how_far(result, "step"), *others, *steps)
