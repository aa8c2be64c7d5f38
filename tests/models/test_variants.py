"""Files of a known net changed at one place: the net that the arrays show, and sentences where they show too little."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from minitorch_viz.errors import WeightsFileError
from minitorch_viz.layers import Conv2d, Linear, ReLU
from minitorch_viz.models import Model, get_spec, load_model
from minitorch_viz.models.modules_in_file import modules_under
from minitorch_viz.models.readers import Bands, Preprocessing

RNG = np.random.default_rng(0)
Arrays = dict[str, np.ndarray]


def random(*shape: int) -> np.ndarray:
    return (RNG.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)


def linear(path: str, out: int, inputs: int) -> Arrays:
    return {f"{path}.weight": random(out, inputs), f"{path}.bias": random(out)}


def norm(path: str, features: int) -> Arrays:
    positive = RNG.uniform(0.5, 2, features).astype(np.float32)
    statistics = {"running_mean": random(features), "running_var": positive}
    return {
        f"{path}.{name}": a for name, a in ({"weight": random(features), "bias": random(features)} | statistics).items()
    }


def published(name: str) -> Arrays:
    """The arrays of a random net, in the order of a state dict."""
    return {key: np.ascontiguousarray(value) for key, value in get_spec(name).build(seed=1).state.items()}


def loaded(path: Path, name: str, arrays: Mapping[str, np.ndarray], without: str = "") -> Model:
    kept = {key: value for key, value in arrays.items() if not (without and key.startswith(without))}
    np.savez(path / "w.npz", **kept)  # type: ignore[arg-type]  # keyword arrays
    return load_model(name, weights=path / "w.npz")


def maps_of(name: str, x: np.ndarray, node: str) -> np.ndarray:
    return get_spec(name).build(seed=1).predict(x, upto=node)


def test_a_dropout_before_the_only_layer(tmp_path: Path) -> None:
    head = linear("classifier.1", 3, 1280)  # the published name, of nn.Sequential(Dropout, Linear) with 3 classes
    model = loaded(tmp_path, "mobilenet_v2", published("mobilenet_v2") | head)
    assert model.class_names == ("class 0", "class 1", "class 2")
    assert not any("head" in note for note in model.notes)
    plain = {"classifier.weight": head["classifier.1.weight"], "classifier.bias": head["classifier.1.bias"]}
    other = loaded(tmp_path, "mobilenet_v2", {**published("mobilenet_v2"), **plain}, without="classifier.1.")
    assert other.logits == "classifier"
    assert any("Its head is the file's: Linear 1280 to 3." in note for note in other.notes)
    x = random(2, 3, 64, 64)
    np.testing.assert_array_equal(other.net.predict(x), model.net.predict(x))


@pytest.mark.parametrize("normalized", [False, True])
def test_two_layers_with_a_relu_between(tmp_path: Path, normalized: bool) -> None:
    """Linear, (BatchNorm1d,) ReLU, Dropout, Linear: the numbers in the names leave room for two modules."""
    place = 4 if normalized else 3
    head = linear("classifier.0", 20, 1280) | linear(f"classifier.{place}", 4, 20)
    statistics = norm("classifier.1", 20) if normalized else {}
    trunk = {key: a for key, a in published("mobilenet_v2").items() if not key.startswith("classifier.")}
    model = loaded(tmp_path, "mobilenet_v2", trunk | head | statistics)
    x = random(2, 3, 64, 64)
    hidden = maps_of("mobilenet_v2", x, "flatten") @ head["classifier.0.weight"].T + head["classifier.0.bias"]
    if normalized:
        mean, var = statistics["classifier.1.running_mean"], statistics["classifier.1.running_var"]
        hidden = (hidden - mean) / np.sqrt(var + 1e-5)
        hidden = hidden * statistics["classifier.1.weight"] + statistics["classifier.1.bias"]
    expected = np.maximum(hidden, 0) @ head[f"classifier.{place}.weight"].T + head[f"classifier.{place}.bias"]
    np.testing.assert_allclose(model.net.predict(x, upto=model.logits), expected, rtol=1e-4, atol=1e-4)
    assert any("a ReLU is assumed" in note for note in model.notes)


def test_names_without_numbers_are_put_in_an_order_that_fits(tmp_path: Path) -> None:
    """safetensors files list names by the alphabet."""
    arrays = published("resnet18")
    head = linear("fc.second", 2, 30) | linear("fc.a_first", 30, 512) | norm("fc.normed", 30)
    del arrays["fc.weight"], arrays["fc.bias"]
    save_file(arrays | head, tmp_path / "w.safetensors")
    model = load_model("resnet18", weights=tmp_path / "w.safetensors")
    last = [node.name for node in model.net.nodes if node.name.startswith("fc")]
    assert [name for name in last if name.count(".") == 1] == ["fc.a_first", "fc.normed", "fc.second"]
    assert isinstance(model.net[last[2]].layer, ReLU)
    assert model.predict_probabilities(random(1, 3, 64, 64)).shape == (1, 2)


def test_ten_layers_are_ordered_by_their_numbers() -> None:
    shapes = {f"fc.{i}.weight": (2, 2) for i in (10, 2, 0, 9)}
    assert list(modules_under(shapes, "fc")) == ["fc.0", "fc.2", "fc.9", "fc.10"]


def test_a_grey_stem_with_a_bias(tmp_path: Path) -> None:
    changes = {"features.0.weight": random(64, 1, 3, 3)}
    model = loaded(tmp_path, "squeezenet1_1", published("squeezenet1_1") | changes)
    assert (model.preprocessing.channels, len(model.preprocessing.mean)) == (1, 1)
    assert model.preprocessing.mean[0] == pytest.approx(255 * (0.485 + 0.456 + 0.406) / 3)
    assert any("Its pictures have 1 channel;" in note for note in model.notes)
    assert model.classify(np.full((40, 50), 90, np.uint8), top=1)
    biased = loaded(tmp_path, "resnet18", published("resnet18") | {"conv1.bias": random(64)})
    assert isinstance(biased.net["conv1"].layer, Conv2d)
    assert biased.net["conv1"].layer.bias is not None


@pytest.mark.parametrize("channels", [2, 4, 11])
def test_other_channels_are_read_as_bands(tmp_path: Path, channels: int) -> None:
    changes = {"features.0.weight": random(64, channels, 3, 3)}
    model = loaded(tmp_path, "squeezenet1_1", published("squeezenet1_1") | changes)
    assert isinstance(model.preprocessing, Bands)
    assert model.preprocess(np.zeros((30, 40, channels), np.float32)).shape == (1, channels, 224, 224)


def test_the_json_beside_says_what_a_file_cannot(tmp_path: Path) -> None:
    inputs = {"size": [1, 48, 48], "mean": [100], "std": [50]}
    (tmp_path / "w.json").write_text(json.dumps({"input": inputs, "names": ["clear", "opaque"]}))
    changes = {"features.0.weight": random(64, 1, 3, 3)} | {
        "classifier.1.weight": random(2, 512, 1, 1),
        "classifier.1.bias": random(2),
    }
    model = loaded(tmp_path, "squeezenet1_1", published("squeezenet1_1") | changes)
    assert model.preprocessing == Preprocessing((48, 48), 1, (100.0,), (50.0,))
    assert model.class_names == ("clear", "opaque")


def test_a_stem_for_small_pictures(tmp_path: Path) -> None:
    model = loaded(tmp_path, "resnet18", published("resnet18") | {"conv1.weight": random(64, 3, 3, 3)})
    assert "maxpool" not in model.net
    layer = model.net["conv1"].layer
    assert isinstance(layer, Conv2d)
    assert (layer.stride, layer.padding) == ((1, 1), (1, 1))
    assert model.preprocessing.size == (32, 32)
    assert model.net.forward(random(1, 3, 32, 32))["layer4.1"].shape == (1, 512, 4, 4)
    assert any("stride 1, no maxpool after it, and pictures of 32 x 32 are assumed" in note for note in model.notes)


def test_squeezenet_with_a_linear_head(tmp_path: Path) -> None:
    head = linear("classifier.2", 3, 512)
    model = loaded(tmp_path, "squeezenet1_1", published("squeezenet1_1") | head, without="classifier.1")
    x = random(2, 3, 63, 63)
    means = maps_of("squeezenet1_1", x, "features.12").mean(axis=(2, 3))
    expected = means @ head["classifier.2.weight"].T + head["classifier.2.bias"]
    np.testing.assert_allclose(model.net.predict(x, upto=model.logits), expected, rtol=1e-4, atol=1e-5)


def test_a_head_on_a_larger_pooling(tmp_path: Path) -> None:
    """512 maps of 2 x 2: the pooling follows from the numbers that the head takes."""
    head = linear("fc", 3, 512 * 4)
    model = loaded(tmp_path, "resnet18", published("resnet18") | head)
    assert model.net.forward(random(1, 3, 64, 64))["avgpool"].shape == (1, 512, 2, 2)
    assert any("AdaptiveAvgPool2d 2 x 2, Linear 2048 to 3" in note for note in model.notes)


def test_a_part_of_a_larger_file(tmp_path: Path) -> None:
    """Under a prefix, with another head: what stands in front is taken off before the net is looked at."""
    arrays = published("squeezenet1_1") | {"features.0.weight": random(64, 1, 3, 3)}
    arrays |= linear("classifier.2", 3, 512)
    arrays = {f"student.{key}": a for key, a in arrays.items() if not key.startswith("classifier.1")}
    model = loaded(tmp_path, "squeezenet1_1", arrays)
    assert isinstance(model.net["classifier.2"].layer, Linear)
    assert model.preprocessing.channels == 1


@pytest.mark.parametrize("names", [("fc1", "fc2"), ("head.0", "head.2"), ("top.first", "top.second")])
def test_a_head_under_another_name(tmp_path: Path, names: tuple[str, str]) -> None:
    head = linear(names[0], 20, 512) | linear(names[1], 4, 20)
    model = loaded(tmp_path, "resnet18", published("resnet18") | head, without="fc.")
    assert model.logits == names[1]
    x = random(2, 3, 64, 64)
    hidden = maps_of("resnet18", x, "flatten") @ head[f"{names[0]}.weight"].T + head[f"{names[0]}.bias"]
    expected = np.maximum(hidden, 0) @ head[f"{names[1]}.weight"].T + head[f"{names[1]}.bias"]
    np.testing.assert_allclose(model.net.predict(x, upto=model.logits), expected, rtol=1e-4, atol=1e-4)


DAMAGED: dict[str, Arrays] = {
    "no class": {"fc.weight": np.zeros((0, 512), np.float32), "fc.bias": np.zeros(0, np.float32)},
    "a lone number": {"fc.weight": np.zeros((), np.float32)},
    "a vector": {"fc.weight": np.zeros(512, np.float32)},
    "a bias of other classes": {"fc.bias": np.zeros(3, np.float32)},
    "no channel": {"conv1.weight": np.zeros((64, 0, 7, 7), np.float32)},
    "five axes": {"conv1.weight": np.zeros((64, 3, 1, 7, 7), np.float32)},
    "a bias of two axes": {"conv1.bias": np.zeros((64, 1), np.float32)},
}


@pytest.mark.parametrize("case", DAMAGED)
def test_shapes_that_no_net_has_are_sentences(tmp_path: Path, case: str) -> None:
    with pytest.raises(WeightsFileError, match=r"(?s)w\.npz.*(fc|conv1|Linear|LayerNorm|Conv2d)"):
        loaded(tmp_path, "resnet18", published("resnet18") | DAMAGED[case])


REFUSED: dict[str, tuple[str, Arrays, str, str]] = {
    "maps twice (of two poolings)": ("resnet18", linear("fc", 3, 1024), "", "'fc' .* does not take the 512 numbers"),
    "filters of 4 x 4": ("resnet18", {"conv1.weight": random(64, 3, 4, 4)}, "", "'conv1' has filters of 4 x 4 pixels"),
    "a layer of three arrays": ("resnet18", {"fc.scale": random(3)}, "", "'fc' .* is no layer that can be told"),
    "no head": ("resnet18", {}, "fc.", "Missing .2.:\n  fc.weight"),
    "widths that differ": ("resnet18", linear("fc.0", 30, 512) | linear("fc.2", 3, 31), "fc.weight", "'fc.2'"),
    "ends in a normalization": ("resnet18", linear("fc.0", 3, 512) | norm("fc.1", 3), "fc.weight", "ends in 'fc.1'"),
    "other normalization": ("resnet18", {}, "bn1.running", "Missing .2.:\n  bn1.running_mean"),
    "more of it": ("resnet18", {"attention.weight": random(3, 3)}, "", "another net"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_file_does_not_show_is_refused_with_what_to_do(tmp_path: Path, case: str) -> None:
    name, changes, without, message = REFUSED[case]
    arrays = {key: a for key, a in published(name).items() if not (without and key.startswith(without))} | changes
    if without == "fc.weight":
        del arrays["fc.bias"]
    with pytest.raises(WeightsFileError, match=f"(?s){message}.*Model.from_torch"):
        loaded(tmp_path, name, arrays)


def test_a_head_beside_the_net(tmp_path: Path) -> None:
    """As in a module with self.encoder = resnet18, whose fc is an Identity, and self.head = Linear."""
    backbone = {f"encoder.{key}": a for key, a in published("resnet18").items() if not key.startswith("fc.")}
    head = linear("head.0", 20, 512) | linear("head.2", 4, 20)
    model = loaded(tmp_path, "resnet18", backbone | head)
    x = random(2, 3, 64, 64)
    hidden = maps_of("resnet18", x, "flatten") @ head["head.0.weight"].T + head["head.0.bias"]
    expected = np.maximum(hidden, 0) @ head["head.2.weight"].T + head["head.2.bias"]
    np.testing.assert_allclose(model.net.predict(x, upto=model.logits), expected, rtol=1e-4, atol=1e-4)
    assert any(note.startswith("Its head is the file's: Linear 512 to 20") for note in model.notes)


BESIDE = {
    "a decoder": {"decoder.0.weight": random(8, 512, 3, 3)},
    "of another width": linear("head", 4, 300),
    "two": linear("classes", 4, 512) | linear("box", 4, 512),
    "a loss": {"criterion.weight": random(4)},
}


@pytest.mark.parametrize("case", BESIDE)
def test_what_else_stands_beside_the_net_is_no_head(tmp_path: Path, case: str) -> None:
    backbone = {f"encoder.{key}": a for key, a in published("resnet18").items() if not key.startswith("fc.")}
    with pytest.raises(WeightsFileError, match=r"fc\.weight") as caught:
        loaded(tmp_path, "resnet18", backbone | BESIDE[case])
    assert not any(f"encoder.{name}" in str(caught.value) for name in BESIDE[case])


def test_a_smaller_nets_file_may_be_another_net_s(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez(path, **{"fc.weight": np.zeros((4, 512), np.float32), "fc.bias": np.zeros(4, np.float32)})
    with pytest.raises(WeightsFileError, match="or it is another net's"):
        load_model("resnet50", weights=path)
