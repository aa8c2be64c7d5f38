"""The table of presets: each has numbers or a reason for each net, and the page shows them.

To renew it after a new preset: python -m tests.gallery.presets_table --data FOLDER
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from minitorch_viz.optimize.presets import presets
from tests.gallery.presets_table import NETS
from tests.gallery.presets_view import PAGE, SECTION, TABLE, renewed, section_of, view_of

RENEW = "renew it: python -m tests.gallery.presets_table --data FOLDER --nets "


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return content


def test_it_has_every_preset_for_every_net(table: dict[str, Any]) -> None:
    assert list(table) == list(NETS)
    for net, row in table.items():
        assert set(row["presets"]) == set(presets()), RENEW + net
        assert row["seeds"] >= 1
        assert row["steps"] >= 40


def test_each_has_numbers_or_a_reason(table: dict[str, Any]) -> None:
    for net, row in table.items():
        trusted = 0
        for name, cell in row["presets"].items():
            preset = presets()[name]
            assert (cell["year"], cell["family"]) == (preset.year, preset.family), RENEW + net
            if "why" in cell:
                assert re.fullmatch(r"[A-Z].{20,400}\.", cell["why"], re.DOTALL), cell
                assert not re.search(r"/\w+/", cell["why"])  # no path of the machine that made it
                continue
            assert cell["seconds"] > 0
            assert cell["score"] is not None
            assert len(cell["by layer"]) == len(row["nodes"])
            trusted += cell["trust"] is not None
        assert trusted >= len(presets()) - 4


def test_the_page_shows_the_table(table: dict[str, Any]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert SECTION.findall(page) == [section_of(table)], "renew it: python -m tests.gallery.presets_table"
    assert renewed(page, table) == page
    assert sorted(re.findall(r'data-preset="([^"]+)"', page)) == sorted(presets())
    assert set(re.findall(r'href="#(why-\d+)"', page)) == set(re.findall(r'id="(why-\d+)"', page))


def test_presets_that_see_real_pictures_stand_apart(table: dict[str, Any]) -> None:
    alone, learned = ({row["name"] for row in part["rows"]} for part in view_of(table)["parts"])
    assert {"gmm", "vital", "maco", "dgn", "ppgn", "vgg-decoder"} == learned
    assert alone | learned == set(presets())
