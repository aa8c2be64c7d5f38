"""`warmup` compiles everything: no kernel of the table compiles again after it."""

from __future__ import annotations

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
