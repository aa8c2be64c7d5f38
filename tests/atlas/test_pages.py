"""The pages of an atlas: every address leads somewhere inside the folder, and all units are found without a server."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from minitorch_viz.atlas.pages import folder_names, write_pages
from minitorch_viz.atlas.store import Layer, Opinion, open_atlas, open_to_write
from minitorch_viz.errors import DataFileError


@pytest.fixture
def pages(folder: Path) -> Path:
    with open_atlas(folder) as atlas:
        write_pages(atlas, folder)
    return folder


class Addresses(HTMLParser):
    """Collects what a page points to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 (its signature)
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def addresses(page: Path) -> list[str]:
    reader = Addresses()
    reader.feed(page.read_text())
    return [found for found in reader.found if not found.startswith(("data:", "#"))]


def test_every_address_leads_to_a_file_in_the_folder(pages: Path) -> None:
    files = list(pages.rglob("*.html"))
    assert len(files) == 2 + 2 + 48
    for page in files:
        for address in addresses(page):
            target = (page.parent / address).resolve()
            assert target.is_file(), f"{page.name}: {address}"
            assert target.is_relative_to(pages.resolve())
        assert not re.search(r"https?://", page.read_text())


def test_all_units_are_reached_from_the_index(pages: Path) -> None:
    seen, waiting = set(), [pages / "index.html"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".html":
            continue
        seen.add(page)
        waiting += [(page.parent / address).resolve() for address in addresses(page)]
    assert len([page for page in seen if page.parent.name in ("relu1", "relu3")]) == 48


def test_the_index_finds_units_by_what_they_are_called(folder: Path) -> None:
    with open_atlas(folder) as atlas:
        about = atlas.about
    with open_to_write(folder, about) as atlas:
        atlas.set_opinions([Opinion("relu3", 7, "</script><b>", "part", ())])
        write_pages(atlas, folder)
    text = (folder / "index.html").read_text()
    listed = json.loads(re.search(r"const UNITS = (.*?), MOST", text)[1])  # type: ignore[index]
    assert len(listed) == 48
    assert ["relu3/0007.html", "relu3 7", "</script><b>, part"] in listed
    for page in folder.rglob("*.html"):
        assert "<b>, part" not in page.read_text().replace("\\u003c", "")  # what a person types breaks no page


def test_a_units_page_holds_its_pictures_and_leads_to_its_nearest(pages: Path) -> None:
    page = pages / "relu3" / "0003.html"
    assert page.read_text().count("data:image/png") == 9 * 2 + 10 + 1
    links = addresses(page)
    assert {"../index.html", "../relu3.html", "0002.html", "0004.html"} <= set(links)
    assert len([link for link in links if re.fullmatch(r"\.\./relu3/\d{4}\.html", link)]) >= 6


def test_pages_of_an_atlas_that_is_not_finished_say_so(folder: Path) -> None:
    with open_atlas(folder) as atlas:
        about = atlas.about
    with open_to_write(folder, about) as atlas:
        atlas.connection.execute("DELETE FROM unit WHERE node = 'relu3' AND channel > 4")
        write_pages(atlas, folder)
    assert "27 units are not finished" in (folder / "relu3.html").read_text()
    assert "5 of 32 units" in (folder / "index.html").read_text()
    for page in (folder / "relu3").glob("*.html"):
        assert all((page.parent / address).is_file() for address in addresses(page))


def test_layers_have_folders_of_their_own_that_every_system_takes() -> None:
    nodes = ["inception_4c/output", "inception_4c_output", "INCEPTION_4C_OUTPUT", "a b:c", "index", "..", "relu1"]
    names = folder_names([Layer(node, place, 1, "") for place, node in enumerate(nodes)])
    assert len({name.lower() for name in names.values()}) == len(nodes)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in names.values())
    assert names["relu1"] == "relu1"
    assert names["index"] != "index"


def test_a_page_that_cannot_be_written_ends_in_a_sentence(folder: Path) -> None:
    (folder / "relu1").write_text("a file where a folder should be")
    with open_atlas(folder) as atlas, pytest.raises(DataFileError, match="relu1"):
        write_pages(atlas, folder)
