"""Malicious pickles are refused and never run; neither is a whole pickled model."""

from __future__ import annotations

import ast
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io import pickle_reader
from minitorch_viz.io.torch_pth import read_torch
from tests.io.torch_samples import (
    Call,
    Global,
    Outside,
    State,
    encode,
    tensor,
    torch_legacy,
    torch_zip,
)

FORMS = [torch_zip, torch_legacy]
Form = Callable[..., bytes]


def write(tmp_path: Path, data: bytes) -> Path:
    (tmp_path / "net.pth").write_bytes(data)
    return tmp_path / "net.pth"


ONE, TWO = tensor("0", 24, (24,)), tensor("1", 2, (2,))


def touch(path: Path) -> str:
    return f"touch {path}"


def dangers(mark: Path) -> dict[str, bytes]:
    """Pickles that would create a file if they were loaded as Python does."""

    class Reduce:
        def __init__(self, *what: Any) -> None:
            self.what = what

        def __reduce__(self) -> Any:
            return self.what

    code = f"open({str(mark)!r}, 'w')"
    listed = {
        "os.system": Reduce(os.system, (touch(mark),)),
        "eval": Reduce(eval, (code,)),
        "exec": Reduce(exec, (code,)),
        "open": Reduce(open, (str(mark), "w")),
        "getattr": Reduce(getattr, (Path(mark), "touch")),
        "deep": {"a": [({"b": Reduce(os.system, (touch(mark),))},)]},
        "path": Path(mark),
        "map": Reduce(map, (exec, [code])),
    }
    made: dict[str, bytes] = {}
    for name, value in listed.items():
        for protocol in (2, 4):
            try:
                made[f"{name} {protocol}"] = pickle.dumps(value, protocol)
            except (pickle.PicklingError, TypeError, AttributeError):
                continue
    system = b"cposix\nsystem\n" if os.name == "posix" else b"cnt\nsystem\n"
    command = encode(touch(mark))
    wanted = encode(Global("collections", "OrderedDict"))
    made |= {
        "reduce": b"\x80\x02" + system + b"(" + command + b"tR.",
        "inst": b"\x80\x02(" + command + b"i" + system[1:] + b".",
        "obj": b"\x80\x02(" + system + command + b"o.",
        "newobj": b"\x80\x02" + system + b"(" + command + b"t\x81.",
        "newobj_ex": b"\x80\x02" + system + b"(" + command + b"t}\x92.",
        "builtins": b"\x80\x02cbuiltins\nexec\n(" + encode(code) + b"tR.",
        "python 2": b"\x80\x02c__builtin__\neval\n(" + encode(code) + b"tR.",
        "stack_global": b"\x80\x04" + encode("os") + encode("system") + b"\x93(" + command + b"tR.",
        "dotted": b"\x80\x04" + encode("collections") + encode("OrderedDict.__init__") + b"\x93)R.",
        "dotted torch": b"\x80\x04" + encode("torch") + encode("serialization.os.system") + b"\x93)R.",
        "torch.load": b"\x80\x02ctorch\nload\n)R.",
        "jit": b"\x80\x02ctorch.jit\nload\n)R.",
        "extension": b"\x80\x02\x82\x01)R.",
        "extension 2": b"\x80\x02\x83\x01\x00)R.",
        "build on a class": b"\x80\x02" + wanted + b"}b.",
        "build attributes": b"\x80\x02" + wanted + b")R" + encode([("__class__", 1)]) + b"b.",
        "build slots": b"\x80\x02" + wanted + b")RN}\x86b.",
        "call a result": b"\x80\x02" + wanted + b")R)R.",
        "call a storage type": b"\x80\x02ctorch\nFloatStorage\n(K\x05tR.",
        "call text": b"\x80\x02" + encode("os.system") + b"(" + command + b"tR.",
        "call with a list": b"\x80\x02" + wanted + b"]R.",
        "many arguments": b"\x80\x02" + wanted + b"(NNNtR.",
        "persistent text": b"\x80\x02Pstorage\n.",
        "persistent id": b"\x80\x02" + encode(("module", "x", "y", "z")) + b"Q.",
        "buffer": b"\x80\x05\x97.",
    }
    return made


DANGERS = sorted(dangers(Path("/tmp/never-made")))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", DANGERS)
def test_a_malicious_pickle_is_refused_and_not_run(name: str, form: Form, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    data = dangers(mark)[name]
    with pytest.raises(WeightsFileError) as caught:
        read_torch(write(tmp_path, form(data, {})))
    assert "net.pth" in str(caught.value)
    assert not mark.exists()


def test_the_dangers_are_real(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    pickle.loads(dangers(mark)["reduce"])
    assert mark.exists()


def test_a_whole_model_is_refused_with_advice(tmp_path: Path) -> None:
    model = State(Call(Global("torch.nn.modules.conv", "Conv2d"), ()), {"weight": ONE})
    for form in FORMS:
        with pytest.raises(
            WeightsFileError, match=r"torch\.nn\.modules\.conv\.Conv2d.*torch\.save\(model\.state_dict\(\)"
        ):
            read_torch(write(tmp_path, form(model, {})))
    module = Outside(("module", Global("torch", "Size"), "net.py", "class Net: pass"))
    with pytest.raises(WeightsFileError, match=r"whole pickled model.*state_dict"):
        read_torch(write(tmp_path, torch_legacy(module, {})))


def test_nothing_here_can_load_a_pickle() -> None:
    """No file of minitorch_viz.io imports pickle, or anything else that runs what a file says."""
    folder = Path(pickle_reader.__file__).parent
    forbidden = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "torch", "joblib", "importlib", "runpy"}
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not forbidden & {name.split(".")[0] for name in names}, path.name
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("eval", "exec", "compile", "__import__"), path.name
            if isinstance(node, ast.Attribute):
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                assert (owner, node.attr) not in {("np", "load"), ("ast", "literal_eval")}, path.name
