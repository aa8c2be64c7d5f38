"""Damaged ONNX files: bytes changed anywhere, and sound files whose fields say impossible things."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError
from minitorch_viz.models import Model
from tests.io.test_fuzz import VALUES, mutated

pytest.importorskip("onnx", reason="onnx is not installed")
from tests.models.onnx_nets import attentive, onnx, small

NUMBERS = [-(2**63), -1, 0, 1, 2, 3, 5, 2**31, 2**40, 2**63 - 1, *[value for value in VALUES if value < 2**63]]
KINDS = ["Pad", "Resize", "Split", "Transpose", "Squeeze", "Expand", "Range", "ConstantOfShape", "LRN", "MatMul", "Mul"]
KINDS += ["ConvTranspose", "ReduceMean", "AveragePool", "LayerNormalization", "Gather", "Cast", "Softmax", "If", "LSTM"]
KINDS += ["GRU", "RNN", "Max", "Pow", "ReduceSum", "ReduceMax", "SpaceToDepth", "Trilu", "Min", "Celu"]


def damaged_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    return mutated(data, rng) or b"\0"


def damaged_fields(data: bytes, rng: np.random.Generator) -> bytes:
    """A file that protocol buffers can read, with one to three fields changed."""
    model = onnx.load_model_from_string(data)
    for _ in range(int(rng.integers(1, 4))):
        graph = model.graph
        node: Any = graph.node[int(rng.integers(len(graph.node)))]
        number = NUMBERS[int(rng.integers(len(NUMBERS)))]
        names = [name for other in graph.node for name in (*other.input, *other.output)]
        match int(rng.integers(8)):
            case 0:
                node.op_type = str(rng.choice(KINDS))
            case 1 if node.input:
                node.input[int(rng.integers(len(node.input)))] = str(rng.choice(names))
            case 2 if node.input:
                del node.input[int(rng.integers(len(node.input)))]
            case 3 if node.attribute:
                entry = node.attribute[int(rng.integers(len(node.attribute)))]
                entry.i, entry.ints[:] = number, [number if rng.random() < 0.5 else n for n in entry.ints]
            case 4:
                name = str(rng.choice(["axis", "axes", "pads", "to", "perm", "keepdims", "value", "auto_pad", "group"]))
                values: list[Any] = [number, [number], [number] * 4, "SAME_UPPER", 1.5, [0, 1, 2, 3]]
                node.attribute.append(onnx.helper.make_attribute(name, values[int(rng.integers(len(values)))]))
            case 5:
                tensor = graph.initializer[int(rng.integers(len(graph.initializer)))]
                whole = np.array([number, 1][: int(rng.integers(1, 3))])
                tensor.CopyFrom(onnx.numpy_helper.from_array(whole, tensor.name))
            case 6:
                dim = graph.input[0].type.tensor_type.shape.dim
                dim[int(rng.integers(len(dim)))].dim_value = number
            case _:
                node.input.append(str(rng.choice(names)))
    return bytes(model.SerializeToString())


def problems(
    damage: Callable[[bytes, np.random.Generator], bytes], count: int, seed: int, folder: Path
) -> Counter[str]:
    """How often each thing came out of damaged files; what is not the package's own error fails the test at once."""
    nets = [make().SerializeToString() for make in (small, attentive)]
    rng, path = np.random.default_rng(seed), folder / "net.onnx"
    results: Counter[str] = Counter()
    for number in range(count):
        path.write_bytes(damage(nets[number % 2], rng))
        try:
            Model.from_onnx(path)
            results["read"] += 1
        except MinitorchVizError as error:
            if not 20 < len(str(error)) < 2000:
                pytest.fail(f"{error!s:.3000} is no sentence.")
            results[type(error).__name__] += 1
        except Exception as error:
            pytest.fail(f"File {number} of {damage.__name__}, seed {seed}: {type(error).__name__}: {error}")
    return results


@pytest.mark.parametrize("damage", [damaged_bytes, damaged_fields])
def test_1_000_damaged_files(damage: Callable[..., bytes], tmp_path: Path) -> None:
    results = problems(damage, 1_000, 0, tmp_path)
    assert min(results["read"], results["NetError"]) > 10, results


@pytest.mark.nightly
@pytest.mark.parametrize("damage", [damaged_bytes, damaged_fields])
def test_25_000_damaged_files(damage: Callable[..., bytes], tmp_path: Path) -> None:
    results = problems(damage, 25_000, 1, tmp_path)
    assert results.total() == 25_000


def test_weights_beyond_all_sums_are_read_without_a_warning(tmp_path: Path) -> None:
    model, path = small(), tmp_path / "net.onnx"
    for tensor in model.graph.initializer:
        if tensor.name in ("w", "s"):
            huge = np.full(tuple(tensor.dims), 3e38, np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(huge, tensor.name))
    path.write_bytes(model.SerializeToString())
    assert Model.from_onnx(path).class_names
