"""Every reader of weights refuses every bad path with a sentence; so does the reader of the JSON beside them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import SettingError, WeightsFileError
from minitorch_viz.io.caffemodel import read_caffemodel
from minitorch_viz.io.convnetjs import read_convnetjs
from minitorch_viz.io.files import LONGEST_JSON, read_json_beside
from minitorch_viz.io.npz import read_npz
from minitorch_viz.io.safetensors_ import read_safetensors
from minitorch_viz.io.torch_pth import read_torch
from minitorch_viz.io.weights import read_json, read_weights

CONV = np.arange(24, dtype="f4").reshape(2, 3, 2, 2)
NET = {"conv1.weight": CONV, "conv1.bias": np.ones(2, "f4")}

READERS = [read_weights, read_safetensors, read_npz, read_torch, read_caffemodel, read_convnetjs, read_json]
BAD_PATHS: dict[str, tuple[Any, ...]] = {  # the path, words that the sentence must hold
    "None": (lambda d: None, "None", "pathlib.Path"),
    "int": (lambda d: 3, "3 (int)", "pathlib.Path"),
    "float": (lambda d: 1.5, "1.5 (float)"),
    "bool": (lambda d: False, "False (bool)"),
    "bytes": (lambda d: b"a", "b'a' (bytes)"),
    "list": (lambda d: ["a"], "a list"),
    "dict": (lambda d: NET, "a dict"),
    "array": (lambda d: CONV, "an array (2, 3, 2, 2)"),
    "object": (lambda d: object(), "a object"),
    "file": (lambda d: open(os.devnull, "rb"), "BufferedReader"),  # noqa: SIM115 (the reader must refuse it open)
    "empty": (lambda d: "", "empty"),
    "blank": (lambda d: " \n", "empty"),
    "null byte": (lambda d: f"{d}/a\0b", "null byte"),
    "missing": (lambda d: d / "lost.bin", "There is no", "lost.bin"),
    "nearly": (
        lambda d: (d / "squeezenet.bin").write_bytes(b"x") and d / "sqeezenet.bin",
        "near files: squeezenet.bin",
    ),
    "no folder": (lambda d: d / "lost" / "a.bin", "no folder", "lost"),
    "under a file": (lambda d: (d / "x").write_bytes(b"x") and d / "x" / "a.bin", "There is no", "a.bin"),
    "folder": (lambda d: d, "folder"),
    "empty file": (lambda d: (d / "void.bin").write_bytes(b"") or d / "void.bin", "void.bin", "0 bytes"),
    "long name": (lambda d: d / ("a" * 300), "aaa", "too long"),
    "long path": (lambda d: "a/" * 5000, "10000 characters"),
    "device": (lambda d: "/dev/zero", "/dev/zero", "not a regular file"),
    "pipe": (lambda d: os.mkfifo(d / "pipe") or d / "pipe", "pipe", "not a regular file"),
    "circle": (lambda d: (d / "c").symlink_to(d / "c") or d / "c", "cannot be read"),
    "text": (lambda d: (d / "a.txt").write_bytes(b"hello, world") and d / "a.txt", "a.txt"),
    "zeros": (lambda d: (d / "zeros").write_bytes(bytes(99)) and d / "zeros", "zeros"),
}


@pytest.mark.parametrize("name", BAD_PATHS)
@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_bad_paths(read: Callable[[Any], Any], name: str, tmp_path: Path) -> None:
    make, *words = BAD_PATHS[name]
    path = make(tmp_path)
    with pytest.raises(WeightsFileError) as caught:
        read(path)
    for word in words:
        assert word in str(caught.value)
    if hasattr(path, "close"):
        path.close()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "a").chmod(0)
    with pytest.raises(WeightsFileError, match="Permission denied"):
        read_weights(tmp_path / "a")


@pytest.mark.parametrize("dtype", [int, "real", object(), bool, "c8", "U3", [1], 3, "g"], ids=repr)
def test_bad_dtype(dtype: Any, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="dtype must be float16, float32, float64 or None"):
        read_weights(tmp_path / "a", dtype=dtype)


def test_json_files(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": [1, {"b": null}]}', encoding="utf-8")
    assert read_json(path) == {"a": [1, {"b": None}]}
    assert read_json_beside(tmp_path / "a.pth") == {"a": [1, {"b": None}]}
    assert read_json_beside(tmp_path / "b.pth") is None
    assert read_json_beside(path) is None
    assert read_json_beside(".") is None
    bad = [
        b"{",
        b"[]",
        b"3",
        b"null",
        b'"a"',
        b"{'a': 1}",
        b'{"a": Infinity}',
        b"\xff\xfe{}",
        b"[" * 10**5,
        b'{"a"}',
        b"{}{}",
    ]
    bad += [b'{"a": ' + b"9" * 10**4 + b"}", b"{" + b" " * LONGEST_JSON + b"}", b"", b'{"a": 1,}', b"// {}", b"\0"]
    for data in bad:
        path.write_bytes(data)
        with pytest.raises(WeightsFileError, match=r"a\.json"):
            read_json(path)
        with pytest.raises(WeightsFileError, match=r"a\.json"):
            read_json_beside(tmp_path / "a.pth")
    for value in (None, 3, b"a", "", "a\0b", [], 1.5, True, object(), CONV):
        with pytest.raises(WeightsFileError, match="path of the weights file"):
            read_json_beside(value)
