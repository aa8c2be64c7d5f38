"""Pages: one environment, one base page, pictures with their size, and files that are whole or not there."""

from __future__ import annotations

import ast
import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from jinja2 import UndefinedError
from PIL import Image

from minitorch_viz.drawing.html import (
    data_url,
    embedded_image,
    embedded_png,
    environment,
    render,
    script_data,
    write_page,
)
from minitorch_viz.errors import SettingError

PACKAGE = Path(__file__).parents[1] / "minitorch_viz"
PAGES = sorted(path.name for path in (PACKAGE / "templates").glob("*.html"))


@pytest.mark.parametrize("name", [name for name in PAGES if name != "base.html" and not name.endswith("parts.html")])
def test_every_page_extends_the_one_base_page(name: str) -> None:
    """Head, palette and letters stand in base.html alone."""
    text = (PACKAGE / "templates" / name).read_text(encoding="utf-8")
    assert text.startswith('{% extends "base.html" %}\n')
    for part in ("<!doctype", "<head", "<body", "<main", "<h1", "--paper:", "system-ui, sans-serif; color"):
        assert part not in text


def test_environments_and_data_urls_are_made_in_one_file() -> None:
    for path in PACKAGE.rglob("*.py"):
        if path.name == "html.py" and path.parent.name == "drawing":
            continue
        text = path.read_text(encoding="utf-8")
        names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        assert "jinja2" not in text, path
        assert not re.search(r"data:image/\w+;base64", text), path
        assert "PackageLoader" not in names


def test_what_is_filled_in_is_escaped_and_what_is_missing_is_an_error() -> None:
    make = environment().from_string
    assert make("{{ name }}").render(name="<b>&") == "&lt;b&gt;&amp;"
    with pytest.raises(UndefinedError):
        make("{{ nothing }}").render()
    assert environment() is environment()


def test_data_in_a_script_cannot_end_it() -> None:
    value = {"text": "</script><script>alert(1)</script>", "numbers": [1, 2.5]}
    assert "<" not in script_data(value)
    assert json.loads(script_data(value)) == value


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_a_picture_is_inside_with_its_size(kind: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 9, 3), np.uint8)
    picture = embedded_image(Image.fromarray(pixels), kind, **({"lossless": True} if kind == "webp" else {}))
    assert (picture.width, picture.height) == (9, 5)
    head, content = picture.url.split(",")
    assert head == f"data:image/{kind};base64"
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    np.testing.assert_array_equal(shown, pixels)
    if kind == "png":
        assert embedded_png(base64.b64decode(content)) == picture
        assert data_url(base64.b64decode(content), "image/png") == picture.url


def test_bytes_that_are_no_png_are_told() -> None:
    for content in (b"", b"GIF89a", b"\x89PNG\r\n\x1a\n"):
        with pytest.raises(SettingError, match=f"its {len(content)} bytes"):
            embedded_png(content)


def test_a_page_is_written_whole_or_not_at_all(tmp_path) -> None:
    page = tmp_path / "page.html"
    assert write_page(page, "müsli \udcff") == page  # a file's name in it may hold any byte
    assert page.read_text(encoding="utf-8") == "müsli \\udcff"
    with pytest.raises(SettingError, match="There is no folder"):
        write_page(tmp_path / "nowhere" / "page.html", "x", SettingError)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_the_base_page_alone_is_a_page() -> None:
    text = render("base.html")
    assert text.startswith("<!doctype html>")
    assert "http" not in text
    for part in ("<h1>", "<main ", "<title>", 'lang="en"', 'href="#top"', 'href="#main"', "@media print"):
        assert text.count(part) >= 1
    assert "<nav" not in text  # no contents, no place for them
