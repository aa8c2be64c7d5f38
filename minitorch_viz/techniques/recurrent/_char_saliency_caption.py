"""What is said of the saliency of letters and words: the caption, and the notes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from minitorch_viz.techniques.recurrent._char_saliency_numbers import percent

if TYPE_CHECKING:
    from minitorch_viz.techniques.recurrent.char_saliency import CharSaliency


def caption_of(result: CharSaliency) -> str:
    """Return what is to be seen, with the scales and the colours."""
    quantity = "log probability" if result.value == "log-probability" else "score"
    noun = "word" if result.of_words else "letter"
    vector = "vector in the net's table" if result.on_table else "row of zeros with a 1"
    words = {
        "gradient": f"gradient: the length of the derivative of the {quantity} by each {noun}'s {vector}, white to "
        "black",
        "gradient-x-input": "gradient x input: how much it rises as the vector grows, red up and blue down",
        "occlusion": f"occlusion: by how much it falls where the mean vector of all {noun}s stands in place of one, "
        f"red: the {noun} speaks for it, blue: against",
    }
    listed = "; ".join(words[method] for method in result.methods)
    below = (
        f" Below, a column a {noun} and a row a number of its vector: the derivative's size, and (e - mean)^2, the "
        f"distance from the mean of these {noun}s (Li et al.'s variance), each on its scale from 0."
    )
    place = "" if result.of_words else f" at place {result.place}"
    return (
        f"What {result.net}'s {quantity} of {result.target!r}{place} ({result.why}) depends on, probability "
        f"{percent(result.probability)}. A strip a method, each on a scale of its own, full colour at its largest "
        f"value: {listed}.{below * result.shows_vectors}"
    )


def notes_of(result: CharSaliency) -> Iterator[str]:
    """Yield what to know of this very result."""
    listed = ", ".join(f"{letter!r} {share:.0%}" for letter, share in result.likeliest)
    if result.of_words:
        yield f"The net's answers: {listed}."
        if result.beside:
            yield f"It looked at {result.beside}."
    else:
        yield f"The net expected {listed}; {f'{result.came!r} came' if result.came else 'the text ends there'}."
    if result.first:
        yield f"The {result.first:,} letters before are read, too, and not explained."
    for method, heat in zip(result.methods, result.heats, strict=True):
        if not heat.any():
            noun = "word" if result.of_words else "letter"
            yield f"{method} is 0 everywhere: as far as it can tell, no {noun} matters to this prediction."
