"""Harmless things beside the weights cost nothing but a note; what would run a program is refused, and never run."""

from __future__ import annotations

import argparse
import collections
import datetime
import decimal
import enum
import os
import pickle
import random
import struct
import uuid
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.npz import read_npz
from minitorch_viz.io.weights import read_weights
from tests.io.torch_samples import Call, Global, Outside, encode, tensor, torch_legacy, torch_zip

NUMBERS = np.arange(6, dtype="f4")
WEIGHT = tensor("0", 6, (2, 3))


class Phase(enum.Enum):
    TRAIN = 1


@dataclass
class Settings:
    rate: float
    layers: list[int]


class Names(dict[str, Any]):
    """A dict of a program's own."""


class Slots:
    __slots__ = ("a",)

    def __init__(self) -> None:
        self.a = 1


BESIDE: dict[str, Any] = {
    "a NumPy number": np.float64(0.93),
    "a NumPy integer": np.int64(7),
    "a NumPy array": np.arange(5.0),
    "text in an array": np.array(["cat", "dog"]),
    "a dtype": np.dtype("f4"),
    "MT19937": np.random.RandomState(0).get_state(),
    "a generator": np.random.default_rng(3).bit_generator.state,  # holds integers of 128 bits
    "a generator itself": np.random.default_rng(3),
    "Python's random": random.Random(0).getstate(),
    "a date": datetime.datetime(2024, 2, 29, 12, 30, tzinfo=datetime.UTC),
    "a duration": datetime.timedelta(days=3),
    "a path": PurePosixPath("/data/runs"),
    "settings": argparse.Namespace(lr=0.1, name="net", steps=[1, 2]),
    "a class of one's own": Settings(0.1, [1, 2]),
    "a dict of one's own": Names(a=1, b=[2]),
    "slots": Slots(),
    "an enum": Phase.TRAIN,
    "a set": {1, 2, 3},
    "a frozen set": frozenset("ab"),
    "bytes": b"\0\1\2",
    "a byte array": bytearray(b"abc"),
    "a complex number": 1 + 2j,
    "a decimal": decimal.Decimal("0.1"),
    "a uuid": uuid.UUID(int=5),
    "a counter": collections.Counter("abca"),
    "a queue": collections.deque([1, 2]),
    "a default dict": collections.defaultdict(list, a=[1]),
    "a range": range(5),
    "a slice": slice(1, 2),
    "an error": ValueError("x"),
    "a class": Settings,
    "text": "epoch 3, best so far",
    "long text as a key": {"x" * 999: 1, "": 2},
    "keys that are no text": {(1, 2): "a", None: 3, 4.5: 1, np.int64(3): 2, frozenset([1]): 0, Phase.TRAIN: 1},
    "a large integer": -(7**3000),
    "nothing": None,
}


def raw(value: Any, protocol: int) -> bytes:
    """The instructions that build a value, without the first and the last."""
    return pickle.dumps(value, protocol)[2:-1]


def checkpoint(beside: bytes, *, flat: bool) -> bytes:
    """The pickle of {"state_dict": {"fc.weight": ...}, "extra": ...}, or of both in one dict."""
    inner = encode("fc.weight") + encode(WEIGHT)
    weights = inner if flat else encode("state_dict") + b"}(" + inner + b"u"
    return b"\x80\x02}(" + encode("extra") + beside + weights + b"u."


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("protocol", [2, 4])
def test_the_tensors_are_read_and_a_note_names_the_rest(name: str, protocol: int, tmp_path: Path) -> None:
    for form in (torch_zip, torch_legacy):
        for flat in (False, True):
            data = form(checkpoint(raw(BESIDE[name], protocol), flat=flat), {"0": NUMBERS})
            (tmp_path / "net.pth").write_bytes(data)
            weights = read_weights(tmp_path / "net.pth")
            assert list(weights.tensors) == ["fc.weight"]
            np.testing.assert_array_equal(weights.tensors["fc.weight"], NUMBERS.reshape(2, 3))
            assert "Left out" in weights.notes[-1]
            assert "extra" in weights.notes[-1]


@pytest.mark.parametrize("beside", [os.system, eval, exec, open, __import__, compile, pickle.loads, os.remove])
def test_what_runs_programs_is_refused_even_beside_weights(beside: Any, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return beside, (str(tmp_path / "mark"),)

    (tmp_path / "keep").touch()
    for value in (Trap(), {"a": [Trap()]}, beside):
        data = torch_zip(checkpoint(raw(value, 2), flat=False), {"0": NUMBERS})
        (tmp_path / "net.pth").write_bytes(data)
        with pytest.raises(WeightsFileError, match=r"net\.pth.*by which programs are run"):
            read_weights(tmp_path / "net.pth")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["keep", "net.pth"]


def test_nothing_beside_the_weights_is_called(tmp_path: Path) -> None:
    """A function in no list of dangers is not called either: it becomes a label."""
    for module, name in (("tests.io.test_unneeded_arrays", "called"), ("operator", "methodcaller"), ("no", "such")):
        data = torch_zip({"fc.weight": WEIGHT, "extra": Call(Global(module, name), ("x",))}, {"0": NUMBERS})
        (tmp_path / "net.pth").write_bytes(data)
        assert list(read_weights(tmp_path / "net.pth").tensors) == ["fc.weight"]
    assert not CALLS


CALLS: list[object] = []


def called(value: object) -> None:
    CALLS.append(value)


def test_parameters_with_attributes_are_tensors(tmp_path: Path) -> None:
    storage = Outside(("storage", Global("torch", "FloatStorage"), "0", "cpu", 6))
    plain = (storage, 0, (2, 3), (3, 1), False, {})
    typed = (Global("torch._utils", "_rebuild_tensor_v2"), Global("torch", "Tensor"), plain, {"decay": False})
    value = {
        "a": Call(Global("torch._utils", "_rebuild_parameter_with_state"), (WEIGHT, True, {}, {"decay": False})),
        "b": Call(Global("torch._tensor", "_rebuild_from_type_v2"), typed),
        "eight bits": Call(Global("torch._utils", "_rebuild_tensor_v3"), (*plain, Global("torch", "float8_e5m2"))),
        "quantized": Call(Global("torch._utils", "_rebuild_qtensor"), (storage, 0, (2, 3), (3, 1), (), False, {})),
    }
    (tmp_path / "net.pth").write_bytes(torch_zip(value, {"0": NUMBERS}))
    weights = read_weights(tmp_path / "net.pth")
    assert list(weights.tensors) == ["a", "b"]
    for array in weights.tensors.values():
        np.testing.assert_array_equal(array, NUMBERS.reshape(2, 3))
    assert "eight bits, quantized" in weights.notes[-1]


def test_several_nets_keep_their_names(tmp_path: Path) -> None:
    """Which one is meant cannot be told here; numbers of an optimizer or of a loss are no second net."""
    two = {"model": {"fc.weight": WEIGHT}, "model_ema": {"fc.weight": WEIGHT}, "optimizer": {"m": WEIGHT}}
    row = tensor("0", 6, (3,))
    one = {"model": {"fc.weight": WEIGHT}, "criterion": {"class_weights": row}, "best": tensor("0", 6, ())}
    for value, names, left in (
        (two, ["model.fc.weight", "model_ema.fc.weight"], "optimizer"),
        (one, ["fc.weight"], "criterion, best"),
    ):
        (tmp_path / "net.pth").write_bytes(torch_zip(value, {"0": NUMBERS}))
        weights = read_weights(tmp_path / "net.pth")
        assert list(weights.tensors) == names
        assert left in weights.notes[-1]


NPZ: dict[str, Any] = {
    "classes": np.array(["cat", "dog"]),
    "bytes": np.array([b"cat", b"d"]),
    "settings": np.array({"lr": 0.1}, dtype=object),
    "ragged": np.array([[1], [1, 2]], dtype=object),
    "when": np.array(["2024-02-29"], dtype="M8[D]"),
    "lasted": np.array([3], dtype="m8[s]"),
    "table": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    "raw": np.array([b"ab"], dtype="V2"),
    "title": np.array("ResNet"),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("name", NPZ)
def test_an_npz_is_read_around_what_is_no_number(name: str, save: Any, tmp_path: Path) -> None:
    save(tmp_path / "net.npz", **{"fc.weight": NUMBERS, name: NPZ[name], "fc.bias": np.array(3)})
    weights = read_weights(tmp_path / "net.npz", dtype="f8")
    assert list(weights.tensors) == ["fc.weight", "fc.bias"]
    np.testing.assert_array_equal(weights.tensors["fc.weight"], NUMBERS)
    assert "Left out" in weights.notes[0]
    assert repr(name) in weights.notes[0]
    with pytest.raises(WeightsFileError, match=name):  # who asks for nothing but numbers is told
        read_npz(tmp_path / "net.npz")


def test_an_npz_with_a_file_that_is_no_array(tmp_path: Path) -> None:
    import zipfile

    np.savez(tmp_path / "net.npz", a=NUMBERS)
    with zipfile.ZipFile(tmp_path / "net.npz", "a") as archive:
        archive.writestr("readme.txt", "hello")
        archive.writestr("config.json", "{}")
    weights = read_weights(tmp_path / "net.npz")
    assert list(weights.tensors) == ["a"]
    assert "readme.txt" in weights.notes[0]
    assert "config.json" in weights.notes[0]


def test_damage_is_still_told(tmp_path: Path) -> None:
    """A size that does not fit is no harmless thing beside the weights."""
    np.savez(tmp_path / "net.npz", a=NUMBERS, b=np.array(["x"]))
    data = (tmp_path / "net.npz").read_bytes()
    (tmp_path / "net.npz").write_bytes(data.replace(struct.pack("<6f", *NUMBERS), b""))
    with pytest.raises(WeightsFileError):
        read_weights(tmp_path / "net.npz")


@pytest.mark.torch
def test_a_checkpoint_as_torch_saves_it(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="needs PyTorch")
    net = torch.nn.Linear(3, 2)
    net.weight.no_decay = True
    optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
    value = {
        "model": net.state_dict(),
        "args": argparse.Namespace(lr=0.1, out=PurePosixPath("runs")),
        "best_acc": np.float64(0.9),
        "history": {"loss": [np.float32(0.5)], "when": datetime.date(2024, 2, 29)},
        "device": torch.device("cpu"),
        "dtype": torch.float32,
        "criterion": torch.nn.CrossEntropyLoss(),
        "scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 1).state_dict(),
        "optimizer": optimizer.state_dict(),
        "torch_rng": torch.get_rng_state(),
    }
    for new in (True, False):
        for protocol in (2, 4):
            path = tmp_path / "net.pth"
            torch.save(value, path, _use_new_zipfile_serialization=new, pickle_protocol=protocol)
            weights = read_weights(path)
            assert list(weights.tensors) == ["weight", "bias"]
            np.testing.assert_array_equal(weights.tensors["weight"], net.weight.detach().numpy())
            assert all(name in weights.notes[-1] for name in ("args", "best_acc", "history", "criterion"))
