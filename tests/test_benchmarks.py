"""The benchmarks run, and say what they should; how fast anything is depends on the machine and is not tested."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

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
