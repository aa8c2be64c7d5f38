"""The benchmarks run, and say what they should; how fast anything is depends on the machine and is not tested."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from minitorch_viz.techniques import techniques

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


def load(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_convolutions(capsys: pytest.CaptureFixture[str]) -> None:
    module = load("convolutions")
    result = module.main(["--quick"])
    assert len(result["layers"]) == 3 * len(module.QUICK)
    assert all(row["ms"] > 0 for row in result["layers"])
    assert json.loads(json.dumps(result))["peak_gflops"] > 0
    assert "peak" in capsys.readouterr().out
    assert {module.kind(layer) for _, layer in module.layers(quick=False)} == {"3x3 stride 1", "other"}


def test_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    """One thread: a library whose waiting threads turn in circles takes seconds where other programs run."""
    result = load("epoch").main(["--quick", "--threads", "1"])
    assert [row["what"] for row in result["rows"]] == ["step", "fit"]
    for row in result["rows"]:
        assert row["s_an_epoch"] == pytest.approx(row["ms_a_step"] / 1e3 * 50_000 / row["batch"], abs=0.1)
        if "ratio" in row:  # with PyTorch
            assert row["ratio"] == pytest.approx(row["torch_ms_a_step"] / row["ms_a_step"], rel=0.02)
    assert result["machine"]["threads"] == 1
    kinds = {what.split()[1] for what in result["ms_by_layer"]}
    assert kinds == {"Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "GlobalAvgPool2d", "Flatten", "Linear"}
    assert json.loads(json.dumps(result)) == result
    assert "ms a step" in capsys.readouterr().out


def test_attributions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", sys.path[:])  # it finds its neighbours by path
    result = load("attributions").main(["--quick"])
    rows = {row["what"]: row for row in result["rows"]}
    assert {"guided backprop", "integrated gradients", "smoothgrad"} <= rows.keys()
    assert ("grad-cam" in rows) == ("grad-cam" in techniques())
    assert all(row["ms"] > 0 for row in rows.values())
    assert json.loads(json.dumps(result))["net"] == "squeezenet1_1"
