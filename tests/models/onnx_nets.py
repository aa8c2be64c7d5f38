"""Small ONNX nets for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
helper, numpy_helper = onnx.helper, onnx.numpy_helper


def proto(
    nodes: list[Any], arrays: dict[str, Any], shape: tuple[int | str, ...], opset: int = 17, kind: int = 1
) -> Any:
    """A model with the input x, the output of its last operator, and these arrays."""
    x = helper.make_tensor_value_info("x", kind, shape)
    y = helper.make_tensor_value_info(nodes[-1].output[0], kind, None)
    initializers = [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "net", [x], [y], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def written(folder: Path, model: Any, name: str = "net.onnx") -> Path:
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


def small(seed: int = 0) -> Any:
    """A net with a convolution, a normalization, gates, a pooling, a join, a slice, a shape to follow and scores."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> Any:
        return rng.normal(size=shape).astype(np.float32)

    arrays = {
        **{"w": normal(4, 3, 3, 3), "b": normal(4), "s": normal(4), "m": normal(4), "v": np.abs(normal(4))},
        **{"fc": normal(2, 16), "fb": normal(2), "rest": np.array([-1]), "zero": np.array(0), "first": np.array([0])},
        **{"low": np.float32(0), "high": np.float32(6), "four": np.array([4]), "one": np.array([1])},
    }
    make = helper.make_node
    nodes = [
        make("Conv", ["x", "w", "b"], ["c"], "/conv/Conv", pads=[1, 1, 1, 1]),
        make("BatchNormalization", ["c", "s", "b", "m", "v"], ["n"], "/bn/BatchNormalization"),
        make("Relu", ["n"], ["r"], "/relu/Relu"),
        make("MaxPool", ["r"], ["p"], "/pool/MaxPool", kernel_shape=[2, 2], strides=[2, 2]),
        make("Clip", ["p", "low", "high"], ["k"]),
        make("Add", ["k", "p"], ["a"]),
        make("Concat", ["a", "r1"], ["cc"], axis=1),
        make("Slice", ["cc", "first", "four", "one"], ["sl"]),
        make("Shape", ["sl"], ["sides"]),
        make("Gather", ["sides", "zero"], ["count"], axis=0),
        make("Unsqueeze", ["count", "first"], ["counts"]),
        make("Concat", ["counts", "rest"], ["target"], axis=0),
        make("Reshape", ["sl", "target"], ["f"]),
        make("Gemm", ["f", "fc", "fb"], ["y"], "/fc/Gemm", transB=1),
    ]
    nodes.insert(6, make("Sigmoid", ["a"], ["r1"]))
    return proto(nodes, arrays, ("n", 3, 4, 4))


def attentive(seed: int = 0) -> Any:
    """Attention over a sequence as exporters write it: steps first, a class token, heads merged with the images."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int) -> Any:
        return rng.normal(size=shape).astype(np.float32)

    numbers = {"steps": [1, 3, 4], "split": [4, 1, 3, 2, 2], "rows": [4, 1, 4]}
    arrays = {
        **{name: np.array(values) for name, values in numbers.items()},
        **{"token": normal(1, 1, 4), "w": normal(4, 12), "b": normal(12), "o": normal(4, 4), "fc": normal(2, 4)},
        **{"scale": np.float32(2**-0.5), "flat": np.array([4, 4]), "zero": np.array(0)},
        **{"s": normal(4), "places": normal(1, 4, 4), "square": np.float32(2), "epsilon": np.float32(1e-5)},
    }
    make = helper.make_node
    nodes = [
        make("Reshape", ["x", "steps"], ["r"]),
        make("Concat", ["token", "r"], ["c"], axis=1),
        make("Add", ["c", "places"], ["p"]),
        make("ReduceMean", ["p"], ["mean"], axes=[-1]),
        make("Sub", ["p", "mean"], ["d"]),
        make("Pow", ["d", "square"], ["dd"]),
        make("ReduceMean", ["dd"], ["variance"], axes=[-1]),
        make("Add", ["variance", "epsilon"], ["above"]),
        make("Sqrt", ["above"], ["deviation"]),
        make("Div", ["d", "deviation"], ["normal"]),
        make("Mul", ["normal", "s"], ["n"]),
        make("Transpose", ["n"], ["t"], perm=[1, 0, 2]),
        make("MatMul", ["t", "w"], ["m"]),
        make("Add", ["b", "m"], ["a"]),
        make("Reshape", ["a", "split"], ["qkv"]),
        make("Transpose", ["qkv"], ["parts"], perm=[2, 3, 0, 1, 4]),
        *(make("Gather", ["parts", str(i)], [name], axis=0) for i, name in enumerate("qkv")),
        *(make("Squeeze", [name, "two"], [f"{name}3"]) for name in "qkv"),
        make("Mul", ["q3", "scale"], ["scaled"]),
        make("Transpose", ["k3"], ["turned"], perm=[0, 2, 1]),
        make("MatMul", ["scaled", "turned"], ["scores"]),
        make("Softmax", ["scores"], ["soft"]),
        make("MatMul", ["soft", "v3"], ["answers"]),
        make("Transpose", ["answers"], ["back"], perm=[1, 0, 2]),
        make("Reshape", ["back", "flat"], ["row"]),
        make("Gemm", ["row", "o"], ["out"]),
        make("Reshape", ["out", "rows"], ["long"]),
        make("Transpose", ["long"], ["images"], perm=[1, 0, 2]),
        make("Add", ["images", "p"], ["sum"]),
        make("Gather", ["sum", "zero"], ["class"], axis=1),
        make("Gemm", ["class", "fc"], ["y"], transB=1),
    ]
    arrays |= {str(i): np.array(i) for i in range(3)} | {"two": np.array([2])}
    return proto(nodes, arrays, ("n", 12))
