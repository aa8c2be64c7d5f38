"""Caffe's .caffemodel: all generations of the format, packed and unpacked numbers, and bounded reading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.io.caffemodel import read_caffemodel
from tests.io.samples import blob, field, layer, varint

RNG = np.random.default_rng(0)
CONV = RNG.normal(size=(4, 3, 2, 2)).astype("f4")
BIAS = RNG.normal(size=4).astype("f4")
FC = RNG.normal(size=(5, 7)).astype("f4")


def read(tmp_path: Path, data: bytes, **options: Any) -> tuple[dict[str, np.ndarray], list[dict[str, Any]]]:
    (tmp_path / "net.caffemodel").write_bytes(data)
    return read_caffemodel(tmp_path / "net.caffemodel", **options)


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("double", [True, False])
@pytest.mark.parametrize("legacy", [True, False])
@pytest.mark.parametrize("types", [("Convolution", "InnerProduct"), (4, 14)])
def test_all_ways_to_write_blobs(
    packed: bool, double: bool, legacy: bool, types: tuple[Any, Any], tmp_path: Path
) -> None:
    def made(array: np.ndarray) -> bytes:
        return blob(array, packed=packed, double=double, legacy=legacy)

    data = field(1, "net") + layer("conv1", types[0], made(CONV), made(BIAS)) + layer("relu", types[0])
    data += layer("fc8", types[1], made(FC))
    tensors, layers = read(tmp_path, data)
    assert list(tensors) == ["conv1.weight", "conv1.bias", "fc8.weight"]
    for name, array in zip(tensors, (CONV, BIAS, FC), strict=True):
        assert tensors[name].dtype == (np.float64 if double else np.float32)
        np.testing.assert_array_equal(tensors[name], array)
    assert [(one["name"], one["type"]) for one in layers] == [
        ("conv1", "Convolution"),
        ("relu", "Convolution"),
        ("fc8", "InnerProduct"),
    ]


def test_tops_and_bottoms(tmp_path: Path) -> None:
    _, layers = read(tmp_path, layer("conv1", "Convolution", blob(CONV)))
    assert layers == [{"name": "conv1", "type": "Convolution", "bottom": ["data"], "top": ["conv1"]}]


def test_the_first_generation(tmp_path: Path) -> None:
    inner = (
        field(1, "conv1") + field(2, "conv") + field(50, blob(CONV, legacy=True)) + field(50, blob(BIAS, legacy=True))
    )
    tensors, layers = read(tmp_path, field(2, field(1, inner) + field(2, "data") + field(3, "conv1")))
    assert list(tensors) == ["conv1.weight", "conv1.bias"]
    np.testing.assert_array_equal(tensors["conv1.weight"], CONV)
    np.testing.assert_array_equal(tensors["conv1.bias"], BIAS)
    assert layers[0]["bottom"] == ["data"]


def test_unpacked_numbers_in_several_runs(tmp_path: Path) -> None:
    many = RNG.normal(size=300_000).astype("f4")  # longer than what is read at once
    parts = [many[:7], many[7:200_000], many[200_000:]]
    data = b"".join(blob(part, packed=part.size != 7 and False, shape=()).rsplit(b"\x3a", 1)[0] for part in parts)
    tensors, _ = read(tmp_path, layer("a", "Scale", data + field(7, field(1, varint(300_000)))))
    np.testing.assert_array_equal(tensors["a.weight"], many)


def test_differences_and_unknown_fields_are_skipped(tmp_path: Path) -> None:
    extra = field(6, BIAS.tobytes()) + field(9, bytes(16)) + field(99, "later") + field(98, 7)
    tensors, _ = read(tmp_path, field(3, "x") + layer("a", "Convolution", extra + blob(CONV) + extra) + field(5, 1))
    np.testing.assert_array_equal(tensors["a.weight"], CONV)


def test_batch_norm_is_divided_by_its_factor(tmp_path: Path) -> None:
    mean, var = np.array([1, 2], "f4"), np.array([4, 6], "f4")
    for factor, scale in ((2.0, 0.5), (0.0, 0.0)):
        data = layer("bn", "BatchNorm", blob(mean), blob(var), blob([factor]))
        tensors, _ = read(tmp_path, data)
        assert list(tensors) == ["bn.running_mean", "bn.running_var"]
        np.testing.assert_array_equal(tensors["bn.running_mean"], mean * scale)
        np.testing.assert_array_equal(tensors["bn.running_var"], var * scale)
        assert tensors["bn.running_var"].dtype == np.float32


def test_names_of_other_layers(tmp_path: Path) -> None:
    scale = layer("s", "Scale", blob(BIAS, legacy=True), blob(BIAS, legacy=True))
    data = scale + layer("p", "PReLU", blob(BIAS)) + layer("u", "Bias", blob(BIAS))
    data += layer("r", "LSTM", blob(FC), blob(BIAS), blob(FC)) + layer("e", "Embed", blob(FC))
    tensors, _ = read(tmp_path, data)
    assert list(tensors) == ["s.weight", "s.bias", "p.weight", "u.bias", "r.blob0", "r.blob1", "r.blob2", "e.weight"]
    assert tensors["s.weight"].shape == (4,)


def test_dtype(tmp_path: Path) -> None:
    data = layer("a", "Convolution", blob(CONV, double=True))
    assert read(tmp_path, data, dtype=np.float16)[0]["a.weight"].dtype == np.float16
    for dtype in (int, "real", object(), bool, "c8"):
        with pytest.raises(SettingError, match="dtype"):
            read(tmp_path, data, dtype=dtype)


def conv(*blobs: bytes) -> bytes:
    return layer("conv1", "Convolution", *blobs)


SOUND = conv(blob(CONV), blob(BIAS))
BAD = {  # the file, words that the sentence must hold
    "cut off": (SOUND[:-9], "reaches beyond"),
    "cut in a tag": (b"\xa2", "without an end"),
    "endless number": (b"\xff" * 20, "without an end"),
    "group": (b"\x0b", "impossible field"),
    "field 0": (b"\x02\x00", "impossible field"),
    "wire type 7": (b"\x0f", "impossible field"),
    "length": (field(100, b"")[:-1] + varint(2**60), "reaches beyond"),
    "shape too large": (conv(blob(BIAS, shape=(5,))), "(5,)", "4 numbers"),
    "shape too small": (conv(blob(BIAS, shape=(3,))), "(3,)", "4 numbers"),
    "huge shape": (conv(blob(BIAS, shape=(2**40, 2**40))), "impossible shape"),
    "huge size": (conv(blob(BIAS, shape=(2**63,))), "impossible shape"),
    "many axes": (conv(blob([1.0], shape=[1] * 39)), "39 axes"),
    "long shape": (conv(blob([1.0], shape=[1] * 2000)), "shape"),
    "no numbers": (conv(field(7, field(1, varint(4)))), "0 numbers"),
    "odd length": (conv(field(5, bytes(15)) + field(7, field(1, varint(4)))), "no multiple of 4"),
    "odd doubles": (conv(field(8, bytes(12)) + field(7, field(1, varint(1)))), "no multiple of 8"),
    "numbers as varints": (conv(field(5, 3) + field(7, field(1, varint(1)))), "another kind"),
    "layer as number": (field(100, 3), "no message"),
    "blob as number": (field(100, field(7, 3)), "no message"),
    "name as number": (field(100, field(1, 3)), "no text"),
    "long name": (field(100, field(1, "a" * 5000)), "name"),
    "no weights": (layer("relu", "ReLU"), "no layer with weights"),
    "only a name": (field(1, "net"), "no layer with weights"),
    "the same name twice": (SOUND + SOUND, "twice", "conv1.weight"),
    "factor": (layer("bn", "BatchNorm", blob(BIAS), blob(BIAS), blob(BIAS)), "4 factors", "'bn'"),
    "text": (b"hello, world", "impossible field"),
    "web page": (b"<!DOCTYPE html><html>", "is it damaged"),
    "zeros": (bytes(99), "impossible field"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(name: str, tmp_path: Path) -> None:
    data, *words = BAD[name]
    with pytest.raises(WeightsFileError) as caught:
        read(tmp_path, data)
    for word in [*words, "net.caffemodel"]:
        assert word in str(caught.value)
