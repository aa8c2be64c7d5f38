"""The kernel modules under test, by name."""

from __future__ import annotations

import importlib
import shutil
import sys
from typing import Any

import pytest

from tests.conftest import forget_gpu_modules
from tests.kernels import cuda_on_cpu


@pytest.fixture(scope="session")
def cuda_cpu(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`cupy_` with its CUDA text compiled for the CPU. Nobody else gets to see the stand-in for CuPy."""
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed: CUDA text cannot be tried on the CPU")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "cupy", cuda_on_cpu.module(tmp_path_factory.mktemp("cuda")))
        forget_gpu_modules()
        module = importlib.import_module("minitorch_viz_kernels.cupy_")
        forget_gpu_modules()
        return module


@pytest.fixture(params=["numpy", "numba", "cuda"])
def module(request: pytest.FixtureRequest) -> Any:
    """Each kernel module, called without the checks of the package."""
    if request.param == "cuda":
        return request.getfixturevalue("cuda_cpu")
    if request.param == "numba":
        pytest.importorskip("numba")
    return importlib.import_module(f"minitorch_viz_kernels.{request.param}_")
