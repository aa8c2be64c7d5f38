"""Files that PyTorch itself writes, in both forms and all pickle protocols, come out as PyTorch loads them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import WeightsFileError
from minitorch_viz.io.torch_pth import read_torch
from minitorch_viz.io.weights import read_weights

torch = pytest.importorskip("torch", reason="needs PyTorch")
pytestmark = pytest.mark.torch

FORMS = [True, False]


def save(value: Any, path: Path, new: bool, protocol: int = 2) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=new, pickle_protocol=protocol)
    return path


def tensors() -> dict[str, Any]:
    torch.manual_seed(0)
    base = torch.randn(4, 6)
    floats = [torch.float16, torch.float32, torch.float64, torch.bfloat16, torch.complex64, torch.complex128]
    ints = [torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.bool]
    made = {str(dtype): torch.randn(3, 2).to(dtype) for dtype in floats}
    made |= {str(dtype): torch.randint(0, 2, (3, 2)).to(dtype) for dtype in ints}
    return made | {
        "base": base,
        "turned": base.T,
        "part": base[1:3, ::2],
        "column": base[:, 3],
        "backwards": base.flip(0),
        "diagonal": base.diagonal(),
        "expanded": torch.ones(1).expand(5, 7),
        "windows": torch.arange(10.0).unfold(0, 4, 1),
        "channels last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
        "nothing": torch.zeros(0, 3),
        "nothing inside": torch.zeros(2, 0, 3),
        "scalar": torch.tensor(3.5),
        "scalar in another": base[2, 3],
        "integer": torch.tensor(7),
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
        "frozen": torch.nn.Parameter(torch.randn(2), requires_grad=False),
        "half part": torch.randn(4, 4).to(torch.bfloat16)[1:, ::3],
        "bfloat16 expanded": torch.ones(1, dtype=torch.bfloat16).expand(3),
    }


def expected(tensor: Any) -> np.ndarray:
    tensor = tensor.detach()
    return np.array((tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy())


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("new", FORMS)
def test_all_kinds_of_tensors(new: bool, protocol: int, tmp_path: Path) -> None:
    made = tensors()
    arrays, notes = read_torch(save(made, tmp_path / "a.pth", new, protocol))
    assert notes == ()
    assert list(arrays) == list(made)
    for name, tensor in made.items():
        assert arrays[name].dtype == expected(tensor).dtype, name
        np.testing.assert_array_equal(arrays[name], expected(tensor), err_msg=name)


@pytest.mark.parametrize("new", FORMS)
def test_unsigned_integers(new: bool, tmp_path: Path) -> None:
    made = {str(dtype): torch.arange(5).to(dtype) for dtype in (torch.uint16, torch.uint32, torch.uint64)}
    arrays, _ = read_torch(save(made, tmp_path / "a.pth", new))
    for name, tensor in made.items():
        np.testing.assert_array_equal(arrays[name], tensor.numpy())


def model() -> Any:
    nn = torch.nn
    first = [nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.ConvTranspose2d(4, 2, 3)]
    return nn.Sequential(*first, nn.Embedding(5, 2), nn.Linear(6, 2), nn.LSTM(3, 4, 2, bidirectional=True))


@pytest.mark.parametrize("new", FORMS)
def test_a_models_state_dict(new: bool, tmp_path: Path) -> None:
    state = model().state_dict()
    weights = read_weights(save(state, tmp_path / "a.pth", new))
    assert weights.format == "torch"
    assert list(weights.tensors) == list(state)
    for name, tensor in state.items():
        np.testing.assert_array_equal(weights.tensors[name], tensor.numpy())


@pytest.mark.parametrize("new", FORMS)
def test_a_training_checkpoint(new: bool, tmp_path: Path) -> None:
    net = model()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    checkpoint = {"epoch": 3, "optimizer": optimizer.state_dict(), "losses": [0.5, 0.25], "size": torch.Size([3, 2])}
    checkpoint["state_dict"] = {f"module.{name}": tensor for name, tensor in net.state_dict().items()}
    arrays, notes = read_torch(save(checkpoint, tmp_path / "a.pth", new))
    assert list(arrays) == list(net.state_dict())
    np.testing.assert_array_equal(arrays["0.weight"], net[0].weight.detach().numpy())
    assert "'state_dict'" in notes[0]
    assert "'module.'" in notes[1]


@pytest.mark.parametrize("new", FORMS)
def test_shared_storages_are_read_once(new: bool, tmp_path: Path) -> None:
    base = torch.randn(100, 100)
    arrays, _ = read_torch(save({f"row{n}": base[n] for n in range(100)}, tmp_path / "a.pth", new))
    places = [array.__array_interface__["data"][0] for array in arrays.values()]
    assert np.diff(places).tolist() == [400] * 99
    np.testing.assert_array_equal(np.stack(list(arrays.values())), base.numpy())


@pytest.mark.parametrize("new", FORMS)
def test_a_whole_model_is_refused(new: bool, tmp_path: Path) -> None:
    path = save(model(), tmp_path / "a.pth", new)
    with pytest.raises(WeightsFileError, match=r"whole pickled model.*torch\.save\(model\.state_dict\(\)"):
        read_weights(path)


def test_torchscript_is_refused(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions of PyTorch call it deprecated
        torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2)), tmp_path / "a.pt")
    with pytest.raises(WeightsFileError, match=r"TorchScript.*state_dict"):
        read_weights(tmp_path / "a.pt")


def test_quantized_and_sparse_tensors_are_refused(tmp_path: Path) -> None:
    sparse = torch.eye(3).to_sparse()
    with pytest.raises(WeightsFileError, match="_rebuild_sparse_tensor"):
        read_weights(save({"a": sparse}, tmp_path / "a.pth", True))
    with pytest.raises(WeightsFileError, match="float8"):
        read_weights(save({"a": torch.zeros(2).to(torch.float8_e4m3fn)}, tmp_path / "a.pth", True))


def test_without_checksums(tmp_path: Path) -> None:
    torch.serialization.set_crc32_options(False)
    try:
        path = save({"a": torch.arange(3.0)}, tmp_path / "a.pth", True)
    finally:
        torch.serialization.set_crc32_options(True)
    assert read_weights(path).tensors["a"].tolist() == [0, 1, 2]


def test_a_file_larger_than_its_numbers_when_a_small_view_is_saved(tmp_path: Path) -> None:
    view = torch.randn(1000, 100)[5:6]  # torch.save keeps the whole storage of a view
    arrays, _ = read_torch(save({"a": view}, tmp_path / "a.pth", True))
    np.testing.assert_array_equal(arrays["a"], view.numpy())
