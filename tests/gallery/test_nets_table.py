"""The table of nets and techniques in the gallery: whole, of today's names, and its page shows its numbers.

To renew it after a new net or technique: python -m tests.gallery.nets_table [--nets NET ...]
"""

from __future__ import annotations

import json
import re
import time
from types import SimpleNamespace
from typing import Any

import pytest

from minitorch_viz.models import specs
from minitorch_viz.techniques import techniques
from tests.gallery import nets_table
from tests.gallery.kinds_of_nets import KINDS, SAYS

RENEW = "renew it: python -m tests.gallery.nets_table --nets "


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(nets_table.GALLERY.read_text(encoding="utf-8"))
    return content


def test_it_has_every_net_and_every_technique(table: dict[str, Any]) -> None:
    names = [row["net"] for row in table["rows"]]
    missing = [name for name in (*specs(), *KINDS) if name not in names]
    assert not missing, RENEW + " ".join(missing)
    assert names == [*specs(), *KINDS]
    assert set(KINDS) == set(SAYS)
    assert table["techniques"] == {name: technique.title for name, technique in techniques().items()}, RENEW
    for row in table["rows"]:
        assert set(row["cells"]) == set(techniques()), RENEW + row["net"]


def test_each_cell_is_a_time_or_a_sentence(table: dict[str, Any]) -> None:
    for row in table["rows"]:
        for cell in row["cells"].values():
            if "why" in cell:
                assert re.fullmatch(r"[A-Z].{20,400}\.", cell["why"], re.DOTALL), cell
            else:
                assert cell["seconds"] is None or 0 <= cell["seconds"] <= nets_table.LRPS_PATIENCE * table["seconds"]


def test_lrps_shares_are_the_score_or_a_note_says_where_the_rest_stayed(table: dict[str, Any]) -> None:
    counts = {"whole": 0, "noted": 0}
    for row in table["rows"]:
        cell = row["cells"]["lrp"]
        if cell.get("seconds") is not None:
            is_whole = cell["ratio"] is not None and abs(cell["ratio"] - 1) <= nets_table.NEAR
            assert is_whole == (not cell["note"]), row["net"]
            counts["whole" if is_whole else "noted"] += 1
    assert min(counts.values()) > 2, counts


def test_the_page_is_made_of_these_numbers(table: dict[str, Any]) -> None:
    page = nets_table.GALLERY.with_suffix(".html").read_text(encoding="utf-8")
    assert page == nets_table.page_of(table), "renew it: python -m tests.gallery.nets_table --page"
    assert re.findall(r'data-net="([^"]+)"', page) == [row["net"] for row in table["rows"]]
    links = set(re.findall(r'href="#(why-\d+)"', page))
    assert links == set(re.findall(r'id="(why-\d+)"', page))
    assert len(page.encode()) < 300_000


@pytest.mark.parametrize("name", ["digits", "rows"])
def test_what_the_table_says_of_small_nets_is_still_so(table: dict[str, Any], name: str) -> None:
    row = next(row for row in table["rows"] if row["net"] == name)
    model = nets_table.all_nets()[name]()
    for technique in techniques().values():
        reason = technique.refuses(model)
        cell = row["cells"][technique.name]
        if reason:
            assert "why" in cell, RENEW + name  # its words may be better by now
        else:
            assert "seconds" in cell or technique.name in ("lrp", "compare", "excitation-backprop")


def test_a_cell_that_takes_too_long_is_stopped() -> None:
    slow: Any = SimpleNamespace(
        refuses=lambda _model: "",
        subject=techniques()["occlusion"].subject,
        run_on=lambda *_values, **_settings: time.sleep(60),
        in_comparison={},
        name="slow",
    )
    assert nets_table.cell(slow, nets_table.all_nets()["smooth"](), 0.02) == {"seconds": None}
