"""Pages in a real browser: nothing runs out of the screen, contents stay in sight, a tap opens a picture in full."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from minitorch_viz import load_model
from minitorch_viz.models.samples import samples
from minitorch_viz.report import make_page

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium or Chrome on the PATH"),
]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--virtual-time-budget=3000",
]
# The page in a frame as wide as a screen: a headless window is never narrower than 500 pixels.
FRAME = """<!doctype html><body style="margin:0"><iframe id="frame" src="{page}#{fragment}"
  style="width:{width}px;height:{height}px;border:0"></iframe></body>"""


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """The report of one digit, with the widest picture and a few more."""
    model = load_model("digits")
    out = tmp_path_factory.mktemp("browser") / "report.html"
    names = ["compare", "saliency", "activation-maps", "lrp"]
    return make_page([(model, samples(model)[0])], out, only=names, progress=False)


def measured(page: Path, width: int, fragment: str, script: str) -> dict[str, Any]:
    """What a script in the page returns, in a window of this width."""
    asked = (
        f"""<script>setTimeout(() => {{ {script} parent.postMessage(JSON.stringify(answer), "*"); }}, 800);</script>"""
    )
    copy = page.with_name(f"copy{width}{fragment}.html")
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{asked}</body>"), encoding="utf-8")
    listen = "<script>onmessage = event => { document.body.dataset.answer = event.data; };</script>"
    frame = page.with_name(f"frame{width}{fragment}.html")
    text = FRAME.format(page=copy.name, fragment=fragment, width=width, height=800)
    frame.write_text(listen + text, encoding="utf-8")
    done = subprocess.run(
        [CHROMIUM, *FLAGS, "--window-size=1500,900", f"--user-data-dir={page.with_name('profile')}", "--dump-dom",
         frame.as_uri()],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    answer = re.search(r'data-answer="([^"]*)"', done.stdout)
    assert answer is not None, done.stderr[-500:]
    return json.loads(unescape(answer[1]))


PAGE = """const box = query => { const r = document.querySelector(query).getBoundingClientRect();
  return [r.left, r.top, r.width, r.height]; };
  const answer = { wide: document.documentElement.scrollWidth, inner: innerWidth };"""


@pytest.mark.parametrize("width", [390, 1400])
def test_nothing_runs_out_of_the_screen(page: Path, width: int) -> None:
    found = measured(page, width, "", PAGE)
    assert found["inner"] == width
    assert found["wide"] <= width


def test_contents_stay_beside_the_page_on_a_desktop(page: Path) -> None:
    script = "window.scrollTo(0, document.body.scrollHeight / 2); " + PAGE
    script += "answer.contents = box('.contents'); answer.main = box('main'); answer.scrolled = scrollY;"
    found = measured(page, 1400, "", script)
    assert found["scrolled"] > 500
    left, top, wide, high = found["contents"]
    assert 0 <= top < 20
    assert high > 100
    assert left + wide <= found["main"][0] + 1


def test_contents_open_over_the_page_on_a_phone(page: Path) -> None:
    script = PAGE + "answer.contents = box('.contents'); answer.corner = box('.to-contents');"
    shut, opened = (measured(page, 390, fragment, script) for fragment in ("", "contents"))
    assert shut["contents"][2:] == [0, 0]
    assert shut["corner"][2] > 40  # what opens them is in sight
    assert opened["contents"] == [0, 0, 390, 800]


def test_a_tap_opens_a_picture_in_full_size_and_the_page_stays_where_it_is(page: Path) -> None:
    script = (
        """window.scrollTo(0, 0); document.querySelector('.wide .open').scrollIntoView(); const before = scrollY;
      document.querySelector('.wide .open').click();"""
        + PAGE
    )
    script += """answer.figure = box('.wide:target'); answer.image = box('.wide:target img');
      answer.natural = document.querySelector('.wide:target img').naturalWidth;
      document.querySelector('.wide:target .close').click(); answer.moved = scrollY - before;
      answer.open = document.querySelectorAll('.wide:target').length;"""
    found = measured(page, 390, "", script)
    assert found["figure"] == [0, 0, 390, 800]
    assert found["image"][2] == found["natural"] > 700
    assert found["open"] == 0
    assert found["moved"] == 0


@pytest.fixture(scope="module")
def fields(tmp_path_factory) -> Path:
    """The page of receptive fields of one digit: four nodes along the net."""
    from minitorch_viz.techniques import receptive_field

    model = load_model("digits")
    out = tmp_path_factory.mktemp("fields") / "fields.html"
    return receptive_field(model, samples(model)[0].image, size=2).save(out)


@pytest.mark.parametrize("width", [390, 1400])
def test_fields_fit_into_the_screen_and_follow_slider_keys_and_table(fields: Path, width: int) -> None:
    script = (
        PAGE
        + """
      const now = () => document.getElementById("now").textContent, boxes = [];
      const sees = () => boxes.push([now().split(":")[0], document.querySelector("#numbers dd").textContent]);
      sees();
      document.getElementById("back").click(); sees();
      document.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true })); sees();
      document.querySelector("td button").click(); sees();
      const slider = document.getElementById("slider"); slider.value = 3; slider.oninput(); sees();
      document.getElementById("show-changed").click();
      answer.boxes = boxes; answer.images = document.querySelectorAll("#picture image").length;
      answer.row = document.querySelector("tr.now td").textContent.trim();"""
    )
    found = measured(fields, width, "", script)
    assert found["wide"] <= width
    pixels = ["10 x 10", "6 x 6", "5 x 5", "3 x 3", "10 x 10"]
    assert found["boxes"] == [
        [f"{at} of 4", f"{side} pixels"] for at, side in zip((4, 3, 2, 1, 4), pixels, strict=True)
    ]
    assert found["images"] == 3  # the photo and two maps
    assert found["row"] == "relu3"


@pytest.fixture(scope="module")
def fooled(tmp_path_factory) -> Path:
    """The page of a linear explanation: a photo for the linear net, which becomes a cat."""
    from minitorch_viz.techniques import linear_explanation

    model = load_model("cifar10_linear")
    out = tmp_path_factory.mktemp("fooled") / "fooled.html"
    return linear_explanation(model, samples(model)[0].image).save(out)


@pytest.mark.parametrize("width", [390, 1400])
def test_sliders_move_ten_numbers_and_a_photo(fooled: Path, width: int) -> None:
    """What is drawn and said at every stop is what Python computed."""
    from minitorch_viz.techniques import linear_explanation

    model = load_model("cifar10_linear")
    result = linear_explanation(model, samples(model)[0].image)
    script = (
        PAGE
        + """
      const text = query => document.querySelector(query).textContent, set = (id, value) => {
        document.getElementById(id).value = value; document.getElementById(id).oninput(); };
      const pixels = () => [...document.getElementById("photo").getContext("2d").getImageData(0, 0, 32, 32).data];
      answer.ready = document.body.dataset.ready;
      answer.ten = [text("#ten tr:nth-child(3) .sum"), text("#ten tr:nth-child(5) .sum")];
      set("step", 0); answer.still = text("#ten tr:nth-child(5) .sum");
      answer.says = [text("#says")]; answer.pixels = pixels();
      set("eps", 0); answer.says.push(text("#says")); answer.first = pixels();
      document.querySelector("input[name=way][value='2']").click(); set("eps", MIXED);
      answer.says.push(text("#says")); answer.mixed = pixels();"""
    ).replace("MIXED", str(result.mixed[2]))
    found = measured(fooled, width, "", script)
    assert found["ready"] == "yes"
    assert found["wide"] <= width
    minus = "\N{MINUS SIGN}"
    assert found["ten"] == [f"sum {minus}3, probability 0.05", "sum 2, probability 0.88"]
    assert found["still"] == f"sum {minus}3, probability 0.05"
    assert found["says"] == [result.along.says[result.at], result.along.says[0], result.mix.says[result.mixed[2]]]
    for name, picture in (("pixels", result.changed), ("first", result.picture), ("mixed", result.mixes[2])):
        drawn = [value for place, value in enumerate(found[name]) if place % 4 < 3]
        assert max(abs(a - int(b)) for a, b in zip(drawn, picture.ravel(), strict=True)) <= 1
