"""The page is complete, self-contained and sortable, and the command writes it."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz.cli import main
from minitorch_viz.grading import Grades, grade, harness
from minitorch_viz.grading.findings import findings
from minitorch_viz.grading.metrics import number
from minitorch_viz.grading.pictures import draw_curves, map_url, scene_url
from tests.measured_figures import check


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def picture(url: str | None) -> np.ndarray:
    kind, data = (url or "").split(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data, validate=True))).convert("RGB"))


@pytest.fixture(scope="module")
def grades(colours, cases) -> Grades:
    return grade(colours, cases=cases, methods=["saliency", "guided-backprop"], steps=4, samples=1, progress=False)


@pytest.fixture(scope="module")
def text(grades, tmp_path_factory) -> str:
    return grades.save(tmp_path_factory.mktemp("page") / "grade.html").read_text(encoding="utf-8")


def test_every_number_of_the_table_is_on_the_page(grades, text: str) -> None:
    page = Page(text)
    values = [cell["data-value"] for cell in page.all("td") if "data-value" in cell]
    expected = [cell for row in grades.table() for cell in list(row.values())[3:]]
    assert len(values) == len(expected) == 5 * len(grades.metrics)
    assert [float(value) for value in values] == [cell.mean for cell in expected]
    for metric in grades.metrics:
        assert metric.says in page.words
    assert [row["data-method"] for row in page.all("tr") if "data-method" in row] == [row.name for row in grades.rows]


def test_nothing_comes_from_elsewhere(text: str) -> None:
    page = Page(text)
    assert "http" not in re.sub(r"data:image/webp;base64,[\w+/=]+", "", text)
    assert not page.all("link")
    assert len(page.all("script")) == 1
    for image in page.all("img"):
        assert picture(image["src"]).size
        assert image["alt"]


def test_each_method_shows_its_maps(text: str) -> None:
    alts = [image["alt"] or "" for image in Page(text).all("img")]
    for name in ("saliency", "guided-backprop", "random", "edges"):
        assert sum(alt.endswith(f" of {name}") for alt in alts) == 2 + 2 * 2
    assert sum(alt.startswith("saliency, step") for alt in alts) == 1 + 2  # trained, two layers
    assert not any(alt.startswith("random, step") for alt in alts)


def test_maps_keep_their_scale() -> None:
    heat = np.zeros((8, 8))
    heat[0] = 1
    light = picture(map_url(heat)).astype(int).sum(axis=2)
    assert light[0].min() > 500 > 30 > light[1:].max()  # yellow and black
    heat[7] = -1
    signed = picture(map_url(heat)).astype(int)
    assert signed[0, 0, 0] > signed[0, 0, 2]  # red speaks for the class
    assert signed[7, 0, 2] > signed[7, 0, 0]
    assert signed[4].min() > 240
    assert picture(map_url(np.zeros((8, 8)))).max() < 30
    assert picture(map_url(np.ones((224, 150)))).shape[0] <= 96


def test_outlines_are_where_the_objects_end() -> None:
    mask = np.zeros((1, 64, 64), bool)
    mask[0, 16:48, 16:48] = True
    drawn = picture(scene_url(np.full((64, 64, 3), 100, np.uint8), mask)).astype(int)
    assert drawn.shape == (192, 192, 3)
    assert drawn[49, 96].min() > 200  # white inside the edge
    assert drawn[47, 96].max() < 60  # black outside
    assert abs(drawn[96, 96] - 100).max() < 12


def test_numbers_are_short_and_have_no_negative_zero() -> None:
    assert [number(value) for value in (0.004, -0.004, -0.126, 1)] == ["0.00", "0.00", "−0.13", "1.00"]
    assert number(12.34, 1) == "12.3"


@pytest.mark.parametrize("count", [2, 3, 13])
def test_the_curves_words_are_in_their_places(grades, count: int) -> None:
    """Of two methods, and of as many as there may be, with long names."""
    from matplotlib.figure import Figure

    rows = [replace(grades.rows[0], name=f"excitation-backprop:contrastive={number}") for number in range(count)]
    layers = {net: [f"inception_{number}a/relu" for number in range(len(of))] for net, of in grades.layers.items()}
    figure = Figure()
    draw_curves(replace(grades, rows=tuple(rows), layers=layers), "colours", figure)
    check(figure)


def test_findings_name_what_the_numbers_say(grades) -> None:
    said = {one.question: one.answer for one in findings(grades)}
    cell = grades.interval("colours", "saliency", "contrast")
    assert cell is not None
    assert f"saliency {cell.mean:.2f}" in said["Of several objects, the right one?"]
    methods = sorted(("saliency", "guided-backprop"), key=lambda name: -grades.interval("colours", name, "iou").mean)
    listed = [said["Which maps lie on the object?"].find(name) for name in methods]
    assert -1 < listed[0] < listed[1]
    best = max(("random", "centre", "edges"), key=lambda name: grades.interval("colours", name, "iou").mean)
    assert f"knows nothing of the net, {best}" in said["What does a map get for nothing?"]


def test_words_on_the_page_are_escaped(monkeypatch, colours, cases, tmp_path) -> None:
    from minitorch_viz.grading.methods import Method

    bad = "<script>alert(1)</script>"
    planted = Method("m", bad, bad, lambda model, image, target: image[..., 0] / 1.0)
    monkeypatch.setattr(harness, "find_methods", lambda model, names: [planted])
    found = grade(colours, cases=cases, steps=2, samples=1, checked=0, progress=False)
    page = Page(found.save(tmp_path / "g.html").read_text(encoding="utf-8"))
    assert len(page.all("script")) == 1
    assert bad in page.words


def test_it_sorts_in_a_browser(grades, text: str, tmp_path) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("needs a Chromium to click in")
    click = """<script>
        const names = () => [...document.querySelectorAll(".grades tbody tr")].map(row => row.dataset.method);
        const button = document.querySelectorAll(".grades thead button")[2];
        button.click(); const first = names(); button.click();
        document.title = JSON.stringify([first, names()]);</script></body>"""
    page = tmp_path / "click.html"
    page.write_text(text.replace("</body>", click), encoding="utf-8")
    done = subprocess.run(
        [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None, done.stderr[-500:]
    energy = {row["method"]: row["energy"].mean for row in grades.table()}
    for names, sign in zip(json.loads(title[1].replace("&quot;", '"')), (-1, 1), strict=True):
        assert sorted(names) == sorted(energy)
        values = [sign * energy[name] for name in names]
        assert values == sorted(values)  # the better end first, then the other


def test_the_command_writes_page_and_numbers(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["grade", "--methods", "saliency", "--scenes", "3"]) == 0
    printed = capsys.readouterr().out
    assert "Wrote grade.html" in printed
    assert "Wrote grade.json" in printed
    saved = json.loads(Path("grade.json").read_text(encoding="utf-8"))
    assert [row["method"] for row in saved["rows"]] == ["saliency", "random", "centre", "edges"]
    assert "minitorch-viz grade --model scenes --methods saliency --scenes 3" in Path("grade.html").read_text("utf-8")


def test_ctrl_c_writes_what_is_finished(tmp_path, monkeypatch, capsys) -> None:
    from minitorch_viz.grading.methods import BASELINES, Method

    def stops(*_):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(harness, "find_methods", lambda model, names: [BASELINES[1], Method("stops", "", "", stops)])
    assert main(["grade", "--scenes", "3"]) == 130
    assert "what was finished is kept" in capsys.readouterr().err
    assert "This was interrupted" in Path("grade.html").read_text(encoding="utf-8")
    assert [row["method"] for row in json.loads(Path("grade.json").read_text("utf-8"))["rows"]] == ["centre"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "grade.pdf"], "NAME.html"),
        (["--out", "none/grade.html"], "folder that exists"),
        (["--out", "."], "NAME.html"),
        (["--boxes", "boxes.json"], "--boxes needs --photos"),
        (["--photos", "."], "--photos needs --boxes"),
        (["--boxes", "none.json", "--photos", "."], "cannot be read"),
        (["--model", "scenes", "digits", "--weights", "w.npz"], "belong to one net"),
        (["--model", "scene"], "near models: scenes"),
        (["--model", "digits"], "cannot be graded on scenes"),
        (["--weights", "none.npz"], "none.npz"),
        (["--methods", "salency"], "near techniques: saliency"),
        (["--methods", "occlusion3"], "no technique"),
        (["--scenes", "1"], "number of scenes"),
        (["--scenes", "-4"], "number of scenes"),
        (["--seed", "-1"], "seed"),
        (["--model", "scenes", "scenes"], "different names"),
    ],
)
def test_bad_commands_get_a_sentence(words: list[str], said: str, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["grade", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())
