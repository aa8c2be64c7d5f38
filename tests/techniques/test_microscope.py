"""The microscope: numbers that add up, forwards and backwards, in Python and in the page."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, load_model, relu_mode
from minitorch_viz.errors import ImageFileError, MinitorchVizError, NetError, SettingError
from minitorch_viz.layers import Conv2d, Linear, LocalResponseNorm, ReLU, Sigmoid, Softmax, Tanh
from minitorch_viz.layers.kind import Kind
from minitorch_viz.models.samples import sample_digit, samples
from minitorch_viz.techniques.gradients._microscope_figure import strongest, written
from minitorch_viz.techniques.gradients._microscope_page import MOST_NUMBERS
from minitorch_viz.techniques.gradients._microscope_sums import Place, opened, way_down
from minitorch_viz.techniques.gradients.microscope import microscope, plot
from tests.map_nets import MAP_NETS

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
CURVED = (Tanh, Sigmoid, LocalResponseNorm)


@pytest.mark.parametrize("name", MAP_NETS)
def test_every_way_leads_down_to_a_sum_that_adds_up(name, rng) -> None:
    """Units of every node of nets with every layer: each step keeps its value, and the products make the last one."""
    net = MAP_NETS[name].build(rng)
    tape = net.forward(rng.standard_normal((1, 2, *MAP_NETS[name].size)))
    sums = 0
    for node in net.nodes:
        for _ in range(6):
            index = tuple(int(rng.integers(n)) for n in tape[node.name].shape[1:])
            way = way_down(net, tape, node.name, index)
            assert way[0] == Place(node.name, index, tape[node.name][(0, *index)])
            for above, below in pairwise(way):
                layer = net[above.node].layer
                if isinstance(layer, ReLU):
                    assert above.value == max(below.value, 0)
                elif not (isinstance(layer, CURVED) or layer.params or "Leaky" in repr(layer)):
                    assert above.value == below.value
            if way[-1].node in net.inputs or isinstance(net[way[-1].node].layer, Softmax) or way[-1].node == "mirror":
                with pytest.raises(SettingError):
                    opened(net, tape, way[-1])
                continue
            total = opened(net, tape, way[-1])
            products = sum(float(term.products.sum()) for term in total.terms)
            assert products + total.bias == pytest.approx(total.value, abs=1e-12)
            assert total.value == way[-1].value
            sums += 1
    assert sums > 40


def test_the_weights_are_the_layers_own(rng) -> None:
    net = MAP_NETS["plain"].build(rng)
    tape = net.forward(rng.standard_normal((1, 2, *MAP_NETS["plain"].size)))
    conv = net["conv3"].layer
    assert isinstance(conv, Conv2d)
    (term,) = opened(net, tape, Place("conv3", (1, 2, 2), float(tape["conv3"][0, 1, 2, 2]))).terms
    np.testing.assert_array_equal(term.weight, conv.weight[1])  # padding (1, 0): row 2 reads rows 1 to 3
    assert term.corner == (1, 2)
    np.testing.assert_array_equal(term.x, tape["leaky"][0, :, 1:4, 2:4])
    (term,) = opened(net, tape, Place("fc", (4,), float(tape["fc"][0, 4]))).terms
    assert isinstance(net["fc"].layer, Linear)
    np.testing.assert_array_equal(term.weight.ravel(), net["fc"].layer.weight[4])
    assert term.source == "gap"  # shown as the maps that were flattened


@pytest.mark.parametrize("node", ["conv1", "relu1", "conv2", "relu2", "pool2", "conv3", "relu3", "flatten", "logits"])
def test_the_result_adds_up_in_double_precision(digits, node) -> None:
    result = microscope(digits, sample_digit(), node=node, target=8)
    total = sum(float(term.products.sum()) for term in result.sum.terms) + result.sum.bias
    assert total == pytest.approx(result.way[-1].value, abs=1e-12)
    for mode, (up, *_, down) in ((mode, (one[0], *one)) for mode, one in result.signals.items()):
        if len(result.way) > 1 and result.way[0].node.startswith("relu"):
            fired = result.way[1].value > 0
            expected = {"normal": up * fired, "deconvnet": max(up, 0), "guided": max(up, 0) * fired}[mode]
            assert result.signals[mode][1] == expected
        for sent, term in zip(result.downstream[mode], result.sum.terms, strict=True):
            np.testing.assert_array_equal(sent, down * term.weight)


@pytest.mark.parametrize("mode", ["normal", "deconvnet", "guided"])
def test_what_arrives_is_what_the_readers_send(digits, mode) -> None:
    """The signal at one unit of relu1 is the sum of what each of the units of conv2 that read it sends down."""
    model, index = digits.astype(np.float64), (5, 3, 4)
    net, tape = model.net, model.net.forward(model.preprocess(sample_digit()))
    seed = {"logits": np.eye(10)[[3]]}
    back = net.backward(tape, seed, wrt=["conv2", "relu1"], rules=relu_mode(mode))
    total = 0.0
    for out in range(32):
        for row in range(2, 5):
            for column in range(3, 6):
                place = Place("conv2", (out, row, column), float(tape["conv2"][0, out, row, column]))
                (term,) = opened(net, tape, place).terms
                weight = term.weight[term.groups.index(5), 3 - term.corner[0], 4 - term.corner[1]]
                total += weight * back["conv2"][0, out, row, column]
    assert total == pytest.approx(back["relu1"][0][index], abs=1e-12)


def test_the_gate_above_a_convolution_belongs_to_it(digits) -> None:
    result = microscope(digits, sample_digit(), node="conv2", channel=3, position=(4, 4))
    assert [place.node for place in result.way] == ["relu2", "conv2"]
    assert result.way[0].at == result.way[1].at == (3, 4, 4)


def test_a_pooled_unit_leads_to_its_winner(digits) -> None:
    result = microscope(digits, sample_digit(), node="pool2", channel=3, position=(1, 2))
    assert [place.node for place in result.way] == ["pool2", "relu2", "conv2"]
    row, column = result.way[1].at[1:]
    assert row // 2 == 1
    assert column // 2 == 2
    maps = digits.net.forward(digits.preprocess(sample_digit()))["relu2"][0, 3, 2:4, 4:6]
    assert result.way[1].value == pytest.approx(float(maps.max()), rel=1e-6)


def test_a_closed_gate_is_said(digits) -> None:
    maps = digits.net.forward(digits.preprocess(sample_digit()))["conv1"][0]
    channel, row, column = (int(i) for i in np.unravel_index(maps.argmin(), maps.shape))
    result = microscope(digits, sample_digit(), node="conv1", channel=channel, position=(row, column))
    assert result.way[0].value == 0
    assert result.signals["normal"][1] == 0
    assert any("gate is closed" in note or "No signal" in note for note in result.notes)


def test_broken_weights_are_named(digits) -> None:
    weight = digits.net.params["conv1.weight"].copy()
    weight[:] = np.nan
    broken = Model.from_net(digits.net.with_params({"conv1.weight": weight}), 8, logits="logits", mean=77.9, std=95.9)
    result = microscope(broken, sample_digit(), node="conv2", channel=0, position=(3, 3))
    assert re.search(r"conv1\.weight .*NaN", result.notes[0])
    result.figure()


def test_the_field_is_where_the_picture_matters(digits) -> None:
    """Only pixels inside the frame have a say, and every border of the frame does."""
    result = microscope(digits, sample_digit(), node="relu2", channel=3, position=(4, 4))
    assert tuple(result.field) == (2, 2, 7, 7)


def test_with_many_channels_the_rest_is_summed_up_in_words(squeezenet, shared_data) -> None:
    from matplotlib.figure import Figure

    result = microscope(squeezenet, shared_data / "photos" / "cat_dog.jpg", node="classifier.1")
    figure = Figure(layout="constrained")
    plot(result, figure)
    words = " ".join(text.get_text().replace("\n", " ") for text in figure.texts)
    found = re.search(r"drawn: the 16 of 512 channels .* the others add ([+-][\d.]+)", words)
    assert found
    sizes = np.abs(result.sum.terms[0].products).sum(axis=(1, 2))
    rest = result.sum.terms[0].products[np.argsort(-sizes)[16:]].sum()
    assert float(found[1]) == pytest.approx(rest, rel=1e-2)


def test_the_page_is_one_file(digits, tmp_path) -> None:
    page = microscope(digits, sample_digit()).save(tmp_path / "unit.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", page)
    assert "<link" not in page
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert [node["name"] for node in data["nodes"]] == list(digits.net.names)
    assert data["exact"]
    assert data["whole"]
    assert data["left_out"] == []


def test_the_page_of_a_large_net_holds_what_lies_around_the_unit(squeezenet, shared_data, tmp_path) -> None:
    result = microscope(squeezenet, shared_data / "photos" / "cat_dog.jpg", node="features.6.squeeze")
    nodes = result.page["nodes"]
    assert {"features.6.squeeze", "features.5", "input"} <= nodes.keys()
    assert not result.page["whole"]
    held = sum(one.size for card in nodes.values() for one in (card["value"], *card["signals"].values()))
    assert held < MOST_NUMBERS
    path = result.save(tmp_path / "unit.html")
    assert path.stat().st_size < 8 * MOST_NUMBERS
    assert path.stat().st_size < 3_000_000  # what a mail takes
    assert "the places around the chosen unit" in path.read_text(encoding="utf-8")


BAD = {
    "no such file": ({"image": "nowhere.png"}, ImageFileError, "nowhere.png"),
    "no image": ({"image": None}, ImageFileError, "None"),
    "a number": ({"image": 3}, ImageFileError, "int"),
    "a wrong array": ({"image": np.zeros(3, np.uint8)}, ImageFileError, r"\(3,\)"),
    "unknown class": ({"target": "elephant"}, SettingError, "elephant"),
    "class out of range": ({"target": 10}, SettingError, "10"),
    "class is a float": ({"target": 1.5}, SettingError, "1.5"),
    "unknown node": ({"node": "relu9"}, NetError, "near nodes: relu"),
    "node is a number": ({"node": 4}, NetError, "4"),
    "node after the scores": ({"node": "prob"}, SettingError, "does not lead to 'logits'"),
    "the picture": ({"node": "input", "channel": 0, "position": (0, 0)}, SettingError, "the picture itself"),
    "channel out of range": ({"node": "relu2", "channel": 99}, SettingError, "from 0 to 31"),
    "negative channel": ({"node": "relu2", "channel": -1}, SettingError, "from 0 to 31"),
    "channel is a float": ({"node": "relu2", "channel": 1.5}, SettingError, "whole number"),
    "row out of range": ({"node": "relu2", "channel": 1, "position": (8, 0)}, SettingError, "row of 'relu2'"),
    "column out of range": ({"node": "relu2", "channel": 1, "position": (0, 8)}, SettingError, "column of 'relu2'"),
    "position where there is none": ({"node": "flatten", "position": (0, 0)}, SettingError, "no position"),
}


@pytest.mark.parametrize(("settings", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(digits, settings, kind, message) -> None:
    with pytest.raises(MinitorchVizError, match=message) as caught:
        microscope(digits, **{"image": sample_digit(), **settings})
    assert isinstance(caught.value, kind)


def test_it_is_saved_as_a_picture_or_a_page_and_as_nothing_else(digits, tmp_path) -> None:
    with pytest.raises(SettingError, match=r"unit\.txt"):
        microscope(digits, sample_digit()).save(tmp_path / "unit.txt")
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------------- in a browser

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium or Chrome on the PATH")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=4000",
    "--window-size=1280,1500",
]
# Put into a copy of the page: the check of all sums, then a walk by clicks: to a reader, to an input, by a cell, back.
WALK = """<script>setTimeout(() => {
  const seen = [], title = () => document.getElementById("title").textContent;
  const step = click => { click(); seen.push(title()); };
  try {
    seen.push(title());
    step(() => document.querySelector("#readers button").click());
    step(() => document.querySelector("#largest button, #sum button").click());
    step(() => document.getElementById("back").click());
    step(() => document.querySelector('#nodes button[data-node="conv2"]').click());
    step(() => { const c = document.querySelector('#tiles canvas'), r = c.getBoundingClientRect();
      c.onclick({ clientX: r.left + 2, clientY: r.top + 2 }); });
    document.querySelector('#modes button[data-mode="guided"]').click();
    seen.push(location.hash);
    document.body.dataset.walk = JSON.stringify(seen);
    document.body.dataset.check = JSON.stringify(check(STEP));
  } catch (error) { document.body.dataset.walk = JSON.stringify([String(error.stack)]); }
}, 1500);</script></body>"""


def walked(page: Path, fragment: str, step: int) -> tuple[list[str], dict[str, float]]:
    text = page.read_text(encoding="utf-8").replace("</body>", WALK.replace("STEP", str(step)))
    page.write_text(text, encoding="utf-8")
    profile = page.with_suffix(".profile")
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "--dump-dom", f"{page.as_uri()}#{fragment}"],
        capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert 'data-ready="yes"' in done.stdout
    walk = json.loads(unescape(re.search(r'data-walk="([^"]*)"', done.stdout)[1]))
    assert "data-check" in done.stdout, walk
    return walk, json.loads(unescape(re.search(r'data-check="([^"]*)"', done.stdout)[1]))


@pytest.mark.slow
@in_a_browser
def test_in_the_page_every_sum_of_the_net_adds_up_and_every_click_leads_on(digits, tmp_path) -> None:
    result = microscope(digits, sample_digit(), node="conv3", channel=2, position=(1, 1))
    walk, found = walked(result.save(tmp_path / "unit.html"), "node=conv3&unit=37&mode=normal", step=1)
    assert found["units"] == sum(int(np.prod(card["value"].shape)) for card in result.page["nodes"].values())
    assert found["forwards"] == found["units"] - 64 - 10  # the pixels and the probabilities are no sums
    assert found["backwards"] == 3 * (found["units"] - 20)  # the scores are where the signal starts
    assert found["forward"] < 1e-12
    assert found["backward"] < 1e-12
    here, up, down, back, chosen, cell, fragment = walk
    assert here.startswith("conv3 channel 2, row 1, column 1")
    assert up.startswith("relu3 channel 2, row 1, column 1")
    assert down.startswith("conv3 channel 2, row 1, column 1")
    assert back == up
    assert chosen.startswith("conv2 channel")
    assert cell.startswith("relu1 channel")
    assert "mode=guided" in fragment
    tape = digits.astype(np.float64).net.forward(digits.astype(np.float64).preprocess(sample_digit()))
    assert float(here.rsplit(": ", 1)[1]) == pytest.approx(tape["conv3"][0, 2, 1, 1], rel=1e-4)


@pytest.mark.slow
@in_a_browser
def test_in_the_page_of_a_large_net_the_sums_add_up_too(shared_data, tmp_path) -> None:
    model = load_model("googlenet", weights=shared_data / "weights" / "googlenet_bvlc.safetensors")
    result = microscope(model, shared_data / "photos" / "cat_dog.jpg", node="inception_3a/3x3")
    path = result.save(tmp_path / "unit.html")
    text = path.read_text(encoding="utf-8").replace(
        "</body>",
        "<script>setTimeout(() => document.body.dataset.check = JSON.stringify(check(11)), 2500);</script></body>",
    )
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", path.as_uri()],
        capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    found = json.loads(unescape(re.search(r'data-check="([^"]*)"', done.stdout)[1]))
    assert min(found["forwards"], found["backwards"]) > 1000
    assert found["forward"] < 1e-4  # the page's numbers are rounded to float32
    assert found["backward"] < 1e-4


# A unit far down the scroll box: is its cell inside what the box shows, and is its yellow frame drawn there?
IN_VIEW = """<script>setTimeout(() => {
  const canvas = document.getElementById("map"), box = canvas.parentNode.getBoundingClientRect();
  const shown = canvas.getBoundingClientRect(), pen = canvas.getContext("2d");
  const data = pen.getImageData(0, 0, canvas.width, canvas.height).data;
  let top = Infinity, bottom = -1;
  for (let i = 0; i < data.length; i += 4)
    if (data[i] === 255 && data[i + 1] === 212 && data[i + 2] === 0) {
      const y = Math.floor(i / 4 / canvas.width);
      top = Math.min(top, y); bottom = Math.max(bottom, y);
    }
  const scale = shown.height / canvas.height;
  document.body.dataset.frame = JSON.stringify([shown.top + top * scale - box.top, shown.top + bottom * scale - box.top,
    canvas.parentNode.clientHeight, shown.height, window.scrollY]);
}, 2500);</script></body>"""


@pytest.mark.slow
@in_a_browser
@pytest.mark.parametrize("width", [1280, 500])
def test_the_unit_is_in_view_when_the_page_opens(width: int, tmp_path) -> None:
    model = load_model("scenes")
    result = microscope(model, samples(model)[0].image, channel=14, position=(47, 50))
    path = result.save(tmp_path / "unit.html")
    path.write_text(path.read_text(encoding="utf-8").replace("</body>", IN_VIEW), encoding="utf-8")
    done = subprocess.run(
        [CHROMIUM, *FLAGS[:-1], f"--window-size={width},900", f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom",
         path.as_uri()],
        capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    top, bottom, high, whole, scrolled = json.loads(unescape(re.search(r'data-frame="([^"]*)"', done.stdout)[1]))
    assert 0 <= top < bottom <= high
    assert whole > high or width < 1280  # on a desktop all units do not fit, so the box had to scroll
    assert scrolled == 0  # the page itself did not


def test_a_net_without_convolutions_begins_with_its_first_sum() -> None:
    model = load_model("faces")
    result = microscope(model, samples(model)[0].image)
    assert model.net[result.way[-1].node].layer.kind is Kind.WEIGHS
    total = sum(float(term.products.sum()) for term in result.sum.terms) + result.sum.bias
    assert total == pytest.approx(result.way[-1].value, abs=1e-12)


@pytest.mark.parametrize("scale", [3.7e-6, 0.0024, 0.5, 0.96, 1.0, 9.99, 9.996, 42.0, 99.97, 130.0, 999.6, 5.2e7])
def test_numbers_in_cells_fit_and_keep_their_size(scale: float) -> None:
    """Five letters at most, and with their unit they are the numbers, to the last decimal."""
    unit, decimals, words = written(scale)
    assert (words == "") == (unit == 1)
    assert f"1e{round(np.log10(unit))}" in words or unit == 1
    for value in (scale, -scale, 0.31 * scale, -0.77 * scale):
        text = f"{value / unit:.{decimals}f}"
        assert len(text) <= 5
        assert float(text) * unit == pytest.approx(value, abs=0.5001 * unit * 10.0**-decimals)
    assert len(f"{scale / unit:.{decimals}f}".replace(".", "").lstrip("0")) >= 2  # two digits of the largest at least


def test_each_mode_has_its_own_scale_and_numbers_do_not_touch(digits) -> None:
    """In the way back, too, whose signals may differ by powers of ten."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    result = microscope(digits, sample_digit())
    figure = result.figure()
    FigureCanvasAgg(figure).draw()
    renderer = figure.canvas.get_renderer()
    for axes in figure.axes:
        for mode in ("normal", "deconvnet", "guided"):
            if axes.get_title().startswith(f"{mode}:"):
                signal = result.signals[mode][-1]
                largest = max(np.abs(signal * term.weight).max() for term, _ in strongest(result.sum))
                assert f"±{largest:.3g}" in axes.get_title() or (not largest and "nothing" in axes.get_title())
        boxes = [text.get_window_extent(renderer) for text in axes.texts]
        assert not any(one.overlaps(two) for i, one in enumerate(boxes) for two in boxes[:i])
