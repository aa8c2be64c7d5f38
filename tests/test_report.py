"""The report: self-contained, complete, honest about what failed, and kept on Ctrl-C."""

from __future__ import annotations

import base64
import dataclasses
import html
import re
import time
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, load_model
from minitorch_viz.cli import main
from minitorch_viz.data.scenes import KINDS, scene
from minitorch_viz.errors import MinitorchVizError, SettingError
from minitorch_viz.models.catalog import list_models
from minitorch_viz.models.readers import Preprocessing
from minitorch_viz.models.samples import IN_REPORT, Sample, report_samples, sample_digit, sample_images, samples
from minitorch_viz.report import make_page, make_report
from minitorch_viz.techniques import techniques
from minitorch_viz.techniques.base import Result
from minitorch_viz.techniques.chapters import CHAPTERS, in_order
from minitorch_viz.techniques.run import how_far, looping
from minitorch_viz.techniques.subject import TEXT


class Page(HTMLParser):
    """The tags and attributes of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.contents: list[dict[str, str | None]] = []  # the links in the contents
        self.in_contents = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.in_contents |= tag == "nav"
        if self.in_contents and tag == "a" and ("class", "close") not in attrs:
            self.contents.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        self.in_contents &= tag != "nav"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def pictures(model, photos: int = 1) -> int:
    """How many pictures the techniques that apply make of so many photos, and of the net and a data set once."""
    return sum(
        len(technique.in_report(model)) * (photos if technique.subject.once_a == "photo" else 1)
        for technique in techniques().values()
        if technique.refuses(model) is None and technique.budget is None
    )


@pytest.fixture(scope="module")
def model():
    return load_model("digits")


@pytest.fixture(scope="module")
def page(model, tmp_path_factory) -> str:
    out = tmp_path_factory.mktemp("report") / "report.html"
    return make_report(model, sample_images(model)[:2], out, progress=False).read_text(encoding="utf-8")


def test_every_technique_is_there_with_caption_settings_and_paper(page: str, model) -> None:
    parsed = Page(page)
    cards = [card["data-technique"] for card in parsed.all("article")]
    for name, technique in techniques().items():
        if technique.budget is not None or technique.refuses(model):
            assert name not in cards  # `report --all` shows the former
            continue
        times = 2 if technique.subject.once_a == "photo" else 1
        assert cards.count(name) == times * len(technique.in_report(model))
        assert technique.paper in " ".join(parsed.words)
        assert f"minitorch-viz {name}" in page
    assert "scale" in page


def test_the_pictures_are_inside_and_are_pictures(page: str) -> None:
    images = Page(page).all("img")
    assert len(images) == 2 + pictures(load_model("digits"), photos=2)
    for image in images:
        kind, data = (image["src"] or "").split(",")
        assert kind == "data:image/png;base64"
        assert base64.b64decode(data, validate=True).startswith(b"\x89PNG\r\n\x1a\n")
        assert image["alt"]
        assert len(image["alt"]) < 160  # what it shows; the caption below it is not said twice


def test_nothing_comes_from_elsewhere(page: str) -> None:
    without_data = re.sub(r"data:image/png;base64,[\w+/=]+", "", page)
    assert "http:" not in without_data
    assert "https:" not in without_data
    assert not Page(page).all("script")
    assert not Page(page).all("link")


def test_the_answers_are_the_models(page: str, model) -> None:
    best = model.classify(sample_digit(3), top=1)[0]
    assert f"{best.probability:.3f}" in page


def test_names_are_escaped(model, tmp_path) -> None:
    name = "<script>alert(1)</script>"
    path = make_report(model, [(name, sample_digit())], tmp_path / "r.html", only=["saliency"], progress=False)
    assert name not in path.read_text(encoding="utf-8")
    assert "&lt;script&gt;" in path.read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_technique_that_fails_leaves_its_sentence(model, tmp_path, monkeypatch) -> None:
    def fails(_model, _image):
        raise SettingError("This went wrong: try something else.")

    broken = dataclasses.replace(techniques()["occlusion"], compute=fails)
    fails.__doc__ = "Cover one place."
    monkeypatch.setattr("minitorch_viz.report.make.techniques", lambda: {**techniques(), "occlusion": broken})
    path = make_report(model, [("a", sample_digit())], tmp_path / "r.html", progress=False)
    text = path.read_text(encoding="utf-8")
    assert "This went wrong: try something else." in text
    assert len(Page(text).all("img")) == pictures(model)


def test_ctrl_c_keeps_what_is_finished(model, tmp_path, monkeypatch) -> None:
    import minitorch_viz.report.make as make

    ran = []

    def stops(card, *rest):
        if len(ran) == 2:
            raise KeyboardInterrupt
        ran.append(card.technique.name)
        return run(card, *rest)

    run = make.fill
    monkeypatch.setattr(make, "fill", stops)
    with pytest.raises(KeyboardInterrupt):
        make_report(model, [("a", sample_digit())], tmp_path / "r.html", progress=False)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "interrupted" in text
    assert len(Page(text).all("article")) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]


def test_a_net_without_relus_says_why_a_technique_is_missing(tmp_path) -> None:
    from minitorch_viz import Model, Net
    from minitorch_viz.layers import Flatten, Linear

    rng = np.random.default_rng(0)
    linear = Net([("flat", Flatten()), ("fc", Linear(rng.standard_normal((2, 3 * 16)).astype(np.float32)))])
    model = Model.from_net(linear, 4)
    image = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    text = make_report(model, [("noise", image)], tmp_path / "r.html", progress=False).read_text(encoding="utf-8")
    assert "this net has no convolution" in text
    assert "this net has no ReLU" in text


# ------------------------------------------------------------------ the order, and what is not shown


def test_one_looks_first_and_compares_last(page: str) -> None:
    parsed = Page(page)
    shown = list(dict.fromkeys(card["data-technique"] for card in parsed.all("article")))
    applying = [technique for technique in techniques().values() if technique.refuses(load_model("digits")) is None]
    assert shown == [technique.name for technique in in_order(applying) if technique.budget is None]
    assert shown[0] == "activation-maps"
    assert shown[-1] == "compare"
    gradients = [name for name in shown if techniques()[name].family == "gradients" and name != "microscope"]
    assert gradients[0] == "saliency"
    words = " ".join(parsed.words)
    words = words[words.find("What the net answers") :]
    places = [words.find(heading) for heading in CHAPTERS.values() if heading in words]
    assert places == sorted(places)
    assert len(places) >= 4


def test_a_chapter_that_is_none_is_told() -> None:
    with pytest.raises(SettingError, match="near chapters: pixels"):
        dataclasses.replace(techniques()["saliency"], chapter="pixel")
    of_its_family = dataclasses.replace(techniques()["saliency"], chapter="", level=99)
    assert in_order([of_its_family, techniques()["lrp"], techniques()["grad-cam"]])[1] is of_its_family


def test_a_reader_and_a_browser_find_their_way(page: str) -> None:
    """One h1, headings without a gap, one main part, pictures whose size is known, links that lead somewhere."""
    parsed = Page(page)
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(parsed.all("main")) == 1
    for image in parsed.all("img"):
        assert int(image["width"] or 0) > 0
        assert int(image["height"] or 0) > 0
    assert sum(image.get("loading") == "lazy" for image in parsed.all("img")) >= pictures(load_model("digits"))
    places = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(places) == len(set(places))
    assert {(link["href"] or "")[1:] for link in parsed.all("a")} <= set(places)


def test_what_does_not_apply_is_one_list_with_reasons(tmp_path) -> None:
    model = load_model("faces")
    refused = {name for name, one in techniques().items() if one.refuses(model) is not None}
    assert refused
    pair, only = (model, samples(model)[0]), [*refused, "saliency"]
    text = make_page([pair], tmp_path / "r.html", only=only, progress=False).read_text(encoding="utf-8")
    parsed = Page(text)
    assert not refused & {card["data-technique"] for card in parsed.all("article")}
    words = " ".join(parsed.words)
    assert words.count("Not shown here") == 1
    listed = re.findall(r"<li><b>(.*?)</b>: (.*?)</li>", text)
    assert len(listed) == len({reason for _, reason in listed})  # once, whatever number of techniques it keeps away
    shown = {name: html.unescape(reason) for names, reason in listed for name in names.split(", ")}
    assert shown == {name: techniques()[name].refuses(model) for name in refused}
    assert "whichever of them it names" in words[: words.find("What the net answers")]


@dataclasses.dataclass(frozen=True, eq=False)
class Counted(Result):
    """A result that knows how far it is."""

    done: int
    total: int
    caption = "a count"

    @property
    def technique(self):
        return techniques()["saliency"]

    @property
    def notes(self) -> tuple[str, ...]:
        return how_far(self, "step")

    def figure(self):
        return techniques()["saliency"].example().figure()


def looping_technique(budget: float | None, pause: float, stop_at: int | None = None):
    """A technique of 1000 steps, some of which may be Ctrl-C."""

    @looping("step")
    def count(model, image):  # noqa: ARG001 (the signature of a technique)
        """Count to a thousand."""
        for step in range(1, 1001):
            if step == stop_at:
                raise KeyboardInterrupt
            time.sleep(pause)
            yield Counted(step, 1000)

    return dataclasses.replace(techniques()["occlusion"], name="count", compute=count, budget=budget, chapter="use")


def test_what_takes_longer_is_left_to_all_and_keeps_its_budget(model, tmp_path, monkeypatch) -> None:
    slow = looping_technique(0.2, 0.02)
    monkeypatch.setattr("minitorch_viz.report.make.techniques", lambda: {"count": slow})
    monkeypatch.setattr("minitorch_viz.report.make.get_technique", lambda _name: slow)
    pair = [(model, Sample("a", sample_digit()))]
    text = make_page(pair, tmp_path / "r.html", progress=False).read_text(encoding="utf-8")
    assert not Page(text).all("article")
    assert "it takes longer: `minitorch-viz report --all` gives it 0.2 s" in text
    started = time.monotonic()
    for settings in ({"long": True}, {"only": ["count"]}):
        text = make_page(pair, tmp_path / "r.html", progress=False, **settings).read_text(encoding="utf-8")
        assert len(Page(text).all("article")) == 1
        assert re.search(r"after \d{1,2} of 1000 steps", text)
        assert "--budget 0.2" in text
    assert time.monotonic() - started < 10  # a thousand steps take 20 s, twice 40
    for words, articles in (([], 0), (["--all"], 1)):
        assert main(["report", "--model", "digits", *words, "--out", str(tmp_path / "c.html")]) == 0
        text = (tmp_path / "c.html").read_text(encoding="utf-8")
        assert len(Page(text).all("article")) == 3 * articles  # of three digits


def test_ctrl_c_in_a_loop_keeps_what_it_has(model, tmp_path, monkeypatch) -> None:
    techniques_of_a_page = {"count": looping_technique(None, 0.0, stop_at=8), "saliency": techniques()["saliency"]}
    monkeypatch.setattr("minitorch_viz.report.make.techniques", lambda: techniques_of_a_page)
    with pytest.raises(KeyboardInterrupt, match="holds what was finished, 2 of 2"):
        make_page([(model, Sample("a", sample_digit()))], tmp_path / "r.html", progress=False)
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "after 7 of 1000 steps" in text
    assert "interrupted" in text


# ------------------------------------------------------------------ what it shows when it is asked for nothing


@pytest.fixture(scope="module")
def default_page(tmp_path_factory) -> str:
    """`minitorch-viz report`, with every way to the network closed."""
    out = tmp_path_factory.mktemp("default") / "report.html"

    def refused(*_args: object, **_settings: object) -> None:
        raise OSError("there is no network")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.socket.connect", refused)
        patch.setattr("socket.getaddrinfo", refused)
        assert main(["report", "--out", str(out)]) == 0
    return out.read_text(encoding="utf-8")


@pytest.mark.nightly
def test_the_default_shows_each_net_in_its_section(default_page: str) -> None:
    page = Page(default_page)
    sections = [section["id"] for section in page.all("section")]
    assert sections == [f"photo{number}" for number in range(1, len(IN_REPORT) + 1)]
    text = " ".join(page.words)
    for model, sample in report_samples():
        assert f"{sample.name}, seen by {model.name}" in text
        assert f"minitorch-viz saliency --model {model.name} --mode compare" in text
        assert f"{model.classify(sample.image)[0].probability:.3f}" in text
    assert "interrupted" not in text
    assert len(page.all("article")) >= sum(pictures(model) for model, _ in report_samples())


@pytest.mark.nightly
def test_the_table_of_contents_leads_to_every_section_and_technique(default_page: str) -> None:
    page = Page(default_page)
    targets = [link["href"] for link in page.contents]
    places = {f"#{attributes['id']}" for _, attributes in page.tags if "id" in attributes}
    assert {link["href"] for link in page.all("a")} <= places
    assert set(targets) <= places
    assert len(targets) == len(set(targets))
    applying = [
        sum(one.refuses(model) is None and one.budget is None for one in techniques().values())
        for model, _ in report_samples()
    ]
    assert len(targets) == len(IN_REPORT) + sum(applying)


def test_the_nets_of_the_default_come_with_the_package() -> None:
    bundled = {row.name for row in list_models() if row.bundled}
    assert set(IN_REPORT) <= bundled


@pytest.mark.nightly
def test_the_truth_is_that_of_the_scene(default_page: str) -> None:
    import io

    from PIL import Image

    model, sample = next(pair for pair in report_samples() if pair[0].name == "scenes")
    source = next(image["src"] for image in Page(default_page).all("img") if image.get("class") == "truth")
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode((source or "").split(",")[1]))))
    factor = len(shown) // 64
    made = scene(3, 0, objects=(2, 3))
    np.testing.assert_array_equal(shown[::factor, ::factor] == 255, made.where(KINDS[1 + made.label]))
    np.testing.assert_array_equal(shown[::factor, ::factor] == 0, made.object_map == 0)
    assert len(np.unique(shown)) == 1 + len(made.kinds)
    assert sample.objects[0] == KINDS[1 + made.label]
    assert f"white is the {sample.objects[0]}; the others, from lighter to darker grey: " in default_page
    of_the_scene = sum(
        len(technique.in_report(model))
        for technique in techniques().values()
        if technique.subject.once_a == "photo" and technique.refuses(model) is None and technique.budget is None
    )
    assert default_page.count("<figcaption>the truth") == of_the_scene  # beside each map of that scene


def test_a_truth_of_one_object(tmp_path) -> None:
    model, made = load_model("scenes"), scene(0, 1, objects=1)
    sample = Sample("one", made.image, made.object_map, ("moon",))
    text = make_page([(model, sample)], tmp_path / "r.html", only=["saliency"], progress=False).read_text("utf-8")
    assert "white is the moon." in text
    assert "the others" not in text


@pytest.mark.parametrize("name", [row.name for row in list_models() if row.bundled])
def test_every_bundled_net_has_samples_that_it_can_take(name: str) -> None:
    model = load_model(name)
    if not any(isinstance(reader, Preprocessing) for reader in model.readers.values()):
        assert len(model.readers["input"].codes(TEXT.read(model, []))) > 500
        assert [sample.text for sample in samples(model)] == [TEXT.read(model, [])]
        return
    found = samples(model)
    assert found
    for sample in found:
        assert sample.image.dtype == np.uint8
        assert sample.image.shape[2] == 3
        assert model.preprocess(sample.image).shape[1:] == (model.preprocessing.channels, *model.preprocessing.size)
        assert sample.image.std() > 10


def test_a_model_alone_is_shown_with_its_own_pictures(tmp_path) -> None:
    out = tmp_path / "r.html"
    assert main(["report", "--model", "scenes", "--only", "saliency", "--out", str(out)]) == 0
    assert "What scenes sees" in out.read_text(encoding="utf-8")


@pytest.fixture
def reading() -> Model:
    """A net of random weights that reads letters, and would take no photo."""
    from minitorch_viz.techniques.recurrent._small_net import small_reading

    return small_reading()[0]


def test_a_net_that_reads_is_shown_with_a_text_of_its_own(reading: Model, tmp_path) -> None:
    (sample,) = samples(reading)
    text = make_page([(reading, sample)], tmp_path / "r.html", only=["cells", "saliency"], progress=False).read_text()
    parsed = Page(text)
    words = " ".join(parsed.words)
    assert "What a random net reads" in words
    assert sample.text[:40] in words
    assert [card["data-technique"] for card in parsed.all("article")] == ["cells"]
    assert re.search(r"<li><b>saliency</b>: a random net takes a text and not a picture</li>", text)
    scores = reading.net.predict(reading.read(sample.text))[0].astype(np.float64)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    best = [f"{share:.3f}" for share in np.sort(shares[-1])[:-6:-1]]
    assert re.findall(r'<span class="p">(.*?)</span>', text) == best
    codes = reading.readers["input"].codes(sample.text)
    nats = -np.log(shares[np.arange(len(codes) - 1), codes[1:]]).mean()
    assert f"surprised the net by {nats:.2f} nats each" in words


def test_a_text_of_ones_own_is_shown_and_named_in_the_commands(reading: Model, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    reading.save("net.safetensors")
    Path("she.txt").write_text("She was here.\nHe was not.\n", encoding="utf-8")
    command = ["report", "--model", "net.safetensors", "--text", "she.txt", "--only", "cells", "--out", "r.html"]
    assert main(command) == 0
    text = Path("r.html").read_text(encoding="utf-8")
    assert "She was here." in text
    assert "minitorch-viz cells --text she.txt --model net.safetensors" in text.replace(str(tmp_path) + "/", "")
    capsys.readouterr()
    Path("other.txt").write_text("She was HERE?", encoding="utf-8")
    for words, message in (
        (["--text", "other.txt", "--model", "net.safetensors"], "'E' at place 9"),
        (["--text", "nowhere.txt"], "no text file nowhere.txt"),
        (["--text", "she.txt", "--model", "digits"], "digits takes a picture and not a text"),
        (["a.png", "--text", "she.txt"], "Give either photos, a.png, or --text she.txt"),
    ):
        assert main(["report", *words, "--out", "x.html"]) == 2
        assert message in capsys.readouterr().err
    assert not Path("x.html").exists()


@pytest.mark.slow
def test_the_main_job_on_a_real_photo(shared_data, tmp_path) -> None:
    """cat_dog with SqueezeNet 1.1: the page is complete, and the occlusion map points at the animals."""
    from minitorch_viz.techniques.activations.occlusion import occlusion

    model = load_model("squeezenet1_1", weights=shared_data / "weights" / "squeezenet1_1.safetensors")
    photo = shared_data / "photos" / "cat_dog.jpg"
    text = make_report(model, [("cat_dog", photo)], tmp_path / "r.html", progress=False).read_text(encoding="utf-8")
    assert "boxer" in text
    assert len(Page(text).all("img")) == 1 + pictures(model)
    result = occlusion(model, photo, target="boxer")
    row, column = np.unravel_index(result.drop.argmax(), result.drop.shape)
    height, width = result.picture.shape[:2]
    centre = (result.tops[row] + result.size / 2) / height, (result.lefts[column] + result.size / 2) / width
    assert 0.05 < centre[0] < 0.5, centre  # the dog's head is in the upper left
    assert 0.15 < centre[1] < 0.6, centre


PAIR = ("a", np.zeros((8, 8, 3), np.uint8))
BAD = {
    "no model": ({"model": None}, "needs a Model.*NoneType"),
    "a net": ({"model": "digits"}, "needs a Model.*str"),
    "no images": ({"images": []}, "at least one"),
    "images is None": ({"images": None}, "at least one.*None"),
    "images is a path": ({"images": "cat.png"}, "at least one.*cat.png"),
    "images is a dict": ({"images": {"a": PAIR[1]}}, "at least one"),
    "paths without names": ({"images": ["cat.png"]}, "pairs.*cat.png"),
    "arrays without names": ({"images": [PAIR[1]]}, "pairs.*ndarray"),
    "three in a pair": ({"images": [(*PAIR, 1)]}, "pairs"),
    "a number for a name": ({"images": [(1, PAIR[1])]}, "pairs"),
    "no such photo": ({"images": [("a", "nowhere.png")]}, r"nowhere\.png"),
    "a wrong array": ({"images": [("a", np.zeros(3))]}, r"\(3,\)"),
    "out is a folder": ({"out": "."}, "is a folder"),
    "out is nowhere": ({"out": "nowhere/r.html"}, "nowhere, which is no folder"),
    "out is None": ({"out": None}, "out must be.*None"),
    "out is empty": ({"out": ""}, "out must be"),
    "only is a name": ({"only": "saliency"}, "only must be a list.*saliency"),
    "only is empty": ({"only": []}, "only must be a list"),
    "only is misspelt": ({"only": ["salency"]}, "near techniques: saliency"),
}


@pytest.mark.parametrize(("settings", "message"), BAD.values(), ids=list(BAD))
def test_bad_input_is_told_in_a_sentence(model, tmp_path, monkeypatch, settings, message) -> None:
    monkeypatch.chdir(tmp_path)
    good = {"model": model, "images": [PAIR], "out": "r.html", "progress": False}
    with pytest.raises(MinitorchVizError, match=message):
        make_report(**(good | settings))
    assert list(tmp_path.iterdir()) == []


MAP = np.zeros((8, 8), np.uint8)
BAD_SUBJECTS = {
    "nothing": (lambda _model: make_page([], "r.html"), "at least one"),
    "None": (lambda _model: make_page(None, "r.html"), "at least one.*None"),
    "a pair outside a list": (lambda model: make_page((model, Sample(*PAIR)), "r.html"), "one is Model"),
    "a model alone": (lambda model: make_page([model], "r.html"), "one is Model"),
    "a name for a model": (lambda _model: make_page([("digits", Sample(*PAIR))], "r.html"), "one is tuple"),
    "an image for a sample": (lambda model: make_page([(model, PAIR[1])], "r.html"), "one is tuple"),
    "a path for a sample": (lambda model: make_page([(model, "cat.png")], "r.html"), "one is tuple"),
    "the wrong way round": (lambda model: make_page([(Sample(*PAIR), model)], "r.html"), "one is tuple"),
    "a generator": (lambda model: make_page(iter([(model, Sample(*PAIR))]), "r.html"), "in a list"),
    "no such photo": (lambda model: make_page([(model, Sample("a", "no.png"))], "r.html"), r"no\.png"),
    "nowhere": (lambda model: make_page([(model, Sample(*PAIR))], "nowhere/r.html"), "no folder"),
    "no technique": (lambda model: make_page([(model, Sample(*PAIR))], "r.html", only=[]), "only must be"),
    "no name": (lambda _model: Sample("", PAIR[1]), "must be a text"),
    "a number for a name": (lambda _model: Sample(3, PAIR[1]), "must be a text.*3"),
    "a truth of floats": (lambda _model: Sample("a", PAIR[1], MAP / 1, ("cat",)), r"\(8, 8\)|uint8"),
    "a truth with channels": (lambda _model: Sample("a", PAIR[1], MAP[..., None], ("cat",)), r"\(8, 8, 1\)"),
    "an empty truth": (lambda _model: Sample("a", PAIR[1], MAP[:0], ("cat",)), r"\(0, 8\)"),
    "a truth that is a list": (lambda _model: Sample("a", PAIR[1], [[0]], ("cat",)), "list"),
    "a truth without names": (lambda _model: Sample("a", PAIR[1], MAP), "names 0"),
    "an object without a name": (lambda _model: Sample("a", PAIR[1], MAP + 2, ("cat",)), "object 2.*names 1"),
}


@pytest.mark.parametrize(("call", "message"), BAD_SUBJECTS.values(), ids=list(BAD_SUBJECTS))
def test_bad_subjects_are_told_in_a_sentence(model, tmp_path, monkeypatch, call, message) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MinitorchVizError, match=message) as caught:
        call(model)
    assert str(caught.value).endswith(".")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("name", "file", "photo"),
    [
        ("tinyvgg", "tinyvgg.safetensors", "photos/tiny64/koala_1.jpeg"),
        ("convnetjs_cifar10", "convnetjs_cifar10_snapshot.json", "photos/siamese_cat.jpg"),
        ("vgg19_conv3_1", "vgg19_normalised_conv3_1.safetensors", "photos/tiny64/pizza_1.jpeg"),  # no classifier
    ],
)
def test_every_kind_of_net_gets_a_page(shared_data, tmp_path, name: str, file: str, photo: str) -> None:
    model = load_model(name, weights=shared_data / "weights" / file)
    text = make_report(model, [("a", shared_data / photo)], tmp_path / "r.html", progress=False).read_text("utf-8")
    refusing = {name for name, technique in techniques().items() if technique.refuses(model)}
    left_out = text.partition("Not shown here")[2]
    assert all(name in left_out for name in refusing)
    assert bool(left_out) == bool(refusing)
    assert "saliency" not in refusing  # what is no classifier is explained by its units
    assert len(Page(text).all("img")) == 1 + pictures(model)
