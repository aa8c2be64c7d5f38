"""How the page of pictures made by optimization shows the table of presets: which rows, which reasons, what is bold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from minitorch_viz.drawing.html import render

GALLERY = Path(__file__).resolve().parents[2] / "docs" / "gallery"
TABLE, PAGE = GALLERY / "presets.json", GALLERY / "optimized.html"
SECTION = re.compile(r'<section class="card" id="trust">.*?</section>', re.DOTALL)


def view_of(table: dict[str, Any]) -> dict[str, Any]:
    """Return the table as the page of the gallery draws it.

    The presets that see nothing but the net come first, those that learn from real pictures, or have a prior, apart. A
    cell is of one net: its numbers, or the number of a reason; the highest trust of each column is marked.
    """
    reasons: dict[str, int] = {}
    groups = {"Nothing but the net": False, "With real pictures, or a prior learned from them": True}
    parts = []
    for title, is_from_pictures in groups.items():
        names = [
            name for name, cell in next(iter(table.values()))["presets"].items()
            if cell["from pictures"] is is_from_pictures
        ]  # fmt: skip
        best = {
            net: max((cell["trust"] for name in names if (cell := row["presets"][name]).get("trust")), default=None)
            for net, row in table.items()
        }
        rows = []
        for name in names:
            cells = []
            for net, row in table.items():
                cell = row["presets"][name]
                if "why" in cell:
                    cells.append({"why": reasons.setdefault(cell["why"], len(reasons) + 1)})
                else:
                    lowest = min((value for value in cell["by layer"] if value is not None), default=None)
                    is_best = cell["trust"] is not None and cell["trust"] == best[net]
                    cells.append({**cell, "lowest": lowest, "is_best": is_best, "why": 0})
            rows.append({"name": name, "cells": cells, "year": cell["year"]})
        parts.append({"title": title, "rows": rows})
    nets = [{"name": name, **{key: row[key] for key in row if key != "presets"}} for name, row in table.items()]
    return {"nets": nets, "parts": parts, "reasons": reasons}


def section_of(table: dict[str, Any]) -> str:
    """Return the section of the page that holds the table."""
    page = render("optimized.html", title="", about="", sections=[], trust=view_of(table))
    found = SECTION.search(page)
    assert found is not None
    return found[0]


def renewed(page: str, table: dict[str, Any]) -> str:
    """Return the page with the table as it is now; its pictures stay."""
    return SECTION.sub(lambda _: section_of(table), page)
