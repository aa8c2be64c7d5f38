"""The film: what a page holds, that it only looks, that a resumed run continues it, and what it refuses."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from minitorch_viz import Net
from minitorch_viz.errors import MinitorchVizError, SettingError, ShapeError
from minitorch_viz.layers import LSTM, Conv2d, Embedding, Flatten, GlobalAvgPool2d, Linear, ReLU
from minitorch_viz.training import Adam, Film, MeanSquaredError, Observer, SoftmaxCrossEntropy, fit
from minitorch_viz.training.film.charts import Line, line_chart
from minitorch_viz.training.film.frame import BUDGET, Look, dead_share, grids, look_at, update_ratios
from minitorch_viz.training.film.page import DATA, read_film
from minitorch_viz.training.film.reel import Reel, Shot
from minitorch_viz.training.film.strips import Strip
from minitorch_viz.training.film.tiles import LARGEST_MAP, Grid, value_grid, weight_grid
from tests.training.test_checkpoint import StopAt
from tests.training.training_cases import assert_same_bits, bars, net_with_everything, small_net

IMAGES, LABELS = bars(12, seed=5)


def filmed(path, net=None, stop=None, images=IMAGES, labels=LABELS, seconds=0.0, frames=60, **settings):
    film = Film(path, images, labels, title="bars <&> stripes", seconds=seconds, frames=frames)
    observers = [film] + ([StopAt(stop)] if stop else [])
    settings = {"epochs": 3, "batch": 16, "optimizer": Adam(1e-2), "validation": bars(30, 2)} | settings
    data = settings.pop("data", bars(60))
    return fit(
        net or net_with_everything(), *data, rng=np.random.default_rng(0), observers=observers, progress=False,
        **settings,
    )  # fmt: skip


def data_of(path) -> dict:
    return json.loads(DATA.search(path.read_text(encoding="utf-8"))[1])


class Page(HTMLParser):
    """Tags by name, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.html"
    filmed(path)
    return path


def test_the_page_holds_a_card_for_every_layer(path) -> None:
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert [card["data-node"] for card in page.all("section") if "data-node" in card] == [
        "input", "conv", "norm", "relu", "fc",
    ]  # fmt: skip
    kinds = {(strip["node"], strip["kind"]) for strip in data_of(path)["strips"]}
    for node in ("conv", "fc"):
        for kind in ("weights", "weight gradients", "activations", "activation gradients"):
            assert (node, kind) in kinds
    for node in ("input", "norm", "relu"):
        assert {kind for name, kind in kinds if name == node} == {"activations", "activation gradients"}
    assert len([c for c in page.all("canvas") if "data-strip" in c]) == len(kinds) + 2  # and two changes of weights
    for words in ("dead units", "change of the weights", "loss", "accuracy", "held out", "blue is negative"):
        assert words in text
    assert "bars &lt;&amp;&gt; stripes" in text
    assert "Live" not in page.text
    assert re.search(r"Not drawn, [^:]*:\s+flat, drop\.", page.text)


def test_nothing_comes_from_elsewhere(path) -> None:
    text = re.sub(r"data:image/png;base64,[\w+/=]+", "", path.read_text(encoding="utf-8"))
    assert "http:" not in text
    assert "https:" not in text
    assert not Page(text).all("link")
    assert all("src" not in script for script in Page(text).all("script"))


def test_the_pictures_are_the_arrays(tmp_path) -> None:
    """The last frame, read from the PNGs as the page reads them, is what the trained net holds."""
    fitted = filmed(tmp_path / "film.html", keep="last")
    film = data_of(tmp_path / "film.html")
    assert [shot["step"] for shot in film["shots"]] == list(range(13))
    look = Look(IMAGES, LABELS, 3, SoftmaxCrossEntropy(), "fc")
    now = look_at(fitted.net, look)
    for strip in film["strips"]:
        rows, columns, height, width = strip["shape"]
        with Image.open(io.BytesIO(base64.b64decode(strip["png"].partition(",")[2]))) as image:
            codes = np.asarray(image)[-rows * height :].astype(float)
        share = (codes - 127) / 127
        values = np.sign(share) * share**2 * strip["largest"][-1]
        tiles = values.reshape(rows, height, columns, width).swapaxes(1, 2)
        if (strip["node"], strip["kind"]) == ("conv", "weights"):
            expected = fitted.net.params["conv.weight"][:, 0][None]
        elif (strip["node"], strip["kind"]) == ("relu", "activations"):
            expected = now.tape["relu"][:3]
        elif (strip["node"], strip["kind"]) == ("input", "activation gradients"):
            expected = now.flow["input"][:3, 0][None]
        elif (strip["node"], strip["kind"]) == ("fc", "weight gradients"):
            expected = now.grads["fc.weight"].reshape(2, 4, 4, 4)
        else:
            continue
        np.testing.assert_allclose(tiles, expected, atol=0.01 * np.abs(expected).max())


def test_the_gradients_are_those_of_the_loss(rng) -> None:
    look = Look(IMAGES, LABELS, 3, SoftmaxCrossEntropy(), "fc")
    net = small_net().astype(np.float64)
    look = Look(IMAGES.astype(np.float64), LABELS, 3, SoftmaxCrossEntropy(), "fc")
    moment, way = look_at(net, look), rng.standard_normal((12, 4, 4, 4))
    relu = moment.tape["conv"]

    def loss(step: float) -> float:
        return look.loss(net.predict(given={"conv": relu + step * way}, upto="fc"), LABELS)[0]

    slope = (loss(1e-6) - loss(-1e-6)) / 2e-6
    assert (moment.flow["conv"] * way).sum() == pytest.approx(slope, rel=1e-6)


def test_a_film_only_looks(tmp_path) -> None:
    assert_same_bits(filmed(tmp_path / "film.html").net, fit(
        net_with_everything(), *bars(60), rng=np.random.default_rng(0), epochs=3, batch=16, optimizer=Adam(1e-2),
        validation=bars(30, 2), progress=False,
    ).net)  # fmt: skip


def test_it_is_live_and_says_how_it_ended(tmp_path) -> None:
    path, seen = tmp_path / "film.html", []

    class Look(Observer):
        def step(self, _run, _step) -> None:
            seen.append(path.read_text(encoding="utf-8"))

    film = Film(path, IMAGES, LABELS, seconds=0)
    common = {"rng": np.random.default_rng(0), "epochs": 1, "batch": 20, "progress": False}
    fit(small_net(), *bars(60), observers=[film, Look()], **common)
    assert all("Live: written at" in text and json.loads(DATA.search(text)[1])["live"] for text in seen)
    assert "Live: written at" not in path.read_text(encoding="utf-8")
    fit(small_net(), *bars(60), observers=[film, StopAt(2)], **common)
    assert "Training stopped: interrupted" in path.read_text(encoding="utf-8")
    broken = bars(60)
    broken[0][37] = np.nan
    with pytest.raises(MinitorchVizError):
        fit(small_net(), *broken, observers=[film], **common)
    assert "Training stopped: The loss became nan" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("checkpointed_at", [5, 8])
def test_a_resumed_run_continues_its_film(tmp_path, checkpointed_at: int) -> None:
    """The frames after the checkpoint, if there are any, are taken again: nothing is there twice."""
    whole, path, checkpoint = tmp_path / "whole.html", tmp_path / "film.html", tmp_path / "run.ckpt"
    filmed(whole)
    filmed(path, stop=8, checkpoint=checkpoint)
    if checkpointed_at < 8:  # as if it had been killed: the film is further than the checkpoint
        filmed(tmp_path / "other.html", stop=checkpointed_at, checkpoint=checkpoint)
    filmed(path, checkpoint=checkpoint, resume=True)
    one, other = data_of(whole), data_of(path)
    assert [shot["step"] for shot in other["shots"]] == list(range(13))
    assert [point[0] for point in other["curve"]] == list(range(1, 13))
    assert [strip["png"] for strip in one["strips"]] == [strip["png"] for strip in other["strips"]]
    assert other == one


def test_the_size_is_bounded(tmp_path) -> None:
    path = tmp_path / "film.html"
    filmed(path, net=small_net(), frames=12, epochs=40, seconds=60)
    film = data_of(path)
    steps = [shot["step"] for shot in film["shots"]]
    assert len(steps) == 12
    assert (steps[0], steps[-1]) == (0, 160)
    gaps = np.diff(steps)
    assert gaps[0] <= 4
    assert gaps[-1] > 3 * gaps[0]
    assert all(len(strip["largest"]) == 12 for strip in film["strips"])
    assert path.stat().st_size < 200_000


def test_a_large_net_stays_within_the_budget(rng) -> None:
    nodes = [("conv0", Conv2d.random(rng, 3, 16, 11))]
    for i in range(1, 24):
        nodes += [(f"conv{i}", Conv2d.random(rng, 16, 16, 3, padding=1)), (f"relu{i}", ReLU())]
    net = Net([*nodes, ("pool", GlobalAvgPool2d()), ("flat", Flatten()), ("fc", Linear.random(rng, 16, 5))])
    look = Look(
        rng.standard_normal((2, 3, 36, 36)).astype(np.float32), np.array([0, 1]), 2, SoftmaxCrossEntropy(), "fc"
    )
    found = grids(net, look, look_at(net, look))
    assert ("conv0", "weights") in found
    assert found["conv0", "weights"].values.shape[-1] == 3  # in colour
    assert ("relu3", "activations") not in found
    assert sum(grid.values.size for grid in found.values()) <= BUDGET
    shown = {node for node, _ in found}
    assert {"input", "fc", "conv0"} <= shown
    assert {name for name in shown if name.startswith("conv")} == {
        f"conv{i}" for i in (0, 5, 10, 15, 20)
    }  # spread evenly


def test_nets_of_all_kinds_can_be_filmed(tmp_path, rng) -> None:
    """Words through an LSTM: inputs that have no gradient, outputs with a time axis; and a regression."""
    words, labels = rng.integers(0, 9, (20, 6)), rng.integers(0, 3, 20)
    reader = Net(
        [
            ("embed", Embedding(rng.standard_normal((9, 4)).astype(np.float32))),
            ("lstm", LSTM.random(rng, 4, 5)),
            ("flat", Flatten()),
            ("fc", Linear.random(rng, 30, 3)),
        ]
    )
    filmed(tmp_path / "a.html", reader, images=words, labels=labels, data=(words, labels), validation=None)
    kinds = {(strip["node"], strip["kind"]) for strip in data_of(tmp_path / "a.html")["strips"]}
    assert {("embed", "weights"), ("lstm", "activations"), ("lstm", "activation gradients")} <= kinds
    assert not [node for node, _ in kinds if node == "input"]
    x, y = rng.standard_normal((20, 7)).astype(np.float32), rng.standard_normal((20, 1))
    line = Net([("fc", Linear.random(rng, 7, 1))])
    filmed(tmp_path / "b.html", line, images=x, labels=y, data=(x, y), validation=None, loss=MeanSquaredError())
    assert "accuracy" not in (tmp_path / "b.html").read_text(encoding="utf-8")


def test_dead_units_and_step_sizes() -> None:
    net = Net([("relu", ReLU())])
    x = np.array([[[[1.0]], [[-1]], [[0]]], [[[-1]], [[-2]], [[3]]]])
    assert dead_share(net, net.forward(x)) == {"relu": pytest.approx(1 / 3)}
    ratios = update_ratios({"a.weight": np.array([3.0, 4]), "a.bias": np.ones(1)}, {"a.weight": np.array([3.0, 4.5])})
    assert ratios == {"a": pytest.approx(0.1)}


def test_codes_keep_small_values_beside_an_outlier(rng) -> None:
    values = rng.standard_normal((2, 3, 4, 5)) * 1e-3
    values[0, 0, 0, 0] = -1
    strip = Strip("a", "weights", "", values.shape)
    strip.add(values)
    strip.add(np.zeros_like(values))
    back = Strip.from_json(strip.to_json())
    tiles = back.values(0).reshape(2, 4, 3, 5).swapaxes(1, 2)
    np.testing.assert_allclose(tiles, values, atol=3e-4)
    assert tiles[0, 0, 0, 0] == -1
    assert np.corrcoef(tiles.ravel()[1:], values.ravel()[1:])[0, 1] > 0.98
    assert not back.values(1).any()


def test_grids_say_what_they_leave_out(rng) -> None:
    grid = weight_grid(rng.standard_normal((32, 40, 3, 3)), 16)
    assert grid.values.shape == (8, 16, 3, 3)
    assert grid.note == "rows: the first 8 of 32 filters; columns: the first 16 of 40 input channels"
    flat = weight_grid(rng.standard_normal((10, 32)), 16, maps=(2, 4, 4))
    assert flat.values.shape == (10, 2, 4, 4)
    assert weight_grid(rng.standard_normal((3, 7)), 16).values.shape == (1, 1, 3, 7)
    assert weight_grid(np.ones(5), 16) is None
    big = rng.standard_normal((1, 2, 100, 70))
    small = value_grid(big, 1, 16)
    assert max(small.values.shape) <= LARGEST_MAP
    assert "averaged over 4 x 4" in small.note
    np.testing.assert_allclose(small.values[0, 1, 0, 0], big[0, 1, :4, :4].mean())


def test_charts_put_points_where_they_belong() -> None:
    svg = line_chart([Line("a", [(0, 1.0), (50, 0.1), (100, 0.0)], "red")], y_label="x < y", x_max=100, log=True)
    points = re.search(r'polyline points="([^"]+)"', svg)[1].split()
    assert len(points) == 2  # 0 has no place on a logarithmic axis
    (x0, y0), (x1, y1) = (map(float, point.split(",")) for point in points)
    left, right = (float(re.search(rf'data-{side}="(\d+)"', svg)[1]) for side in ("left", "right"))
    assert (x0, x1) == (left, (left + right) / 2)
    assert y0 < y1  # larger is higher
    assert "x &lt; y" in svg
    linear = line_chart([Line("", [(0, 3.7)], "red")], y_label="", x_max=1)
    assert {"0", "1", "2", "3", "4"} <= set(re.findall(r">([\d.]+)</text>", linear))
    assert "polyline" not in line_chart([], y_label="nothing yet", x_max=0)


GOOD = {"path": "film.html", "images": IMAGES, "targets": LABELS}
BAD = {
    "no path": ({"path": None}, MinitorchVizError, "film.*None"),
    "an empty path": ({"path": " "}, MinitorchVizError, "empty"),
    "path of bytes": ({"path": b"film.html"}, MinitorchVizError, "film"),
    "images are a list": ({"images": [1]}, ShapeError, "images.*a list"),
    "no images": ({"images": IMAGES[:0]}, ShapeError, r"\(0, 1, 6, 6\)"),
    "images are a number": ({"images": np.float32(1)}, ShapeError, "images"),
    "targets are None": ({"targets": None}, ShapeError, "targets.*NoneType"),
    "too few targets": ({"targets": LABELS[:3]}, ShapeError, "12 images, 3 targets"),
    "title is a number": ({"title": 3}, SettingError, "title.*3"),
    "shown is 0": ({"shown": 0}, SettingError, "images shown.*0"),
    "shown is too many": ({"shown": 13}, SettingError, "from 1 to 12.*13"),
    "one frame": ({"frames": 1}, SettingError, "frames.*1"),
    "too many frames": ({"frames": 10**6}, SettingError, "1000000"),
    "negative seconds": ({"seconds": -1}, SettingError, "seconds.*-1"),
    "seconds are nan": ({"seconds": float("nan")}, SettingError, "nan"),
    "seconds are a text": ({"seconds": "2"}, SettingError, "'2'"),
}


@pytest.mark.parametrize(("settings", "kind", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(settings, kind, message) -> None:
    with pytest.raises(MinitorchVizError, match=message) as caught:
        Film(**(GOOD | settings))
    assert isinstance(caught.value, kind)


BAD_RUNS = {
    "a folder that is not there": (lambda tmp: {"path": tmp / "nowhere" / "film.html"}, "nowhere"),
    "images of another size": (lambda tmp: {"path": tmp / "f.html", "images": IMAGES[:, :, :5]}, "node 'fc'"),
    "targets that are no class": (lambda tmp: {"path": tmp / "f.html", "labels": LABELS + 4}, "0 to 1"),
    "images that are not finite": (lambda tmp: {"path": tmp / "f.html", "images": IMAGES * np.inf}, "not finite"),
}


@pytest.mark.parametrize(("settings", "message"), BAD_RUNS.values(), ids=list(BAD_RUNS))
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # 0 * infinity, made on purpose
def test_what_does_not_fit_the_run_is_told_before_the_first_step(tmp_path, settings, message) -> None:
    with pytest.raises(MinitorchVizError, match=message):
        filmed(**settings(tmp_path))


def change(text: str, **fields) -> str:
    data = json.loads(DATA.search(text)[1]) | fields
    return f'<script type="application/json" id="film">{json.dumps(data)}</script>'


NO_FILM = {
    "a text": (lambda text: "my thesis", "no film"),
    "another page": (lambda text: "<html><body>hello</body></html>", "no film"),
    "not UTF-8": (lambda text: b"\xff\xfe\x00", "cannot be read"),
    "cut off": (lambda text: text[: len(text) // 2], "no film"),
    "no JSON": (lambda text: text.replace('"shots": [', '"shots": [['), "damaged"),
    "no frames": (lambda text: change(text, shots=None), "damaged"),
    "frames without a step": (lambda text: change(text, shots=[{"epoch": 1}]), "damaged.*step"),
    "fewer frames than pictures": (lambda text: change(text, shots=[]), "damaged.*differ"),
    "strips are a number": (lambda text: change(text, strips=3), "damaged"),
    "no curve": (lambda text: change(text, curve=None), "damaged"),
    "the film of another net": (lambda text: change(text, strips=[]), "another net"),
}


@pytest.mark.parametrize(("damage", "message"), NO_FILM.values(), ids=list(NO_FILM))
def test_only_a_film_is_continued(tmp_path, damage, message) -> None:
    path, checkpoint = tmp_path / "film.html", tmp_path / "run.ckpt"
    filmed(path, stop=5, checkpoint=checkpoint)
    damaged = damage(path.read_text(encoding="utf-8"))
    path.write_bytes(damaged if isinstance(damaged, bytes) else damaged.encode())
    before = path.read_bytes()
    with pytest.raises(SettingError, match=message):
        filmed(path, checkpoint=checkpoint, resume=True)
    assert path.read_bytes() == before


def test_pictures_that_are_damaged(tmp_path, path) -> None:
    text = path.read_text(encoding="utf-8")
    strips = data_of(path)["strips"]
    other = base64.b64encode(b"no picture").decode()
    for wrong in ({"png": f"data:image/png;base64,{other}"}, {"png": "x,*"}, {"shape": [1, 2, 3, 4]}, {"usual": []}):
        (tmp_path / "f.html").write_text(change(text, strips=[strips[0] | wrong, *strips[1:]]))
        with pytest.raises(SettingError, match="damaged"):
            read_film(tmp_path / "f.html", 60)


def test_the_curve_is_averaged_when_it_gets_long() -> None:
    reel = Reel()
    reel.add(Shot(0, 0, {}, {}), {("a", "weights"): Grid(np.ones((1, 1, 2, 2)), "")})
    for step in range(1, 3001):
        reel.point(step, float(step), 0.5)
    assert 250 <= len(reel.curve) <= 500
    assert reel.per_point == 8
    assert reel.curve[0] == [8, 4.5, 0.5]
