"""Running the readers in a program of their own, under a memory limit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_python(*arguments: str) -> subprocess.Popen[str]:
    """A Python program that can import the package and the tests."""
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'kernels'}", "PATH": "/usr/bin:/bin", "OPENBLAS_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, *arguments], stdout=pipe, stderr=subprocess.STDOUT, text=True, cwd=ROOT, env=environment
    )


@pytest.fixture
def read_under_limit() -> Callable[[Path], str]:
    """Read all files of a folder within file size + 256 MB; fails on foreign exceptions, crashes and memory errors."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("measures memory through /proc, which only Linux has")

    def read(folder: Path) -> str:
        program = run_python("-m", "tests.io.limited", str(folder))
        output, _ = program.communicate(timeout=120)
        assert program.returncode == 0, output
        return output

    return read
