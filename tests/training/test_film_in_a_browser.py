"""The film in a real browser: headless Chromium draws it, and the pixels are looked at."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import Net
from minitorch_viz.training import Adam, Film, fit
from tests.training.training_cases import bars, small_net

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
    "--virtual-time-budget=2500",
    "--window-size=1280,3700",
]
# Put into a copy of the page: where each canvas lies, for cutting the screenshot.
RECTANGLES = """<script>setTimeout(() => document.body.dataset.places = JSON.stringify(
  [...document.querySelectorAll("canvas")].map(c => { const r = c.getBoundingClientRect();
    return [c.getAttribute("aria-label") || c.id, r.x, r.y, r.width, r.height]; })), 1500);</script></body>"""


def chromium(page: Path, fragment: str, *more: str) -> str:
    folder = page.with_suffix(f".{fragment}")
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={folder}", *more, f"{page.as_uri()}#{fragment}"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


class Seen:
    """The page as a browser shows it at one frame."""

    def __init__(self, page: Path, fragment: str) -> None:
        self.dom = chromium(page, fragment, "--dump-dom")
        picture = page.with_name(f"{fragment}.png")
        chromium(page, fragment, f"--screenshot={picture}")
        with Image.open(picture) as image:
            self.pixels = np.asarray(image.convert("RGB")).astype(int)
        places = json.loads(unescape(re.search(r'data-places="([^"]+)"', self.dom)[1]))
        self.places = {name: tuple(map(round, place)) for name, *place in places}

    def canvas(self, name: str) -> np.ndarray:
        x, y, width, height = self.places[name]
        assert y + height <= len(self.pixels), f"{name} lies below the window"
        return self.pixels[y : y + height, x : x + width]


def colourfulness(pixels: np.ndarray) -> float:
    """How far red and blue lie apart, on average: 0 on white, about 150 where weights are large."""
    return float(np.abs(pixels[..., 0] - pixels[..., 2]).mean())


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> tuple[Net, Path]:
    """A net that starts from nearly nothing, so that its filters form before one's eyes."""
    page = tmp_path_factory.mktemp("browser") / "film.html"
    net = small_net()
    net = net.with_params({"conv.weight": 0.02 * net.params["conv.weight"]})
    film = Film(page, *bars(12, seed=5), title="bars")
    fitted = fit(
        net, *bars(300), rng=np.random.default_rng(0), epochs=15, optimizer=Adam(1e-2), validation=bars(50, 2),
        keep="last", observers=[film], progress=False,
    )  # fmt: skip
    page.write_text(page.read_text(encoding="utf-8").replace("</body>", RECTANGLES), encoding="utf-8")
    return fitted.net, page


@pytest.fixture(scope="module")
def first(trained) -> Seen:
    return Seen(trained[1], "frame=0")


@pytest.fixture(scope="module")
def last(trained) -> Seen:
    return Seen(trained[1], "frame=999")


def test_the_player_runs_and_says_where_it_is(first: Seen, last: Seen) -> None:
    for seen, words in ((first, "step 0, epoch 0"), (last, "step 75, epoch 15")):
        assert 'data-ready="yes"' in seen.dom
        assert words in re.search(r'<output id="now">(.*?)</output>', seen.dom)[1]
        assert seen.dom.count("<b>full colour: ±") == seen.dom.count("<canvas data-strip=")
    cursors = [float(re.search(r'class="cursor" x1="([\d.]+)"', seen.dom)[1]) for seen in (first, last)]
    assert cursors[0] == 66
    assert cursors[1] > 580


def test_every_picture_is_drawn(last: Seen) -> None:
    assert len(last.places) == 1 + 2 + 5 + 2 + 5  # the legend; input, conv, relu, fc
    for name in last.places:
        shown = last.canvas(name)
        assert shown.size > 0
        assert shown.std() > 5, f"{name} is blank"


def test_the_curves_are_drawn(last: Seen) -> None:
    """Blue and orange lines of the loss and accuracy charts."""
    for red, green, blue in ((11, 98, 164), (217, 119, 6)):
        near = np.abs(last.pixels[:500] - (red, green, blue)).sum(axis=-1) < 60
        assert near.sum() > 300


def test_filters_form(first: Seen, last: Seen) -> None:
    weights, change = "conv: weights", "conv: weights: change since step 0"
    assert colourfulness(first.canvas(weights)) < 12
    assert colourfulness(last.canvas(weights)) > 60
    assert colourfulness(first.canvas(change)) == 0
    assert colourfulness(last.canvas(change)) > 60


def test_red_is_positive_and_blue_is_negative(trained, last: Seen) -> None:
    weight = trained[0].params["conv.weight"][:, 0]  # four filters side by side
    shown = last.canvas("conv: weights")
    height, width = shown.shape[:2]
    for f, (filter_, left) in enumerate(zip(weight, np.arange(4) * (width - 2) / 4 + 2, strict=True)):
        zoom = (height - 4) / 3
        for y in range(3):
            for x in range(3):
                red, _, blue = shown[round(2 + (y + 0.5) * zoom), round(left + (x + 0.5) * zoom)]
                if abs(filter_[y, x]) > 0.1 * np.abs(weight).max():
                    assert (red > blue) == (filter_[y, x] > 0), (f, y, x)
