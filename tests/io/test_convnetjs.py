"""ConvNetJS's JSON: the tensors compute what the original's loops compute."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.io.convnetjs import parse_convnetjs, read_convnetjs
from tests.io.samples import convnetjs, volume

NET, RAW = convnetjs(np.random.default_rng(0))


def write(tmp_path: Path, value: Any) -> Path:
    (tmp_path / "net.json").write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return tmp_path / "net.json"


@pytest.mark.parametrize("as_dict", [True, False])
def test_names_shapes_and_order(as_dict: bool, tmp_path: Path) -> None:
    value, raw = convnetjs(np.random.default_rng(0), as_dict)
    tensors, layers = read_convnetjs(write(tmp_path, value), dtype=np.float64)
    assert list(tensors) == ["conv1.weight", "conv1.bias", "fc.weight", "fc.bias"]
    np.testing.assert_array_equal(tensors["conv1.weight"], raw["conv"].transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(tensors["conv1.bias"], raw["conv_bias"])
    np.testing.assert_array_equal(tensors["fc.bias"], raw["fc_bias"])
    kinds = ["input", "conv", "relu", "pool", "fc", "softmax"]
    assert [layer["type"] for layer in layers] == kinds
    assert [layer["name"] for layer in layers] == ["input", "conv1", "relu1", "pool1", "fc", "softmax"]
    assert layers[1]["pad"] == 1
    assert "filters" not in layers[1]
    assert read_convnetjs(tmp_path / "net.json")[0]["fc.weight"].dtype == np.float32


def test_fc_weights_meet_the_same_pixels(tmp_path: Path) -> None:
    tensors, _ = read_convnetjs(write(tmp_path, NET), dtype=np.float64)
    pooled = np.random.default_rng(1).normal(size=(2, 3, 3))  # (y, x, depth), as ConvNetJS holds it
    theirs = [sum(w * v for w, v in zip(row, pooled.reshape(-1), strict=True)) for row in RAW["fc"]]
    ours = tensors["fc.weight"] @ pooled.transpose(2, 0, 1).reshape(-1)
    np.testing.assert_allclose(ours, theirs)


def test_several_fc_layers_are_numbered(tmp_path: Path) -> None:
    value = copy.deepcopy(NET)
    rows = [volume(np.full((1, 1, 2), n)) for n in range(3)]
    second = {"layer_type": "fc", "out_depth": 3, "out_sx": 1, "out_sy": 1, "filters": rows}
    value["layers"].insert(5, second | {"biases": volume(np.zeros((1, 1, 3)))})
    tensors, _ = read_convnetjs(write(tmp_path, value))
    assert list(tensors)[2:] == ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    assert tensors["fc2.weight"].tolist() == [[0, 0], [1, 1], [2, 2]]


def test_the_pretrained_net_names_test_images(shared_data: Path) -> None:
    """75.6 % of 1000 lossless test images are right; here 100 of them, with plain loops over windows."""
    tensors, layers = read_convnetjs(shared_data / "weights" / "convnetjs_cifar10_snapshot.json")
    records = np.fromfile(shared_data / "cifar10" / "test_batch.bin", np.uint8).reshape(-1, 3073)[:100]
    x = records[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32) / 255 - 0.5
    for layer in layers:
        if layer["type"] == "conv":
            pad = layer["pad"]
            x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
            windows = np.lib.stride_tricks.sliding_window_view(x, (layer["sy"], layer["sx"]), axis=(2, 3))
            x = np.einsum("ncyxij,ocij->noyx", windows, tensors[f"{layer['name']}.weight"], optimize=True)
            x += tensors[f"{layer['name']}.bias"][:, None, None]
        elif layer["type"] == "relu":
            x = np.maximum(x, 0)
        elif layer["type"] == "pool":
            x = x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2).max(axis=(3, 5))
        elif layer["type"] == "fc":
            x = x.reshape(len(x), -1) @ tensors["fc.weight"].T + tensors["fc.bias"]
    assert (x.argmax(axis=1) == records[:, 0]).sum() > 70


def changed(path: str, value: Any) -> dict[str, Any]:
    """The net with one entry changed: "1.filters.0.w.5"; ... deletes it."""
    net = copy.deepcopy(NET)
    target: Any = net["layers"]
    *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    for key in way:
        target = target[str(key) if isinstance(target, dict) else key]
    last = str(last) if isinstance(target, dict) else last
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return net


BAD = {  # the file, words that the sentence must hold
    "not JSON": ("{layers: []}", "not sound JSON"),
    "cut off": (json.dumps(NET)[:-9], "not sound JSON"),
    "list": ([NET], "JSON object", "list"),
    "no layers": ({"weights": 3}, '"layers"', "'weights'"),
    "no layers in it": ({"layers": []}, '"layers"'),
    "layers of text": ({"layers": ["conv"]}, '"layer_type"'),
    "layers without type": (changed("1.layer_type", ...), '"layer_type"'),
    "type number": (changed("1.layer_type", 3), '"layer_type"'),
    "a description": ({"layers": [{"name": "data"}], "weights": "x.safetensors"}, "x.safetensors", "describes"),
    "nothing learnt": ({"layers": [{"layer_type": "relu"}]}, "no weights"),
    "no filters": (changed("1.filters", ...), "layer 1 (conv1)", "filters"),
    "empty filters": (changed("1.filters", []), "layer 1 (conv1)", "filters"),
    "fewer filters": (changed("1.filters.0", ...), "2 filters", "out_depth is 3"),
    "filter of text": (changed("1.filters.0", "x"), "filter 0", "'x'"),
    "filter size": (changed("1.filters.0.sx", 4), "filter 0", "should hold 24", "18"),
    "filter size 0": (changed("1.filters.0.sx", 0), "filter 0", "whole numbers from 1"),
    "filter size text": (changed("1.filters.0.sx", "3"), "filter 0", "whole numbers from 1"),
    "filter size huge": (changed("1.filters.0.depth", 10**18), "filter 0", "whole numbers from 1"),
    "filters of two sizes": (changed("1.filters.0", volume(np.zeros((1, 1, 2)))), "different sizes"),
    "no weights": (changed("1.filters.1.w", ...), "filter 1", "None"),
    "missing weight": (changed("1.filters.1.w.5", ...), "filter 1", "18 weights", "17"),
    "null weight": (changed("1.filters.1.w.5", None), "filter 1", "not numbers"),
    "text weight": (changed("1.filters.1.w.5", "1.5"), "filter 1", "not numbers"),
    "bool weight": (changed("1.filters.1.w.5", True), "filter 1", "not numbers"),
    "list weight": (changed("1.filters.1.w.5", [1]), "filter 1", "not numbers"),
    "NaN": (changed("1.filters.1.w.5", float("nan")), "NaN"),
    "infinite": (json.dumps(changed("1.filters.1.w.5", 12345)).replace("12345", "1e999"), "too large"),
    "huge integer": (changed("1.filters.1.w.5", 10**400), "too large"),
    "biases": (changed("1.biases", volume(np.zeros((1, 1, 2)))), "2 biases for 3 filters"),
    "no biases": (changed("1.biases", ...), "biases", "None"),
    "fc size": (changed("3.out_sx", 4), "18 weights", "(3, 2, 4)"),
    "fc after nothing": (changed("3.out_sx", ...), "18 weights", "nothing"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(name: str, tmp_path: Path) -> None:
    value, *words = BAD[name]
    with pytest.raises(WeightsFileError) as caught:
        read_convnetjs(write(tmp_path, value))
    for word in [*words, "net.json"]:
        assert word in str(caught.value)


def test_bad_dtype(tmp_path: Path) -> None:
    for dtype in (int, "real", object(), bool, "c8"):
        with pytest.raises(SettingError, match="dtype"):
            read_convnetjs(write(tmp_path, NET), dtype=dtype)


def test_an_object_in_memory() -> None:
    assert list(parse_convnetjs(NET, "the net")[0]) == ["conv1.weight", "conv1.bias", "fc.weight", "fc.bias"]
