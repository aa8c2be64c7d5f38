"""What is said of evolved pictures: their caption, their notes, and confidences as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.techniques.run import how_far

if TYPE_CHECKING:
    from minitorch_viz.techniques.optimization.evolve import Evolved

SURE = 0.99  # from this confidence on a net is called sure
WAYS = {
    "cppn": "drawn by graphs of neurons that grow (CPPNs)",
    "direct": "written down pixel by pixel",
}
UNLIKE = {
    "cppn": (
        "Unlike the program of the paper: x and y run from -1 to 1 and are no pixel numbers, and tanh is among the "
        "functions."
    ),
    "direct": "Unlike the program of the paper: pixels are whole numbers, and a crossover is not bounded but clipped.",
}


def percent(share: float) -> str:
    """Return a confidence in percent, never rounded up to one that it does not reach."""
    if share > 0.99999:
        return "> 99.999 %"
    for least, digits in ((0.99, 3), (0.1, 1)):
        if share >= least:
            steps = 10.0 ** (digits + 2)
            return f"{100 * np.floor(share * steps + 1e-9) / steps:.{digits}f} %"
    return f"{100 * share:.2g} %"


def nouns_of(result: Evolved) -> str:
    """Return the plural of what a score is of."""
    return f"{result.noun}es" if result.noun.endswith("s") else f"{result.noun}s"


def caption_of(result: Evolved) -> str:
    """Return what is to be seen."""
    shown, count = len(result.pixels), len(result.champions)
    classes = f"the {shown} surest of {count} {nouns_of(result)}" if shown < count else f"each {result.noun}"
    classes = f"the {result.noun} {result.names[0]}" if count == 1 else classes
    judged = f", and below that what {result.opinions[0].net} says" if result.opinions else ""
    charts = (
        f"the probabilities of all {count} champions on a scale of odds, log(p / (1 - p)): their median, the middle "
        f"half, the least and the most; and how many have at least 99 %"
    )
    chart = "the champion's probability from generation to generation on a scale of odds, log(p / (1 - p))"
    return (
        f"Evolved pictures, {WAYS[result.encoding]}: for {classes} the one of which {result.net} is surest, of "
        f"{result.population} in each of {result.done} generations; no gradient was used. Above it its {result.noun} "
        f"and the net's probability{judged}. Pixels are shown as they are, on the scale of 0 to 255. Below, "
        f"{chart if count == 1 else charts}."
    )


def notes_of(result: Evolved) -> tuple[str, ...]:
    """Return what is to be known of this run."""
    count, sure = len(result.champions), int((result.champions >= SURE).sum())
    median, nouns = percent(float(np.median(result.champions))), nouns_of(result)
    notes = [
        "A probability says how much more this than any other class, not how much like a picture of it: natural "
        "pictures of a class stand beside those of class-model."
    ]
    if count > 1:
        notes.insert(0, f"{result.net} is at least 99 % sure of {sure} of {count} {nouns} (median {median}).")
    if count > 1 and result.taken:
        notes.append(
            f"New champions so far: {result.taken}, of which {result.moved} came from another {result.noun}'s: a shape "
            "that was found for one goes on as another's."
        )
    return (*how_far(result, "generation"), *notes, *_shared(result), UNLIKE[result.encoding])


def _shared(result: Evolved) -> tuple[str, ...]:
    """Say how far another net is fooled, too."""
    if not result.opinions:
        return ()
    net, answers = result.opinions[0].net, [opinion for opinion in result.opinions if opinion.rank]
    if not answers:
        return (f"{net} has no class of these names, so whether it is fooled, too, cannot be told.",)
    first = sum(opinion.rank == 1 for opinion in answers)
    pictures = f"{len(answers)} picture{'' if len(answers) == 1 else 's'}"
    taken = f"takes {first} of {pictures} for the same {result.noun}"
    return (f"{net}, which had no part in it, {taken}.",)
