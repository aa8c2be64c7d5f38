"""The benchmark of less work runs and says what it compared. Its times are not asserted: machines differ."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "less_work.py"


@pytest.mark.slow
def test_a_quick_run_reports_ratios_and_equal_answers(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", SCRIPT, "--quick", "--out", tmp_path / "less_work.json"],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ, PYTHONPATH=""),
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "less_work.json").read_text())
    assert found["occlusion"]["places"] == 25
    assert found["occlusion"]["whole / reached"] > 0
    assert found["occlusion"]["difference to whole"] < 1e-4
    for unit in found["one unit"].values():
        assert unit["full backward / box"] > 0
        assert unit["difference to whole maps"] < 1e-4
    assert found["many seeds"]["difference to at once"] < 1e-4
    assert found["machine"]["versions"]["numpy"]
