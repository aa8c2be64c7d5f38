"""read_weights tells every kind of file by its content, and says what other files are."""

from __future__ import annotations

import gzip
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.npz import save_npz
from minitorch_viz.io.safetensors_ import save_safetensors
from minitorch_viz.io.weights import read_weights
from tests.io import samples, torch_samples

CONV = np.arange(24, dtype="f4").reshape(2, 3, 2, 2)
NET = {"conv1.weight": CONV, "conv1.bias": np.ones(2, "f4")}


def convnetjs() -> bytes:
    return json.dumps(samples.convnetjs(np.random.default_rng(0))[0], indent=1).encode()


def caffemodel() -> bytes:
    return samples.field(1, "net") + samples.layer("conv1", "Convolution", samples.blob(CONV), samples.blob([1, 1]))


def torch(form: Callable[..., bytes]) -> bytes:
    value = {
        "conv1.weight": torch_samples.tensor("0", 24, CONV.shape),
        "conv1.bias": torch_samples.tensor("1", 2, (2,)),
    }
    return form(value, {"0": CONV, "1": np.ones(2, "f4")})


def safetensors() -> bytes:
    header = {"__metadata__": {"source": "here"}, "conv1.weight": samples.entry("F32", CONV.shape, 0, 96)}
    header["conv1.bias"] = samples.entry("F32", (2,), 96, 104)
    return samples.safetensors_file(header, CONV.tobytes() + np.ones(2, "f4").tobytes())


KINDS: dict[str, tuple[str, Callable[[], bytes]]] = {  # name: (format, bytes)
    "safetensors": ("safetensors", safetensors),
    "npz": ("npz", lambda: samples.zip_file({f"{name}.npy": samples.npy(array) for name, array in NET.items()})),
    "pth": ("torch", lambda: torch(torch_samples.torch_zip)),
    "legacy pth": ("torch", lambda: torch(torch_samples.torch_legacy)),
    "caffemodel": ("caffemodel", caffemodel),
    "convnetjs": ("convnetjs", convnetjs),
}


@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pth", ".pt", ".bin", ".caffemodel", ".weights", ""])
@pytest.mark.parametrize("kind", KINDS)
def test_the_content_decides(kind: str, suffix: str, tmp_path: Path) -> None:
    expected, make = KINDS[kind]
    (tmp_path / f"net{suffix}").write_bytes(make())
    weights = read_weights(str(tmp_path / f"net{suffix}"))
    assert weights.format == expected
    assert weights.path == tmp_path / f"net{suffix}"
    if kind != "convnetjs":
        assert list(weights.tensors) == list(NET)
        np.testing.assert_array_equal(weights.tensors["conv1.weight"], CONV)


def test_what_else_it_tells(tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").write_bytes(safetensors())
    weights = read_weights(tmp_path / "net.safetensors", dtype=np.float64)
    assert weights.metadata == {"source": "here"}
    assert weights.json is None
    assert weights.tensors["conv1.bias"].dtype == np.float64
    (tmp_path / "net.json").write_text('\ufeff{"input": {"size": [3, 2, 2]}}', encoding="utf-8")
    assert read_weights(tmp_path / "net.safetensors").json == {"input": {"size": [3, 2, 2]}}
    (tmp_path / "net.caffemodel").write_bytes(caffemodel())
    weights = read_weights(tmp_path / "net.caffemodel")
    assert "BGR" in weights.notes[0]
    assert weights.metadata["layers"][0]["name"] == "conv1"
    (tmp_path / "own.json").write_bytes(convnetjs())
    assert read_weights(tmp_path / "own.json").json is None  # it is itself what would lie beside it


def test_it_prints_readably(tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(
        torch_samples.torch_zip({"model": {"a": torch_samples.tensor("0", 24, (4, 6))}}, {"0": CONV})
    )
    assert str(read_weights(tmp_path / "net.pth")).splitlines() == [
        "net.pth (torch): 1 arrays, 24 numbers",
        "The weights were found under 'model'.",
        "  a (4, 6) float32",
    ]


def test_a_malformed_json_beside_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "net.safetensors").write_bytes(safetensors())
    for text in ("{", "[1]", '{"a": NaN}', "\udcff"):
        (tmp_path / "net.json").write_bytes(text.encode("utf-8", "surrogateescape"))
        with pytest.raises(WeightsFileError, match=r"net\.json"):
            read_weights(tmp_path / "net.safetensors")


def test_round_trip_through_both_writers(tmp_path: Path) -> None:
    for save, name in ((save_safetensors, "a.safetensors"), (save_npz, "a.npz")):
        save(tmp_path / name, NET)
        for key, array in read_weights(tmp_path / name).tensors.items():
            np.testing.assert_array_equal(array, NET[key])


def test_all_shared_weights_files(shared_data: Path) -> None:
    folder = shared_data / "weights"
    counts = {"googlenet_bvlc": 6_998_552, "squeezenet1_1": 1_235_496, "tinyvgg": 19_920}
    for name, count in counts.items():
        weights = read_weights(folder / f"{name}.safetensors")
        assert sum(array.size for array in weights.tensors.values()) == count
        assert weights.json is not None
        assert weights.json["parameters"] == count
    assert read_weights(folder / "convnetjs_cifar10_snapshot.json").tensors["fc.weight"].shape == (10, 320)
    with pytest.raises(WeightsFileError, match=r"tinyvgg\.json describes weights.*'tinyvgg\.safetensors'"):
        read_weights(folder / "tinyvgg.json")


NOT_WEIGHTS = {  # the file, words that the sentence must hold
    "text": (b"hello, world", "known kind", "b'hello, world'"),
    "noise": (bytes(range(255, 0, -1)), "known kind", "damaged"),
    "one byte": (b"x", "known kind"),
    "web page": (b"<!DOCTYPE html>", "web page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "gzip": (gzip.compress(safetensors()), "gzip", "unpack"),
    "hdf5": (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5", ".npz"),
    "npy": (samples.npy(CONV), "np.savez"),
    "gguf": (b"GGUF\3\0\0\0" + bytes(99), "GGUF"),
    "onnx": (b"\x08\x07\x12\x07pytorch", "ONNX"),
    "pickle": (pickle.dumps({"a": 1}), "pickle", "state_dict"),
    "tar": (b"a".ljust(257, b"\0") + b"ustar" + bytes(99), "archive", "state_dict"),
    "zip": (samples.zip_file({"readme.txt": b"hello"}), "zip", "readme.txt"),
    "empty zip": (samples.zip_file({}), "zip", "nothing"),
    "json": (b'{"a": 1}', "ConvNetJS"),
    "json list": (b"[1, 2]", "known kind"),
    "cut safetensors": (safetensors()[:-9], "cut off"),
    "cut header": (safetensors()[:50], "cut off"),
    "cut zip": (torch(torch_samples.torch_zip)[:-50], "cut off"),
    "cut caffemodel": (caffemodel()[:-5], "beyond"),
    "image": (samples.png([[0]], 0, 8), "known kind"),
}


@pytest.mark.parametrize("name", NOT_WEIGHTS)
def test_what_is_no_weights_file(name: str, tmp_path: Path) -> None:
    data, *words = NOT_WEIGHTS[name]
    (tmp_path / "net.dat").write_bytes(data)
    with pytest.raises(WeightsFileError) as caught:
        read_weights(tmp_path / "net.dat")
    for word in [*words, "net.dat"]:
        assert word in str(caught.value)
