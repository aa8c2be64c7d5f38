"""The page of char-saliency: the text, and for the letter that one points at what its prediction depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minitorch_viz._types import Array
from minitorch_viz.drawing.html import render, script_data
from minitorch_viz.techniques.recurrent._char_saliency_figure import NAMES, SIGNED, units_of

if TYPE_CHECKING:
    from minitorch_viz.techniques.recurrent.char_saliency import CharSaliency


def render_page(result: CharSaliency) -> str:
    """Return the page as one string of HTML, with everything inside."""
    return render(
        "char_saliency.html",
        data=script_data(page_data(result)),
        net=result.net,
        count=len(result.units),
        noun="word" if result.of_words else "letter",
        predictions=len(result.expected),
        methods=[NAMES[name] for name in result.methods],
        caption=result.caption,
        notes=result.notes,
    )


def page_data(result: CharSaliency) -> dict[str, Any]:
    """Return what the page's script needs, in plain lists.

    Prediction number e is that after letter `before + e`; `rows` hold its numbers for the letters up to there.
    """
    before = len(result.units) - len(result.expected)
    letters = [*result.units[before + 1 :], result.target]
    return {
        "text": list(result.units),
        "words": result.of_words,
        "first": result.first,
        "before": before,
        "target": result.target,
        "came": result.came,
        "targets": letters,
        "chances": _short(result.chances),
        "expected": [[[letter, _digits(share)] for letter, share in row] for row in result.expected],
        "methods": [
            {
                "name": NAMES[name],
                "signed": SIGNED[name],
                "unit": units_of(result)[name],
                "rows": [_short(row[: before + number + 1]) for number, row in enumerate(rows)],
            }
            for name, rows in zip(result.methods, result.maps, strict=True)
        ],
    }


def _short(values: Array) -> list[float]:
    return [_digits(value) for value in np.asarray(values, np.float64).tolist()]


def _digits(value: float) -> float:
    return float(f"{value:.3g}")
