"""The kernel modules under test, by name."""

from __future__ import annotations

import importlib
import shutil
import sys
from typing import Any

import pytest

import minitorch_viz_kernels
from tests.kernels import cuda_on_cpu


@pytest.fixture(scope="session")
def cuda_cpu(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """`cupy_` with its CUDA text compiled for the CPU. Nobody else gets to see the stand-in for CuPy."""
    if shutil.which("g++") is None:
        pytest.skip("g++ is not installed: CUDA text cannot be tried on the CPU")
    name = "minitorch_viz_kernels.cupy_"
    real = {key: sys.modules.pop(key) for key in ("cupy", name) if key in sys.modules}
    sys.modules["cupy"] = cuda_on_cpu.module(tmp_path_factory.mktemp("cuda"))
    try:
        return importlib.import_module(name)
    finally:
        vars(minitorch_viz_kernels).pop("cupy_", None)
        for key in ("cupy", name):
            sys.modules.pop(key, None)
        sys.modules.update(real)


@pytest.fixture(params=["numpy", "numba", "cuda"])
def module(request: pytest.FixtureRequest) -> Any:
    """Each kernel module, called without the checks of the package."""
    if request.param == "cuda":
        return request.getfixturevalue("cuda_cpu")
    if request.param == "numba":
        pytest.importorskip("numba")
    return importlib.import_module(f"minitorch_viz_kernels.{request.param}_")
