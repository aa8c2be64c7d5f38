"""The rungs under test, by name."""

from __future__ import annotations

import shutil
import sys
from typing import Any

import pytest

from minitorch_viz_kernels.machine import registry
from tests.conftest import forget_gpu_modules
from tests.kernels import cuda_on_cpu


@pytest.fixture(scope="session")
def cuda_cpu(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """CUDA's rung with its text compiled for the CPU. No other test gets to see the stand-in for CuPy."""
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed: CUDA text cannot be tried on the CPU")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cupy", cuda_on_cpu.module(tmp_path_factory.mktemp("cuda")))
        forget_gpu_modules()
        rung = registry.rung("cuda")
        forget_gpu_modules()
        return rung


@pytest.fixture(params=["numpy", "numba", "cuda"])
def module(request: pytest.FixtureRequest) -> Any:
    """All kernels of each rung that is chosen at run time, called without the checks of the package."""
    if request.param == "cuda":
        return request.getfixturevalue("cuda_cpu")
    if request.param == "numba":
        pytest.importorskip("numba")
    return registry.rung(request.param)
