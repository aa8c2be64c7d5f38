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


def test_attributions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", sys.path[:])  # it finds its neighbours by path
    result = load("attributions").main(["--quick"])
    rows = {row["what"]: row for row in result["rows"]}
    assert {"guided backprop", "integrated gradients", "smoothgrad"} <= rows.keys()
    assert ("grad-cam" in rows) == ("grad-cam" in techniques())
    assert all(row["ms"] > 0 for row in rows.values())
    assert json.loads(json.dumps(result))["net"] == "squeezenet1_1"
