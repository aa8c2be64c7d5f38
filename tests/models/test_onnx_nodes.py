"""The onnx package's own tests of single operators: for those that are read, each passes or is refused in words."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minitorch_viz.errors import MinitorchVizError, ShapeError
from minitorch_viz.models.from_onnx.file import read_graph
from minitorch_viz.models.from_onnx.net import build_net
from minitorch_viz.models.from_onnx.operators import operators

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
loader = pytest.importorskip("onnx.backend.test.loader", reason="onnx is not installed")
LEAST = 184  # cases that pass today
ALL_SIGNALS = {"Sum", "Concat", "Add", "Sub", "Mul"}  # their inputs may all depend on the net's; of others the first


def outcome(case: Any, path: Path) -> str:
    """ "passed", "refused", or what is wrong; "passed in part": its first output does, a further one is refused.

    All inputs but the first are constants; where that is refused, all may depend on the net's input.
    """
    signals = [1, None] if case.model.graph.node[0].op_type in ALL_SIGNALS else [1]
    results = [tried(case, path, count) for count in signals]
    best = next((result for result in results if result != "refused"), "refused")
    if best == "refused" and len(case.model.graph.output) > 1:
        part = tried(case, path, 1, outputs=1)
        return "passed in part" if part == "passed" else part
    return best


def tried(case: Any, path: Path, signals: int | None, outputs: int | None = None) -> str:
    """The outcome with so many inputs that depend on the net's, and the first outputs alone."""
    model, (inputs, answers) = onnx.ModelProto(), case.data_sets[0]
    model.CopyFrom(case.model)
    del model.graph.output[outputs or len(answers) :]
    answers = answers[:outputs]
    names = [entry.name for entry in model.graph.input]
    given = dict(zip(names, inputs, strict=True))
    first = names[:signals]
    for name, value in given.items():
        if name not in first and isinstance(value, (np.ndarray, np.generic)):
            model.graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(value), name))
    path.write_bytes(model.SerializeToString())
    try:
        read = build_net(read_graph(path))
    except MinitorchVizError as error:
        return "refused" if 30 < len(str(error)) < 600 else f"no sentence: {error}"
    values = {key: given[entry.name] for key, entry in read.inputs.items()}
    floats = {key: x.astype(np.float32) if x.dtype == np.float16 else x for key, x in values.items()}
    try:
        tape = read.net.forward(floats)
    except ShapeError as error:  # of an axis without places, which only the values tell
        return "refused" if 30 < len(str(error)) < 600 else f"no sentence: {error}"
    for node, expected in zip(read.outputs, answers, strict=True):
        if tape[node].shape != expected.shape:
            return f"{tape[node].shape} in place of {expected.shape}"
        if not np.allclose(tape[node], expected, case.rtol, max(case.atol, 1e-6)):
            return f"differs by {np.abs(tape[node] - expected).max()}"
    return "passed"


@pytest.mark.slow
def test_each_case_of_an_operator_that_is_read_passes_or_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # making its cases, the package divides by 0 and the like
        cases = loader.load_model_tests(kind="node")
    counts: dict[str, Counter[str]] = {name: Counter() for name in operators()}
    wrong = {}
    for case in cases:
        nodes = case.model.graph.node
        if len(nodes) != 1 or nodes[0].op_type not in counts or nodes[0].domain:
            continue
        result = outcome(case, tmp_path / "case.onnx")
        counts[nodes[0].op_type][result] += 1
        if result not in ("passed", "passed in part", "refused"):
            wrong[case.name] = result
    words = ("passed", "passed in part", "refused")
    passed, in_part, refused = (sum(count[word] for count in counts.values()) for word in words)
    with capsys.disabled():
        print(
            f"\nONNX's own cases of {len(counts)} operators: {passed} pass, {in_part} in their first output, ", end=""
        )
        print(f"{refused} are refused in words.")
        print(", ".join(f"{name} {count['passed']} of {count.total()}" for name, count in counts.items()))
    assert not wrong
    assert passed >= LEAST
