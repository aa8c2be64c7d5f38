"""load_model: where it looks, what it makes of the files it finds, and what it says about those that do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from minitorch_viz.errors import MinitorchVizError, SettingError, WeightsFileError
from minitorch_viz.models import get_spec, load_model, specs
from minitorch_viz.models.catalog import list_models
from minitorch_viz.models.vgg19_decoder import load_vgg19_decoder, vgg19_decoder


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("MINITORCH_VIZ_HOME", str(folder))
    return folder


def write(path: Path, name: str = "tinyvgg", seed: int = 1, classes: int = 10, **changes: np.ndarray) -> Path:
    """A weights file of a small random net, with some arrays changed."""
    net = get_spec(name).build(classes=classes, seed=seed)
    arrays = {key: np.ascontiguousarray(value) for key, value in (net.state | changes).items()}
    if path.suffix == ".npz":
        np.savez(path, **arrays)  # type: ignore[arg-type]  # keyword arrays
    else:
        save_file(arrays, path)
    return path


def first_filter(model_or_net: object) -> np.ndarray:
    net = getattr(model_or_net, "net", model_or_net)
    return net["conv_1_1"].layer.weight


# ------------------------------------------------------------------ where weights are found


def test_the_path_given_comes_first_then_home(tmp_path: Path, home: Path) -> None:
    at_home = write(home / "tinyvgg.safetensors", seed=1)
    given = write(tmp_path / "other name.npz", seed=2)
    found = load_model("tinyvgg")
    assert found.source == str(at_home)
    np.testing.assert_array_equal(first_filter(found), first_filter(get_spec("tinyvgg").build(seed=1)))
    for weights in (given, str(given)):
        model = load_model("tinyvgg", weights=weights)
        assert model.source == str(given)
        np.testing.assert_array_equal(first_filter(model), first_filter(get_spec("tinyvgg").build(seed=2)))


def test_a_folder_will_do(tmp_path: Path) -> None:
    write(tmp_path / "tinyvgg.safetensors")
    assert load_model("tinyvgg", weights=tmp_path).source == str(tmp_path / "tinyvgg.safetensors")
    with pytest.raises(WeightsFileError, match=r"holds none of alexnet\.safetensors, .*alexnet-owt-7be5be79\.pth"):
        load_model("alexnet", weights=tmp_path)


@pytest.mark.parametrize("name", sorted(specs()))
def test_missing_weights_say_what_to_put_where(name: str, home: Path) -> None:
    if next(row for row in list_models() if row.name == name).bundled:
        assert load_model(name).name == name
        return
    with pytest.raises(WeightsFileError) as caught:
        load_model(name)
    assert str(home) in str(caught.value)
    assert get_spec(name).official_file in str(caught.value)
    assert ("minitorch-viz download" in str(caught.value)) == bool(get_spec(name).url)


# ------------------------------------------------------------------ what comes with a file


def test_the_json_beside_a_file_is_used(tmp_path: Path) -> None:
    path = write(tmp_path / "tinyvgg.safetensors", classes=2)
    names = ["cat, Felis catus", "dog"]
    text = {"input": {"size": [3, 64, 64], "mean_rgb": [1, 2, 3], "std_rgb": [4, 5, 6]}, "names": names}
    path.with_suffix(".json").write_text(json.dumps(text))
    model = load_model("tinyvgg", weights=path)
    assert (model.preprocessing.mean, model.preprocessing.std) == ((1, 2, 3), (4, 5, 6))
    assert model.class_names == ("cat", "dog")
    assert model.class_index("felis catus") == 0


def test_without_a_json_the_official_preprocessing_and_names(tmp_path: Path) -> None:
    model = load_model("tinyvgg", weights=write(tmp_path / "w.safetensors"))
    assert model.preprocessing == get_spec("tinyvgg").preprocessing
    assert model.class_names[7] == "red panda"
    assert model.notes == ()


def test_another_number_of_classes_is_a_fine_tuned_net(tmp_path: Path) -> None:
    model = load_model("tinyvgg", weights=write(tmp_path / "w.safetensors", classes=3))
    assert model.class_names == ("class 0", "class 1", "class 2")
    assert model.predict_probabilities(np.zeros((1, 3, 64, 64), np.float32)).shape == (1, 3)


def test_imagenet_names_beside_or_at_home_or_from_the_package(tmp_path: Path, home: Path) -> None:
    path = write(tmp_path / "w.safetensors", "squeezenet1_1", classes=1000)
    model = load_model("squeezenet1_1", weights=path)
    assert model.class_names[281] == "tabby"
    assert model.class_index("Panthera tigris") == 292
    assert any("w.json" in note and "squeezenet1_1-b8a52dc0.pth" in note for note in model.notes)
    for folder, word in ((home, "h"), (tmp_path, "b")):  # beside the file comes first
        content = {"names": [f"{word}{i}, long {i}" for i in range(1000)]}
        (folder / "imagenet_classes.json").write_text(json.dumps(content))
        model = load_model("squeezenet1_1", weights=path)
        assert model.class_names[281] == f"{word}281"
        assert not any("imagenet_classes.json" in note for note in model.notes)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_every_precision_is_read_and_the_wanted_one_made(tmp_path: Path, dtype: type) -> None:
    bias = np.arange(10, dtype=dtype)
    path = write(tmp_path / "w.safetensors", **{"output.bias": bias})
    for wanted in (np.float32, np.float64, "float64"):
        model = load_model("tinyvgg", weights=path, dtype=wanted)
        assert {value.dtype for value in model.net.state.values()} == {np.dtype(wanted)}
        np.testing.assert_array_equal(model.net["output"].layer.params["bias"], bias)


def test_a_prefix_and_extra_arrays_are_tolerated(tmp_path: Path) -> None:
    state = {f"module.{name}": value for name, value in get_spec("tinyvgg").build(seed=5).state.items()}
    save_file(state | {"module.bn.num_batches_tracked": np.array([3])}, tmp_path / "w.safetensors")
    model = load_model("tinyvgg", weights=tmp_path / "w.safetensors")
    np.testing.assert_array_equal(first_filter(model), first_filter(get_spec("tinyvgg").build(seed=5)))


def test_a_prefix_hides_no_classes(tmp_path: Path) -> None:
    state = {f"module.{name}": value for name, value in get_spec("tinyvgg").build(classes=3).state.items()}
    save_file(state, tmp_path / "w.safetensors")
    assert len(load_model("tinyvgg", weights=tmp_path / "w.safetensors").class_names) == 3


def test_loading_does_not_change_the_file_or_share_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "w.safetensors")
    before = path.read_bytes()
    first_filter(load_model("tinyvgg", weights=path))[:] = 7
    assert path.read_bytes() == before
    assert not (first_filter(load_model("tinyvgg", weights=path)) == 7).any()


def test_decoders_load(tmp_path: Path) -> None:
    state: dict[str, np.ndarray] = {}
    for layer in ("relu1_1", "relu2_1", "relu3_1"):
        state |= vgg19_decoder(layer, seed=2).state
    save_file(state, tmp_path / "vgg19_decoders.safetensors")
    net = load_vgg19_decoder("relu2_1", weights=tmp_path)
    np.testing.assert_array_equal(net["relu2_1.conv2"].layer.params["weight"], state["relu2_1.conv2.weight"])
    with pytest.raises(WeightsFileError, match=r"need vgg19_decoders\.safetensors"):
        load_vgg19_decoder("relu2_1")
    with pytest.raises(SettingError, match="no decoder for 'relu4_1'; near layers: relu"):
        load_vgg19_decoder("relu4_1")


# ------------------------------------------------------------------ what does not fit


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("squeezenet", "no model 'squeezenet'; near models: squeezenet1_1"),
        ("", "no model ''; known models:"),
        (None, "no model None"),
        (3, "no model 3"),
        (["tinyvgg"], "no model"),
        ("weights/tinyvgg.safetensors", "Give the net's name first"),
        (Path("tinyvgg.pth"), "Give the net's name first"),
    ],
)
def test_unknown_names(name: object, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        load_model(name)  # type: ignore[arg-type]  # wrong on purpose


def test_weights_without_a_name(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="does not say how its net is built"):
        load_model(None, weights=write(tmp_path / "w.safetensors"))  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("weights", ["no such file.safetensors", "", " ", 3, b"x.pth", "a\x00b", "x" * 5000, ["x"]])
def test_weights_that_are_no_file(weights: object) -> None:
    with pytest.raises(WeightsFileError) as caught:
        load_model("tinyvgg", weights=weights)  # type: ignore[arg-type]  # wrong on purpose
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("dtype", [np.float16, np.int32, "float33", "double trouble", complex])
def test_dtypes_that_nets_do_not_compute_in(tmp_path: Path, dtype: object) -> None:
    path = write(tmp_path / "w.safetensors")
    with pytest.raises(SettingError, match="float32 or float64"):
        load_model("tinyvgg", weights=path, dtype=dtype)  # type: ignore[arg-type]  # wrong on purpose


def test_damaged_and_foreign_files(tmp_path: Path) -> None:
    good = write(tmp_path / "good.safetensors").read_bytes()
    cases = {
        "cut.safetensors": good[: len(good) // 2],
        "empty.safetensors": b"",
        "text.safetensors": b"hello" * 100,
        "text.pth": b"hello" * 100,
        "text.npz": b"hello" * 100,
        "text.caffemodel": b"hello" * 100,
        "text.json": b"hello" * 100,
        "picture.png": b"\x89PNG",
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WeightsFileError):
            load_model("tinyvgg", weights=tmp_path / name)


def test_weights_of_another_net_say_what_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "w.safetensors", "convnetjs_cifar10")
    with pytest.raises(WeightsFileError, match=r"w\.safetensors: [^$]*conv_1_1\.weight"):
        load_model("tinyvgg", weights=path)
    path = write(tmp_path / "v.safetensors", **{"conv_1_2.weight": np.zeros((10, 10, 5, 5), np.float32)})
    with pytest.raises(WeightsFileError, match=r"conv_1_2\.weight must be \(10, 10, 3, 3\), but is \(10, 10, 5, 5\)"):
        load_model("tinyvgg", weights=path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none(tmp_path: Path, value: float) -> None:
    path = write(tmp_path / "w.safetensors", **{"output.bias": np.full(10, value, np.float32)})
    with pytest.raises(WeightsFileError, match=r"'output\.bias' holds values that are not finite"):
        load_model("tinyvgg", weights=path)


def test_whole_numbers_are_no_weights(tmp_path: Path) -> None:
    path = write(tmp_path / "w.safetensors", **{"output.bias": np.arange(10)})
    with pytest.raises(WeightsFileError, match=r"'output\.bias' must hold floating-point numbers, but holds int64"):
        load_model("tinyvgg", weights=path)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '{"input": {"size": [1, 64, 64]}}',
        '{"input": 3}',
        '{"input": {"size": "abc"}}',
        '{"input": {"std_rgb": [0, 0, 0]}}',
    ],
)
def test_a_bad_json_beside(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "w.safetensors")
    path.with_suffix(".json").write_text(text)
    with pytest.raises(WeightsFileError, match=r"w\.json"):
        load_model("tinyvgg", weights=path)


def test_a_bad_list_of_imagenet_names(tmp_path: Path) -> None:
    path = write(tmp_path / "w.safetensors", "squeezenet1_1", classes=1000)
    (tmp_path / "imagenet_classes.json").write_text('{"names": 3}')
    with pytest.raises(WeightsFileError, match="should hold class names"):
        load_model("squeezenet1_1", weights=path)


def caffemodel(arrays: dict[str, np.ndarray]) -> bytes:
    """A NetParameter that holds "layer.weight" and "layer.bias" arrays: written by hand, as protobuf has it."""

    def number(value: int) -> bytes:
        low = bytes([value & 127 | (128 if value > 127 else 0)])
        return low + (number(value >> 7) if value > 127 else b"")

    def field(place: int, content: bytes) -> bytes:
        return number(place << 3 | 2) + number(len(content)) + content

    def blob(array: np.ndarray) -> bytes:
        shape = field(1, b"".join(map(number, array.shape)))
        return field(7, field(7, shape) + field(5, array.astype("<f4").tobytes()))

    layers = dict.fromkeys(name.rpartition(".")[0] for name in arrays)
    return b"".join(
        field(100, field(1, name.encode()) + field(2, b"Convolution") + blob(arrays[f"{name}.weight"])
              + blob(arrays[f"{name}.bias"]))
        for name in layers
    )  # fmt: skip


def test_a_caffemodel_is_renamed_and_turned_from_bgr_to_rgb(tmp_path: Path) -> None:
    net = get_spec("squeezenet1_1").build(seed=3)
    fires = (3, 4, 6, 7, 9, 10, 11, 12)
    names = {"features.0": "conv1", "classifier.1": "conv10"}
    for i, place in enumerate(fires, start=2):
        names |= {f"features.{place}.squeeze": f"fire{i}/squeeze1x1"}
        names |= {f"features.{place}.{part}": f"fire{i}/{part}" for part in ("expand1x1", "expand3x3")}
    arrays = {}
    for name, value in net.state.items():
        layer, _, param = name.rpartition(".")
        arrays[f"{names[layer]}.{param}"] = value
    arrays["conv1.weight"] = arrays["conv1.weight"][:, ::-1]
    path = tmp_path / "squeezenet_v1.1.caffemodel"
    path.write_bytes(caffemodel(arrays))
    model = load_model("squeezenet1_1", weights=tmp_path)
    assert model.source == str(path)
    for name, value in model.net.state.items():
        np.testing.assert_array_equal(value, net.state[name])
    assert model.preprocessing.size == (227, 227)
    assert model.preprocessing.mean == (123, 117, 104)


def test_a_caffemodel_only_where_the_net_is_caffes(tmp_path: Path) -> None:
    (tmp_path / "alexnet.caffemodel").write_bytes(b"\x0a\x01a")
    with pytest.raises(MinitorchVizError):
        load_model("alexnet", weights=tmp_path)


# ------------------------------------------------------------------ the catalog


def test_catalog(home: Path) -> None:
    rows = {row.name: row for row in list_models()}
    assert set(rows) == set(specs())
    assert rows["alexnet"].at_hand == "not here"
    path = write(home / "tinyvgg.safetensors")
    (home / "resnet50-11ad3fa6.pth").write_bytes(b"x")
    rows = {row.name: row for row in list_models()}
    assert rows["tinyvgg"].at_hand == str(path)
    assert not rows["tinyvgg"].bundled
    assert rows["resnet50"].file == home / "resnet50-11ad3fa6.pth"
    assert "61,100,840 parameters  224 x 224 RGB   not here" in str(rows["alexnet"])
    assert "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth" in str(rows["alexnet"])
