"""The page of a search: a table of the findings, and under it the evidence and a passage for each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz.drawing.html import embedded_figure, render
from minitorch_viz.techniques.recurrent._cell_search_figure import SCALE, draw_growth_alone, share_of
from minitorch_viz.techniques.recurrent._cell_search_words import cell_words, evidence_words, flip_brief, p_words
from minitorch_viz.techniques.recurrent._cells_sheet import is_dark

if TYPE_CHECKING:
    from minitorch_viz.techniques.recurrent._cell_search_findings import Finding
    from minitorch_viz.techniques.recurrent.cell_search import CellSearch

STEPS = 20  # of the colours on either side of 0: a page needs a class for each


def render_page(result: CellSearch) -> str:
    """Return the page as one string of HTML, with everything inside."""
    scored = [_row(finding) for finding in result.findings if finding.matches]
    return render(
        "cell_search.html",
        result=result,
        rows=scored,
        unscored=[finding for finding in result.findings if finding.why],
        colours=_colours(),
        about=result.notes,
        growth=_growth(result),
    )


def _row(finding: Finding) -> dict[str, Any]:
    """Return what the page says of one finding."""
    return {
        "finding": finding,
        "kind": "R²" if finding.is_number else "AUC",
        "cell": cell_words(finding),
        "p": p_words(finding),
        "flip": flip_brief(finding),
        "evidence": list(evidence_words(finding)),
        "share": 100 * share_of(finding.figure, finding),
        "control_share": 100 * share_of(finding.control, finding),
        "bar_share": 100 * share_of(finding.bar, finding),
        "others": finding.matches[1:],
        "runs": _runs(finding),
    }


def _colours() -> list[tuple[int, str, bool]]:
    """Return (step, CSS colour, whether letters on it are white) for the values -1 to 1."""
    steps = np.arange(-STEPS, STEPS + 1)
    colours = SCALE.coloured(steps / STEPS)
    named = ["#" + "".join(f"{round(255 * part):02x}" for part in colour) for colour in colours]
    return list(zip((steps + STEPS).tolist(), named, is_dark(colours).tolist(), strict=True))


def _runs(finding: Finding) -> list[tuple[str, int, bool]]:
    """Return the passage as (letters, step of their colour, whether it is true there), neighbours alike together."""
    steps = np.rint(np.clip(finding.passage_values, -1, 1) * STEPS).astype(int) + STEPS
    is_true = finding.passage_truth > 0 if not finding.is_number else np.zeros(len(steps), bool)
    runs: list[tuple[str, int, bool]] = []
    for letter, step, true in zip(finding.passage, steps.tolist(), is_true.tolist(), strict=True):
        sign = "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}\n" if letter == "\n" else letter
        if runs and runs[-1][1:] == (step, true):
            runs[-1] = (runs[-1][0] + sign, step, true)
        else:
            runs.append((sign, step, true))
    return runs


def _growth(result: CellSearch) -> Any:
    """Return the chart of several nets as a picture of the page; None without such."""
    if not result.sizes:
        return None
    from matplotlib.figure import Figure

    from minitorch_viz.drawing.files import DRAWING

    with DRAWING:
        figure = Figure(facecolor="white")
        draw_growth_alone(result, figure)
        return embedded_figure(figure)
