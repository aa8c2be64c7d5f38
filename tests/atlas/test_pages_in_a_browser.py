"""An atlas in a real browser: units are found by typing, labels come out as a file, and nothing runs out of a phone."""

from __future__ import annotations

from pathlib import Path

import pytest

from minitorch_viz.atlas.pages import write_pages
from minitorch_viz.atlas.store import open_atlas
from tests.test_pages_in_a_browser import CHROMIUM, measured

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium or Chrome on the PATH"),
]
TYPE = """const type = (query, text) => { const field = document.querySelector(query); field.value = text;
  field.dispatchEvent(new Event("input")); };"""


@pytest.fixture
def pages(folder: Path) -> Path:
    with open_atlas(folder) as atlas:
        write_pages(atlas, folder)
    return folder


@pytest.mark.parametrize("name", ["index.html", "labels.html", "relu3.html", "relu3/0003.html"])
def test_nothing_runs_out_of_a_phone(pages: Path, name: str) -> None:
    answer = measured(pages / name, 390, "", "const answer = { wide: document.documentElement.scrollWidth };")
    assert answer["wide"] <= 390


def test_a_unit_is_found_by_typing(pages: Path) -> None:
    script = (
        TYPE
        + """type("#find", "relu3 7");
      const answer = { found: [...document.querySelectorAll("#matches a")].map(link => link.getAttribute("href")) };"""
    )
    assert measured(pages / "index.html", 1000, "", script)["found"] == ["relu3/0007.html"]
    script = (
        TYPE
        + """type("#find", "17");
      const shown = [...document.querySelectorAll(".units li")].filter(item => !item.hidden);
      const answer = { found: shown.map(item => item.querySelector("b").textContent) };"""
    )
    assert measured(pages / "relu3.html", 1000, "", script)["found"] == ["17"]


def test_units_are_put_in_order(pages: Path) -> None:
    script = """const order = document.querySelector("#order"); order.value = "strongest";
      order.dispatchEvent(new Event("change"));
      const answer = { values: [...document.querySelectorAll(".units li")].map(item => +item.dataset.strongest) };"""
    values = measured(pages / "relu3.html", 1000, "", script)["values"]
    assert len(values) == 32
    assert values == sorted(values, reverse=True)


def test_the_form_makes_a_file_that_the_command_reads(pages: Path) -> None:
    script = """const files = [], Own = Blob;
      window.Blob = function (parts, options) { files.push(parts[0]); return new Own(parts, options); };
      HTMLAnchorElement.prototype.click = () => {};
      document.querySelector("#label").value = "a ring"; document.querySelector("#category").value = "part";
      document.getElementsByName("misfit")[1].checked = true;
      document.querySelector("#opinion").requestSubmit();
      const answer = { text: files[0], kept: document.querySelector("#kept").textContent };"""
    answer = measured(pages / "relu3" / "0003.html", 1000, "", script)
    assert answer["kept"] == "labels.json has 1 unit"
    (pages / "labels.json").write_text(answer["text"])
    from minitorch_viz.atlas.labels import read_labels

    with open_atlas(pages) as atlas:
        (opinion,) = read_labels(pages / "labels.json", atlas)
    assert opinion == ("relu3", 3, "a ring", "part", (1,))
