"""Nets from ONNX files: the reference's numbers, sentences for what does not fit, nothing read from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError, NetError, SettingError, WeightsFileError
from minitorch_viz.layers import (
    GELU,
    BatchNorm2d,
    Conv2d,
    Flatten,
    GlobalAvgPool2d,
    Hardswish,
    Linear,
    MultiheadAttention,
    ReLU6,
    SiLU,
    Softmax,
)
from minitorch_viz.models import Model, load_model

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
from onnx.reference import ReferenceEvaluator  # noqa: E402 (after the package is known to be there)

from tests.models.onnx_nets import attentive, helper, proto, small, written  # noqa: E402 (the same)

make = helper.make_node
RNG = np.random.default_rng(1)
W, FC = RNG.normal(size=(4, 3, 3, 3)), RNG.normal(size=(3, 2))


def difference(path: Path, x: np.ndarray[Any, Any], **settings: Any) -> float:
    """How far the net's output is from the reference's, in parts of the largest number; the gradient must exist."""
    model = Model.from_onnx(path, **settings)
    ours = model.net.forward(x)[model.net.output]
    theirs = ReferenceEvaluator(str(path)).run(None, {"x": x})[0]
    assert ours.shape == theirs.shape
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def test_a_small_net_gives_the_reference_s_numbers_names_and_report(tmp_path: Path) -> None:
    path = written(tmp_path, small())
    x = np.random.default_rng(0).normal(size=(3, 3, 4, 4)).astype(np.float32)
    assert difference(path, x) < 1e-6
    model = Model.from_onnx(path)
    assert model.net.names[1:5] == ("conv", "bn", "relu.Relu", "pool.MaxPool")
    assert isinstance(model.net["conv"].layer, Conv2d)
    assert isinstance(model.net["bn"].layer, BatchNorm2d)
    assert (model.name, model.logits, model.dtype, model.source) == ("net", "fc", np.float32, str(path))
    assert model.notes[0].startswith("Of net.onnx 11 operators were read (1 Conv, 1 BatchNormalization, 1 Relu")
    assert "numbers from 0 to 1" in model.notes[1]


CHAINS: dict[str, tuple[list[Any], dict[str, Any], tuple[int, ...], list[type]]] = {
    "silu": ([make("Sigmoid", ["x"], ["s"]), make("Mul", ["x", "s"], ["y"])], {}, (2, 3, 4, 4), [SiLU]),
    "hardswish": (
        [make("HardSigmoid", ["x"], ["s"], alpha=1 / 6), make("Mul", ["s", "x"], ["y"])],
        *({}, (2, 3, 4, 4), [Hardswish]),
    ),
    "matmul and its bias": (
        [make("MatMul", ["x", "w"], ["m"]), make("Add", ["b", "m"], ["y"])],
        *({"w": FC, "b": np.array([1.0, 2.0])}, (4, 3), [Linear]),
    ),
    "convolution and its bias": (
        [make("Conv", ["x", "w"], ["m"], pads=[0, 1, 2, 1]), make("Add", ["m", "b"], ["y"])],
        *({"w": W, "b": np.arange(4.0).reshape(1, 4, 1, 1)}, (2, 3, 6, 5), [Conv2d]),
    ),
    "same, upper and strided": (
        [make("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER", strides=[2, 2])],
        *({"w": W}, (2, 3, 6, 5), [Conv2d]),
    ),
    "mean over the places": (
        [make("ReduceMean", ["x"], ["y"], axes=[-1, -2], keepdims=0)],
        *({}, (2, 3, 4, 5), [GlobalAvgPool2d, Flatten]),
    ),
    "gelu of five": (
        [
            *(make("Div", ["x", "r"], ["d"]), make("Erf", ["d"], ["e"]), make("Add", ["e", "o"], ["a"])),
            *(make("Mul", ["x", "a"], ["m"]), make("Mul", ["m", "h"], ["y"])),
        ],
        *({"r": np.sqrt(np.float64(2)), "o": np.float64(1), "h": np.float64(0.5)}, (2, 3), [GELU]),
    ),
    "gelu, the half first": (
        [
            *(make("Mul", ["x", "h"], ["m"]), make("Div", ["x", "r"], ["d"]), make("Erf", ["d"], ["e"])),
            *(make("Add", ["e", "o"], ["a"]), make("Mul", ["m", "a"], ["y"])),
        ],
        *({"r": np.sqrt(np.float64(2)), "o": np.float64(1), "h": np.float64(0.5)}, (2, 3), [GELU]),
    ),
    "clip to six": (
        [make("Clip", ["x", "l", "h"], ["y"])],
        *({"l": np.float64(0), "h": np.float64(6)}, (2, 3), [ReLU6]),
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains_become_the_layers_that_they_mean(name: str, tmp_path: Path) -> None:
    nodes, arrays, shape, layers = CHAINS[name]
    path = written(tmp_path, proto(nodes, arrays, shape, kind=11))
    x = np.random.default_rng(0).normal(size=shape) * 4
    single_precision = {"hardswish": 1e-8, "gelu of five": 1e-7, "gelu, the half first": 1e-7}  # 1 / 6; their erf
    most = single_precision.get(name, 1e-12)
    assert difference(path, x, scores="numbers" if len(shape) == 2 else None) < most
    assert [type(node.layer) for node in Model.from_onnx(path).net.nodes] == layers


def test_attention_of_many_operators_is_one_layer(tmp_path: Path) -> None:
    path = written(tmp_path, attentive())
    model = Model.from_onnx(path)
    kinds = [type(node.layer) for node in model.net.nodes]
    assert kinds.count(MultiheadAttention) == 1
    assert Softmax not in kinds
    xs = np.random.default_rng(0).normal(size=(3, 12)).astype(np.float32)
    theirs = [ReferenceEvaluator(str(path)).run(None, {"x": x[None]})[0][0] for x in xs]  # one image at a time
    np.testing.assert_allclose(model.net.predict(xs), theirs, rtol=1e-4, atol=1e-5)


ATTENTION = [make("Transpose", ["x"], ["t"], perm=[0, 2, 1]), make("MatMul", ["x", "t"], ["s"])]
LATER = np.triu(np.full((4, 4), -np.inf), 1)
SCORES: dict[str, tuple[list[Any], dict[str, Any], bool]] = {
    "a factor": ([make("Mul", ["s", "f"], ["z"])], {"f": np.array(0.3)}, False),
    "a divisor": ([make("Div", ["s", "f"], ["z"])], {"f": np.array(2.0)}, False),
    "a mask of later steps": ([make("Add", ["s", "f"], ["z"])], {"f": LATER}, True),
    "a mask of none": ([make("Add", ["f", "s"], ["z"])], {"f": np.zeros((4, 4))}, False),
    "nothing": ([make("Identity", ["s"], ["z"])], {}, False),
}


@pytest.mark.parametrize("name", SCORES)
def test_what_stands_between_scores_and_softmax(name: str, tmp_path: Path) -> None:
    nodes, arrays, causal = SCORES[name]
    rest = [make("Softmax", ["z"], ["p"]), make("MatMul", ["p", "x"], ["y"])]
    path = written(tmp_path, proto([*ATTENTION, *nodes, *rest], arrays, (1, 4, 3), kind=11))
    assert difference(path, np.random.default_rng(0).normal(size=(1, 4, 3))) < 1e-12
    layers = [node.layer for node in Model.from_onnx(path).net.nodes]
    assert [layer.causal for layer in layers if isinstance(layer, MultiheadAttention)] == [causal]


def single(kind: str, inputs: Sequence[str] = ("x",), **attributes: Any) -> list[Any]:
    return [make(kind, list(inputs), ["y"], "here", **attributes)]


REFUSED = {
    "unknown": (single("Det"), {}, (1, 3, 4, 4), r"Det \('here'\) has no counterpart"),
    "another domain": (single("Relu", domain="com.example"), {}, (1, 3), "belongs to 'com.example'"),
    "erf alone": (single("Erf"), {}, (1, 3), "known as a part of GELU"),
    "no output": (
        [make("ReduceMean", ["x"], [], "here"), *single("Relu")],
        {},
        (1, 3),
        r"ReduceMean \('here'\) gives nothing",
    ),
    "a constant too many": (
        [make("Equal", ["w", "w", "w"], ["c"], "here"), make("Relu", ["x"], ["y"])],
        *({"w": np.ones(3, np.float32)}, (1, 3), r"Equal \('here'\) has 3 inputs, not 2"),
    ),
    "attention": (single("MatMul", ["x", "x"]), {}, (1, 4, 4), "attention does. Use Model.from_torch"),
    "scores alone": (ATTENTION, {}, (1, 4, 3), "attention does. Use Model.from_torch"),
    "a gate on scores": ([*ATTENTION, make("Relu", ["s"], ["y"])], {}, (1, 4, 3), "with a factor and a mask of later"),
    "a mask of its own": (
        [*ATTENTION, make("Add", ["s", "w"], ["z"]), make("Softmax", ["z"], ["y"])],
        *({"w": np.eye(4)}, (1, 4, 3), "with a factor and a mask of later"),
    ),
    "softmax over the queries": ([*ATTENTION, make("Softmax", ["s"], ["y"], axis=1)], {}, (1, 4, 3), "mask of later"),
    "values in a row": (
        [
            *(*ATTENTION, make("Softmax", ["s"], ["p"], axis=-1), make("Flatten", ["x"], ["v"])),
            make("MatMul", ["p", "v"], ["y"]),
        ],
        *({}, (1, 4, 3), "their heads and widths must be equal"),
    ),
    "turned at the end": (single("Transpose", perm=[1, 0]), {}, (1, 3), r"'y' of shape \(3, 1\) has the images along"),
    "turned maps": (
        [make("Transpose", ["x"], ["t"], perm=[1, 0, 2, 3]), make("MaxPool", ["t"], ["y"], kernel_shape=[1, 1])],
        *({}, (1, 3, 2, 2), "whose first axis is not the images"),
    ),
    "a long constant": (single("Concat", ["w", "x"], axis=1), {"w": np.ones((1, 9))}, (1, 3), "that is no longer"),
    "batch": (single("Transpose", perm=[1, 0]), {}, (2, 3), "where the images of a batch are"),
    "three places": (single("MaxPool", kernel_shape=[1, 1, 1]), {}, (1, 3, 4, 4, 4), "3 axes of places"),
    "training": (
        single("BatchNormalization", ["x", "s", "s", "s", "s"], training_mode=1),
        *({"s": np.ones(3)}, (1, 3, 4, 4), "Export the net in eval mode"),
    ),
    "weights missing": (single("Conv", ["x", "w"]), {}, (1, 3, 4, 4), "reads 'w', which nothing before it gives"),
    "a filter too large": (
        single("Conv", ["x", "w"]),
        {"w": W},
        (1, 3, 2, 2),
        r"\(1, 4, 0, 0\); sides must be at least 1",
    ),
    "a huge border": (single("Conv", ["x", "w"], pads=[2**18] * 4), {"w": W}, (1, 3, 4, 4), "at most"),
    "a huge pad": (single("Pad", ["x", "p"]), {"p": np.array([0, 0, 0, 2**39])}, (1, 3), "at most"),
    "a huge input": (single("Relu"), {}, (1, 3, 2**14, 2**13), "at most"),
    "a wrong type": (single("Flatten", axis=1.5), {}, (1, 3, 4), "axis = 1.5, which is of the wrong type"),
    "not finite": (single("Mul", ["x", "w"]), {"w": np.array([np.nan])}, (1, 3), "finite"),
    "bounds the wrong way round": (
        single("Clip", ["x", "l", "h"]),
        *({"l": np.float64(2), "h": np.float64(-1)}, (1, 3), "a lower bound below the upper one"),
    ),
    "a huge factor": (
        single("Gemm", ["x", "w"], alpha=3e38),
        *({"w": np.full((3, 2), 1e300)}, (1, 3), "too large for float64"),
    ),
    "states of its own": (
        single("RNN", ["x", "w", "w", "", "", "h"], hidden_size=3, layout=1),
        *({"w": np.ones((1, 3, 3)), "h": np.ones((1, 1, 3))}, (1, 4, 3), "states of its own"),
    ),
    "steps first": (
        single("RNN", ["x", "w", "w"], hidden_size=3),
        *({"w": np.ones((1, 3, 3))}, (4, 1, 3), "batch_first=True"),
    ),
    "another reset": (
        single("GRU", ["x", "w", "w"], hidden_size=1, layout=1),
        *({"w": np.ones((1, 3, 1))}, (1, 4, 1), "linear_before_reset"),
    ),
    "a hard sigmoid": (
        single("RNN", ["x", "w", "w"], hidden_size=3, layout=1, activations=["HardSigmoid"]),
        *({"w": np.ones((1, 3, 3))}, (1, 4, 3), "the usual ones are known"),
    ),
    "a cube": (single("Pow", ["x", "n"]), {"n": np.array(3.0)}, (1, 3), "squares are known"),
    "places in any order": (
        single("Gather", ["x", "n"], axis=1),
        *({"n": np.arange(0, 200, 2)}, (1, 200), "up to 64 unbroken runs"),
    ),
    "nothing done": (single("Identity"), {}, (1, 3), "does not depend on the net's input by any layer"),
    "cut apart wrongly": (single("Split", ["x", "w"], axis=1), {"w": np.array([2])}, (1, 3), "into parts of"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_layer_is_refused_with_operator_node_and_advice(name: str, tmp_path: Path) -> None:
    nodes, arrays, shape, words = REFUSED[name]
    path = written(tmp_path, proto(nodes, arrays, shape, kind=11))
    with pytest.raises((NetError, WeightsFileError), match=words) as caught:
        Model.from_onnx(path)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "location", ["../weights", "/etc/passwd", "a/../../weights", "C:\\w", "", "link", "absent", "."]
)
def test_arrays_are_read_from_beside_the_file_alone(location: str, tmp_path: Path) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    for path in (tmp_path / "weights", folder / "weights"):
        path.write_bytes(W.tobytes())
    (folder / "link").symlink_to(tmp_path / "weights")
    model = proto(single("Conv", ["x", "w"]), {"w": W}, (1, 3, 4, 4), kind=11)
    external(model.graph.initializer[0], "weights")
    assert difference(written(folder, model), np.ones((1, 3, 4, 4))) < 1e-12
    external(model.graph.initializer[0], location)
    with pytest.raises(WeightsFileError):
        Model.from_onnx(written(folder, model))


def external(tensor: Any, location: str, **entries: str) -> None:
    tensor.ClearField("raw_data")
    tensor.ClearField("external_data")
    tensor.data_location = tensor.EXTERNAL
    for key, value in {"location": location, **entries}.items():
        tensor.external_data.add(key=key, value=value)


@pytest.mark.parametrize("entries", [{"offset": "9"}, {"offset": "-1"}, {"length": "5"}, {"offset": "x"}])
def test_external_data_that_do_not_fit_are_refused(entries: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(W.tobytes())
    model = proto(single("Conv", ["x", "w"]), {"w": W}, (1, 3, 4, 4), kind=11)
    external(model.graph.initializer[0], "weights", **entries)
    with pytest.raises(WeightsFileError, match="'w'"):
        Model.from_onnx(written(tmp_path, model))


@pytest.mark.parametrize("dims", [[2**31, 2**31], [-1, 4], [4, 3, 3, 4], [1] * 9])
def test_declared_sizes_are_checked_first(dims: list[int], tmp_path: Path) -> None:
    model = proto(single("Conv", ["x", "w"]), {"w": W}, (1, 3, 4, 4), kind=11)
    model.graph.initializer[0].dims[:] = dims
    with pytest.raises(WeightsFileError, match="'w'"):
        Model.from_onnx(written(tmp_path, model))


def test_the_json_beside_says_how_pictures_are_prepared_and_what_classes_are_called(tmp_path: Path) -> None:
    path = written(tmp_path, small())
    beside = {"input": {"size": [3, 4, 4], "mean": [1, 2, 3], "std": [4, 5, 6]}, "names": ["cat", "dog"]}
    path.with_suffix(".json").write_text(json.dumps(beside))
    model = load_model(path, dtype=np.float64)
    assert (model.class_names, model.dtype) == (("cat", "dog"), np.float64)
    assert (model.preprocessing.mean, model.preprocessing.std) == ((1, 2, 3), (4, 5, 6))
    assert Model.from_onnx(path, mean=7.0).preprocessing.mean == (7, 7, 7)
    assert not any("does not say how a picture" in note for note in model.notes)


BAD = {
    "no file": ({"path": "absent.onnx"}, "absent.onnx"),
    "no path": ({"path": 3}, "must be a str"),
    "a folder": ({"path": "."}, "."),
    "another size": ({"size": 5}, "takes pictures of 4 x 4"),
    "no size": ({"size": "x"}, "size"),
    "a size of 0": ({"size": 0}, "size"),
    "a mean for two": ({"mean": [1, 2]}, "mean"),
    "a std of 0": ({"std": 0}, "std"),
    "a way to resize": ({"resize": "squash"}, "squash"),
    "too few names": ({"class_names": ["cat"]}, "2 scores"),
    "a name": ({"class_names": "cat"}, "class_names"),
    "scores": ({"scores": "votes"}, "votes"),
    "logits": ({"logits": "fd"}, "fd"),
    "dtype": ({"dtype": "float16"}, "float32 or float64"),
    "a reader": ({"readers": 3}, "readers"),
    "called": ({"name": ""}, "name"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_are_sentences(name: str, tmp_path: Path) -> None:
    settings, words = BAD[name]
    path = settings.get("path", written(tmp_path, small()))
    if isinstance(path, str):
        path = tmp_path / path
    with pytest.raises(MinitorchVizError, match=words):
        Model.from_onnx(path, **{key: value for key, value in settings.items() if key != "path"})


def test_without_the_package_a_sentence_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, small())
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(SettingError, match="pip install"):
        Model.from_onnx(path)


def test_a_saved_model_gives_the_same_scores(tmp_path: Path) -> None:
    model = Model.from_onnx(written(tmp_path, small()))
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 4)).astype(np.float32)
    again = load_model(model.save(tmp_path / "net.safetensors"))
    np.testing.assert_array_equal(again.predict_answers(x), model.predict_answers(x))


def test_the_largest_of_three_constants_is_computed(tmp_path: Path) -> None:
    arrays = {name: np.array(values, np.float32) for name, values in {"a": [1, 5], "b": [4, 2], "c": [3, 3]}.items()}
    nodes = [make("Max", ["a", "b", "c"], ["m"]), make("Add", ["x", "m"], ["y"])]
    path = written(tmp_path, proto(nodes, arrays, (1, 2)))
    model = Model.from_onnx(path)
    np.testing.assert_array_equal(model.net.predict(np.zeros((1, 2), np.float32)), [[4, 5]])
