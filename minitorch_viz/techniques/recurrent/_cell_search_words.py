"""What a search says in words: its caption, its notes, and the evidence of each cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minitorch_viz.techniques.recurrent._cell_search_clamp import Clamp
from minitorch_viz.techniques.recurrent._cell_search_corpus import RUN_UP
from minitorch_viz.techniques.recurrent._cell_search_flip import WITHIN, Flip
from minitorch_viz.techniques.run import how_far

if TYPE_CHECKING:
    from minitorch_viz.techniques.recurrent._cell_search_findings import Finding
    from minitorch_viz.techniques.recurrent.cell_search import CellSearch

MEMORY = {"c": "memory c", "tanh": "tanh(c)", "h": "output h"}


def caption(result: CellSearch) -> str:
    """Return what is to be seen."""
    layers = " and ".join(result.layers)
    start = f"Cells against hypotheses: the {result.cells} cells of {layers} of {result.net}"
    if not result.findings:
        return f"{start}; the text is being read, and no cell has been scored yet, on the scale of AUC from 0.5 to 1."
    listed = ", ".join(f"{finding.name} ({figure_words(finding)})" for finding in result.found) or "none"
    return (
        f"{start} and {len(result.findings)} hypotheses; found are {listed}. Each cell was chosen on the first "
        f"{result.half:,} letters and measured on the {result.letters - result.half:,} after them, which are held out. "
        "Bars share one scale: of a yes or no from AUC 0.5, chance, to 1, of a number from R^2 0 to 1; the thin bar is "
        "the best cell of a random net. Text has the colour of tanh(c), or of h, on a scale from -1, blue, "
        "over 0, white, to 1, red; a line below it marks letters where the hypothesis is true."
    )


def figure_words(finding: Finding) -> str:
    """Return the held-out figure with its name: "AUC 0.98", "R^2 0.31"."""
    return f"{'R^2' if finding.is_number else 'AUC'} {finding.figure:.3f}"


def cell_words(finding: Finding) -> str:
    """Return which cell it is and how it speaks: "lstm2 cell 17, memory c, higher inside"."""
    match = finding.matches[0]
    rises = "higher" if match.direction > 0 else "lower"
    where = "the more there are" if finding.is_number else "where it is true"
    return f"{match.node} cell {match.cell}, {MEMORY[match.quantity]}, {rises} {where}"


def p_words(finding: Finding) -> str:
    """Return the corrected p-value."""
    p = 1.0 if finding.p is None else finding.p
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def flip_words(flip: Flip) -> str:
    """Return what the flip test says."""
    listed = " or ".join(repr(words) for words in flip.insertions)
    if not flip.delays:
        return f"{listed} inserted at {flip.places} places: the cell never follows within {WITHIN} letters"
    median = "at once" if flip.median == 0 else f"{flip.median:g} letter{'s' * (flip.median != 1)} later"
    return (
        f"{listed} inserted at {flip.places} places: the cell follows at {100 * flip.share:.0f} %, at half of them "
        f"{median} or sooner ({100 * flip.chance:.0f} % without the insertion)"
    )


def flip_brief(finding: Finding) -> str:
    """Return the flip test in a few words; "" if there is none."""
    flip = finding.flip
    if flip is None:
        return ""
    verdict = "passed" if flip.passes else "failed"
    return f"{verdict}: {100 * flip.share:.0f} %" + (f", after {flip.median:g}" if flip.delays else "")


def clamp_words(clamp: Clamp, is_number: bool) -> str:
    """Return what the clamp test says."""
    free, yes, no = (_with_error(*pair) for pair in zip(clamp.values, clamp.errors, strict=True))
    high, low = ("much", "little") if is_number else ("yes", "no")
    return (
        f"{clamp.words}, in {clamp.letters:,} letters that the net writes: {free} freely, {yes} with the cell held at "
        f"{high} (c = {clamp.held[0]:.2f}), {no} held at {low} (c = {clamp.held[1]:.2f})"
    )


def _with_error(value: float, error: float) -> str:
    """Return a value with its standard error, as many digits as it is sure of."""
    if not np.isfinite(value):
        return "there is none"
    if not np.isfinite(error):
        return f"{value:.3g}"
    digits = 2 if error == 0 else int(np.clip(1 - np.floor(np.log10(error)), 0, 4))
    return f"{value:.{digits}f} \N{PLUS-MINUS SIGN} {error:.{digits}f}"


def evidence_words(finding: Finding) -> Iterator[str]:
    """Yield a sentence for each test that was made, or the reason why it was not."""
    if finding.flip is not None:
        verdict = "passed" if finding.flip.passes else "failed"
        yield f"Flip test {verdict}: {flip_words(finding.flip)}."
    elif finding.flip_why:
        yield f"No flip test: {finding.flip_why}."
    if finding.clamp is not None:
        verdict = "moves the text" if finding.clamp.differs else "shows no difference"
        yield f"Holding the cell {verdict}: {clamp_words(finding.clamp, finding.is_number)}."
    elif finding.clamp_why:
        yield f"No clamp test: {finding.clamp_why}."


def notes(result: CellSearch) -> tuple[str, ...]:
    """Return what is uncertain about a search, and its evidence."""
    return (*how_far(result, "step"), *_about_text(result), *_about_findings(result))


def _about_text(result: CellSearch) -> Iterator[str]:
    if result.unused:
        yield (
            f"Of the text the last {result.letters - result.written:,} letters were used and the {result.unused:,} "
            "before them were not (--most takes more)."
        )
    if result.written:
        yield (
            f"The text is short: of these {result.letters:,} letters {result.written:,} were written by the net "
            "itself, which goes on from its end; some ten thousand letters (--text FILE) say more of real texts."
        )
    if result.rows > 1:
        yield (f"The text was read in {result.rows} pieces side by side, each after a run-up of {RUN_UP:,} or more.")


def _about_findings(result: CellSearch) -> Iterator[str]:
    for finding in result.findings:
        if finding.reaches_bar:
            words = f"{finding.name}: {cell_words(finding)}, {figure_words(finding)}, {p_words(finding)}"
            words += f"; the best random cell has {finding.control:.3f}"
            if finding.control is not None and finding.control >= finding.bar:
                words += ", which reaches the bar too: this needs no learning"
            if not finding.is_found:
                words += ". It tells of unchanged text only, and is not called found"
            yield f"{words}. {' '.join(evidence_words(finding))}".strip()
    weak = [f"{each.name} {figure_words(each)}" for each in result.findings if each.matches and not each.reaches_bar]
    untested = [each.name for each in result.findings if each.reaches_bar and not (each.flip or each.flip_why)]
    if untested and result.done == result.total:
        count = sum(each.reaches_bar for each in result.findings)
        yield f"Found without a flip test (--evidence {count} makes all): {', '.join(untested)}."
    if weak:
        yield f"Not found, below the bar (AUC 0.85, R^2 0.25) or no better than chance: {', '.join(weak)}."
    unscored = [f"{finding.name} ({finding.why})" for finding in result.findings if finding.why]
    if unscored:
        yield f"Not scored: {'; '.join(unscored)}."
