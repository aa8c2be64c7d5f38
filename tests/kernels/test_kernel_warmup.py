"""`warmup` compiles everything: no kernel of the table compiles again after it."""

from __future__ import annotations

from pathlib import Path

import pytest

import minitorch_viz_kernels as kernels
from tests.kernels.test_kernel_choice import run_python


def test_it_says_how_long_it_took() -> None:
    with kernels.use("numpy"):
        assert 0 < kernels.warmup() < 600


def test_nothing_compiles_after_it() -> None:
    pytest.importorskip("numba")
    code = """
import sys, time
import numpy as np, minitorch_viz_kernels as kernels
from numba.core import event
from tests.kernels.kernel_cases import CALLS
kernels.warmup()
compiled = []
class Listener(event.Listener):
    def on_start(self, which): compiled.append(str(which.data['dispatcher']))
    def on_end(self, which): pass
with event.install_listener('numba:compile', Listener()):
    for call in CALLS:
        for dtype in (np.float32, np.float64):
            getattr(kernels, call.kernel)(*call.arguments(dtype))
print(len(CALLS) > 100, sorted(set(compiled)))
"""
    assert run_python(code) == "True []"


FIRST_CALL = """
import os, sys, time
import numpy as np, minitorch_viz_kernels as kernels
from minitorch_viz_kernels import numba_jit
numba_jit.announcer.patience = {patience}
sys.stderr = sys.stdout
x = np.ones((1, 1, 2, 2))
for _ in range(2):
    kernels.avgpool2d(x, (2, 2), (1, 1), (0, 0), (1, 1), True)
    kernels.maxpool2d(x, (2, 2), (1, 1), (0, 0), (1, 1))
print("done")
"""


@pytest.mark.parametrize(("patience", "lines"), [(0.0, 1), (1e6, 0)])
def test_a_first_call_that_compiles_for_long_says_so_once(tmp_path: Path, patience: float, lines: int) -> None:
    pytest.importorskip("numba")
    kept = {"NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_BOUNDSCHECK": "0"}  # with bounds checks nothing is kept on disk
    said = run_python(FIRST_CALL.format(patience=patience), **kept).splitlines()
    assert said[-1] == "done"
    assert len(said) == lines + 1
    assert all("minitorch-viz warmup" in line for line in said[:-1])
    again = run_python(FIRST_CALL.format(patience=0.0), **kept).splitlines()
    assert again == ["done"]  # what is on disk is not compiled
