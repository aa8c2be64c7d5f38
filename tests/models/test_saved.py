"""A model in one file: the same bits back, whatever it holds; what is too new, of one's own or damaged is told."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
import os
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz import Model, Net, load_model
from minitorch_viz.errors import MinitorchVizError, SettingError, WeightsFileError
from minitorch_viz.io.safetensors_ import read_safetensors, read_safetensors_and_metadata, save_safetensors
from minitorch_viz.layers import (
    Add,
    BatchNorm2d,
    Concat,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    Layer,
    Linear,
    MaxUnpool2d,
    Nothing,
    ReLU,
    Sigmoid,
    all_layers,
)
from minitorch_viz.models import Preprocessing
from minitorch_viz.models.catalog import list_models
from minitorch_viz.models.saved import FORMAT, KEY
from minitorch_viz.models.scores import Labels

BUNDLED = [row.name for row in list_models() if row.bundled]


def branching() -> Model:
    """Joins, a normalization without scale, two classes with commas in their names, everything set."""
    rng = np.random.default_rng(0)
    norm = BatchNorm2d(None, None, rng.standard_normal(4), rng.uniform(1, 2, 4), eps=1e-3)
    nodes = [
        ("stem.conv", Conv2d(rng.standard_normal((4, 1, 3, 3)), padding=(1, 0), stride=(1, 2))),
        ("norm", norm),
        ("act", ReLU()),
        ("more", Conv2d(rng.standard_normal((4, 2, 1, 1)), rng.standard_normal(4), groups=2)),
        ("add", Add(), ("act", "more")),
        ("both", Concat(), ("add", "act")),
        ("mean/all", GlobalAvgPool2d()),
        ("flat", Flatten()),
        ("scores", Linear(rng.standard_normal((2, 8)), rng.standard_normal(2))),
        ("p", Sigmoid()),
    ]
    names = ["Katze, cat", "Hündin"]
    settings = {"mean": 12.5, "std": 64 / 3, "resize": "crop", "name": "mein Netz"}
    return Model.from_net(Net(nodes), (7, 9), class_names=names, **settings).with_class_names(names)


def same(ours: Model, theirs: Model) -> None:
    for field in dataclasses.fields(Model):
        if field.name not in ("net", "source"):
            assert getattr(ours, field.name) == getattr(theirs, field.name), field.name
    assert ours.net.inputs == theirs.net.inputs
    assert repr(ours.net) == repr(theirs.net)
    for a, b in zip(ours.net.nodes, theirs.net.nodes, strict=True):
        assert (a.name, a.inputs, type(a.layer)) == (b.name, b.inputs, type(b.layer))
        for field in dataclasses.fields(a.layer):
            one, two = getattr(a.layer, field.name), getattr(b.layer, field.name)
            assert type(one) is type(two)
            np.testing.assert_array_equal(one, two)
            assert getattr(one, "dtype", None) == getattr(two, "dtype", None)


@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_net_comes_back_the_same(name: str, tmp_path: Path) -> None:
    model = load_model(name)
    path = model.save(tmp_path / "mine.safetensors")
    back = load_model(path)
    assert set(back.net.inputs) == {*model.net.inputs, *model.given}  # what an input was given is not kept
    back = back.with_inputs(**model.given)
    same(back, model)
    assert back.source == str(path)
    reader, x = model.reader(), model.reader().blank()
    if isinstance(reader, Preprocessing):
        x = np.random.default_rng(0).standard_normal((2, reader.channels, *reader.size), np.float32)
    np.testing.assert_array_equal(back.net.predict(x), model.net.predict(x))


@pytest.mark.parametrize("given", [str, Path])
def test_all_that_a_model_knows_comes_back(given, tmp_path: Path) -> None:
    model = branching()
    back = load_model(given(model.save(tmp_path / "a b.safetensors")))
    same(back, model)
    assert back.scores == Labels()
    assert back.class_index("cat") == 0
    photo = np.random.default_rng(1).integers(0, 256, (30, 20, 3), dtype=np.uint8)
    assert back.classify(photo) == model.classify(photo)
    assert load_model(tmp_path / "a b.safetensors", dtype=np.float32).dtype == np.float32
    assert load_model(None, weights=tmp_path / "a b.safetensors").name == "mein Netz"  # type: ignore[arg-type]  # so too


LAYERS = [layer for layer in all_layers() if layer is not MaxUnpool2d]


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_every_layer_comes_back_the_same(kind: type[Layer], tmp_path: Path, rng) -> None:
    for number, (layer, xs) in enumerate(kind.examples(rng)):
        names = tuple(f"x{i}" for i in range(len(xs)))
        model = Model("one", Net([("layer", layer, names)], names), {names[0]: Preprocessing((8, 8))}, (), "")
        back = load_model(model.save(tmp_path / f"{number}.safetensors"))
        same(back, model)
        inputs = dict(zip(names, xs, strict=True))
        np.testing.assert_array_equal(back.net.predict(inputs), model.net.predict(inputs))


@pytest.mark.parametrize("scores", ["classes", "labels", "numbers"])
def test_the_kind_of_scores_comes_back(scores: str, tmp_path: Path) -> None:
    model = branching()
    named = Model.from_net(model.net, (7, 9), logits="scores", scores=scores)
    assert load_model(named.save(tmp_path / "m.safetensors")).scores == named.scores
    squashed = Model.from_net(model.net, (7, 9), logits="p")
    assert load_model(squashed.save(tmp_path / "m.safetensors")).scores == Labels(squashed=True)


def test_half_precision_is_read_as_single(tmp_path: Path) -> None:
    path = branching().save(tmp_path / "m.safetensors")
    arrays, metadata = read_safetensors_and_metadata(path)
    save_safetensors(path, {name: value.astype(np.float16) for name, value in arrays.items()}, metadata)
    back = load_model(path)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back.net.state["more.bias"], arrays["more.bias"].astype(np.float16))


def test_a_net_of_the_package_that_was_saved_is_read_by_its_name_too(tmp_path: Path) -> None:
    """As fine-tuned weights of that net, with what the file says of names, preprocessing and scores."""
    model = load_model("digits").with_class_names([f"digit {i}" for i in range(10)])
    model = dataclasses.replace(model, scores=Labels()).with_reader(Preprocessing((8, 8), 1, 3.0, 7.0))
    back = load_model("digits", weights=model.save(tmp_path / "mine.safetensors"))
    assert (back.class_names, back.scores) == (model.class_names, Labels())
    assert back.preprocessing == model.preprocessing


# ------------------------------------------------------------------ what is not kept


class Swish(Layer):
    """A layer of one's own."""

    def forward(self, x):
        return x, Nothing()


class OwnConv2d(Conv2d):
    """One that only adds to another."""


@pytest.mark.parametrize("layer", [Swish(), OwnConv2d(np.zeros((1, 1, 1, 1)))], ids=["new", "derived"])
def test_layers_of_ones_own_are_refused(layer: Layer, tmp_path: Path) -> None:
    model = Model("own", Net([("a", ReLU()), ("mine", layer)]), {"input": Preprocessing((8, 8))}, (), "")
    with pytest.raises(SettingError, match=r"node 'mine' is a \w+ of your own"):
        model.save(tmp_path / "m.safetensors")
    assert not [*tmp_path.iterdir()]


def test_the_switches_of_one_picture_are_refused(tmp_path: Path, rng) -> None:
    layer, _ = MaxUnpool2d.examples(rng)[0]
    with pytest.raises(SettingError, match="the won of one picture"):
        Model("own", Net([("un", layer)]), {"input": Preprocessing((8, 8))}, (), "").save(tmp_path / "m.safetensors")


@pytest.mark.parametrize("name", ["m.npz", "m", "m.json", "missing/m.safetensors", "", "a\x00b.safetensors"])
def test_places_that_are_none(name: str, tmp_path: Path) -> None:
    with pytest.raises(MinitorchVizError) as caught:
        branching().save(tmp_path / name if name else name)
    assert str(caught.value).endswith(".")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = branching().save(tmp_path / "m.safetensors")
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(WeightsFileError, match="No space left"):
        load_model("digits").save(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["m.safetensors"]


# ------------------------------------------------------------------ what is read


def rewritten(tmp_path: Path, change, arrays=lambda tensors: tensors) -> Path:
    """The file of `branching` with a changed description, or changed arrays."""
    path = branching().save(tmp_path / "m.safetensors")
    tensors, metadata = read_safetensors_and_metadata(path)
    content = json.loads(metadata[KEY])
    change(content)
    save_safetensors(path, arrays(tensors), {KEY: json.dumps(content)})
    return path


def without(key: str):
    return lambda tensors: {name: value for name, value in tensors.items() if name != key}


def put(content: dict, *way: object):
    """Set the entry at the end of a way through dicts and lists."""
    *names, last, value = way
    for name in names:
        content = content[name]
    content[last] = value


DAMAGED = {
    "newer": (lambda c: put(c, "format", FORMAT + 1), "was written by a newer minitorch_viz: it has the format 3"),
    "no format": (lambda c: c.pop("format"), "no format number"),
    "format is text": (lambda c: put(c, "format", "1"), "no format number"),
    "format 0": (lambda c: put(c, "format", 0), "no format number"),
    "unknown layer": (lambda c: put(c, "nodes", 2, 1, "Swish"), "'act' is a Swish, a layer that this minitorch_viz"),
    "no layer at all": (lambda c: put(c, "nodes", 2, 1, "Layer"), "is a Layer, a layer that"),
    "a class that is no layer": (lambda c: put(c, "nodes", 2, 1, "os.system"), r"is a os\.system, a layer that"),
    "unknown setting": (lambda c: put(c, "nodes", 0, 3, "speed", 3), "a setting 'speed', which this minitorch_viz"),
    "a setting of another kind": (lambda c: put(c, "nodes", 0, 3, "stride", "fast"), "stride"),
    "a setting that is a dict": (lambda c: put(c, "nodes", 0, 3, "stride", {"a": 1}), "stride cannot be"),
    "a huge setting": (lambda c: put(c, "nodes", 0, 3, "padding", [0, 2**40]), "a few whole numbers"),
    "a bool that is a number": (lambda c: put(c, "nodes", 0, 3, "groups", True), "groups cannot be True"),
    "groups that do not divide": (lambda c: put(c, "nodes", 3, 3, "groups", 3), "groups"),
    "an array that is no field": (lambda c: put(c, "nodes", 2, 4, ["forward"]), "cannot hold the arrays"),
    "an array that is missing": (lambda c: put(c, "nodes", 0, 4, ["weight", "bias"]), r"'stem\.conv\.bias' is missing"),
    "an array that is left over": (lambda c: put(c, "nodes", 3, 4, ["weight"]), r"no place for \(more\.bias\)"),
    "a node that is too short": (lambda c: put(c, "nodes", 2, ["act"]), "a node must be"),
    "nodes as a dict": (lambda c: put(c, "nodes", {}), "needs 'nodes' as list"),
    "no nodes": (lambda c: put(c, "nodes", []), "no place for"),
    "reads what is not there": (lambda c: put(c, "nodes", 4, 2, ["act", "less"]), "'less'"),
    "a circle": (lambda c: put(c, "nodes", 1, 2, ["p"]), "'p', which does not come before it"),
    "two of one name": (lambda c: put(c, "nodes", 2, 0, "norm"), "used twice"),
    "scores of no kind": (lambda c: put(c, "classes", "scores", "vibes"), "scores is 'vibes'"),
    "scores at no node": (lambda c: put(c, "classes", "logits", "fd"), "no node 'fd'"),
    "names that are numbers": (lambda c: put(c, "classes", "names", [1, 2]), "list of texts"),
    "fewer synonyms": (lambda c: put(c, "classes", "synonyms", ["a"]), "2 classes but 1 synonyms"),
    "no preprocessing": (lambda c: c.pop("preprocessing"), "needs 'preprocessing' as dict"),
    "five channels": (lambda c: put(c, "preprocessing", "channels", 5), "channels is 5"),
    "channels True": (lambda c: put(c, "preprocessing", "channels", True), "needs 'channels' as int"),
    "std 0": (lambda c: put(c, "preprocessing", "std", [0]), "divides by std"),
    "resized by magic": (lambda c: put(c, "preprocessing", "resize", "magic"), "no way to resize"),
    "name is a list": (lambda c: put(c, "name", []), "needs 'name' as str"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_what_is_too_new_or_damaged_is_told(case: str, tmp_path: Path) -> None:
    change, message = DAMAGED[case]
    path = rewritten(tmp_path, change)
    with pytest.raises(WeightsFileError, match=message) as caught:
        load_model(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (without("more.weight"), r"'more\.weight' is missing"),
        (lambda t: t | {"extra": np.zeros(3)}, r"no place for \(extra\)"),
        (lambda t: t | {"more.bias": np.full(4, np.nan)}, "not finite"),
        (lambda t: t | {"more.bias": np.arange(4)}, "floating-point numbers, but holds int64"),
        (lambda t: t | {"more.bias": np.zeros(5)}, r"bias must have the shape \(4,\)"),
        (lambda t: t | {"stem.conv.weight": np.zeros((4, 3))}, "weight must have the shape"),
    ],
)
def test_arrays_that_do_not_fit_the_description(arrays, message: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsFileError, match=message):
        load_model(rewritten(tmp_path, lambda content: None, arrays))


def test_a_setting_that_an_older_file_does_not_know_has_its_default(tmp_path: Path) -> None:
    path = rewritten(tmp_path, lambda content: content["nodes"][0][3].pop("dilation"))
    same(load_model(path), branching())


def test_names_for_other_numbers_of_scores_are_told_when_they_are_asked(tmp_path: Path) -> None:
    path = rewritten(tmp_path, lambda c: c["classes"].update(names=["a"], synonyms=[]))
    with pytest.raises(MinitorchVizError, match=r"names 1 classes, but 'scores' gives \(1, 2\)"):
        load_model(path).classify(np.zeros((7, 9, 3), np.uint8))


def test_files_that_do_not_say_what_their_net_is(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_safetensors(path, {"a": np.zeros(3)}, {"format": "pt"})
    for call in (lambda: load_model(path), lambda: load_model(str(path))):
        with pytest.raises(SettingError, match=r"holds arrays alone.*Give the net's name first"):
            call()
    with pytest.raises(SettingError, match="alone, if Model"):
        load_model(path, weights=path)
    with pytest.raises(SettingError, match="there is no file"):
        load_model(tmp_path / "n.safetensors")


VALUES = [None, True, -1, 0, 3, 2**70, 1.5, "", "input", "conv", [], [1], [[]], {}, {"a": None}, ["input"] * 3, 1e308]


def spots(content: object) -> list[tuple[object, object]]:
    """Every (container, key) of nested dicts and lists."""
    keys = list(content) if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else []
    below = [spot for key in keys for spot in spots(content[key])]  # type: ignore[index]  # a dict or a list
    return [(content, key) for key in keys] + below


def test_any_change_of_the_description_gives_a_model_or_a_sentence(tmp_path: Path, rng) -> None:
    """One to three entries replaced, removed or doubled, 1500 times: never anything but our own errors."""
    path = branching().save(tmp_path / "m.safetensors")
    tensors, metadata = read_safetensors_and_metadata(path)
    from minitorch_viz.models.restored import described, read_model

    photo, models = np.zeros((7, 9, 3), np.uint8), 0
    for _ in range(1500):
        content = copy.deepcopy(json.loads(metadata[KEY]))
        for _ in range(rng.integers(1, 4)):
            every = spots(content)
            place, key = every[rng.integers(len(every))]
            action = rng.integers(4)
            if action == 0:
                del place[key]  # type: ignore[attr-defined]  # a dict or a list
            elif action == 1 and isinstance(place, list):
                place.append(copy.deepcopy(place[key]))  # type: ignore[index]  # of a list a number
            else:
                place[key] = copy.deepcopy(VALUES[rng.integers(len(VALUES))])  # type: ignore[index]  # as above
        with contextlib.suppress(WeightsFileError):
            read = described({KEY: json.dumps(content)}, path)
            assert read is not None
            model = read_model(read, tensors, path)
            models += 1
            if max(model.preprocessing.size) <= 64:
                with contextlib.suppress(MinitorchVizError):
                    model.classify(photo)
    assert 20 < models < 1000  # both ends of the road are walked


def test_any_change_of_the_bytes_gives_a_model_or_a_sentence(tmp_path: Path, rng) -> None:
    path = branching().save(tmp_path / "m.safetensors")
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    for _ in range(300):
        changed = bytearray(data)
        for _ in range(rng.integers(1, 4)):
            changed[rng.integers(8, end)] = rng.integers(32, 127)
        path.write_bytes(changed)
        with contextlib.suppress(MinitorchVizError):
            load_model(path)


def test_the_text_is_short_and_the_arrays_are_plain(tmp_path: Path) -> None:
    """Other programs read the arrays under PyTorch's names."""
    path = load_model("digits").save(tmp_path / "m.safetensors")
    state = load_model("digits").net.state
    assert read_safetensors(path).keys() == state.keys()
    assert len(read_safetensors_and_metadata(path)[1][KEY]) < 3000


def test_a_file_of_a_training_says_what_its_net_is(tmp_path: Path) -> None:
    """`train digits --out mine.safetensors` writes such files: they load by themselves, and by the net's name."""
    from minitorch_viz.training.card import save_with_card

    model = load_model("digits")
    names, card = list(model.class_names), {"name": "digits"}
    path = save_with_card(model.net, tmp_path / "mine.safetensors", model.preprocessing, class_names=names, card=card)
    alone, named = load_model(path), load_model("digits", weights=path)
    for key, value in model.net.state.items():
        np.testing.assert_array_equal(alone.net.state[key], value.astype(np.float16).astype(np.float32))
    assert (alone.class_names, alone.logits, alone.last_conv) == (model.class_names, model.logits, model.last_conv)
    same(alone, named)
